/**
 * Sends one question to several models, and keeps their progress and figures. The last comparison
 * is remembered while the window is open; the choice of models survives a reload.
 */
import { create } from 'zustand';
import { HOST_DEVICE } from '../../../shared/decision.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { useWindow } from '../../store.ts';
import { type Answering, follow, giveUpLoad, isUnderWay, NOT_BEGUN } from './answering.ts';
import type { Measured } from './compare-figures.ts';
import { type Asked, COMPARED, parametersOf } from './conversation.ts';
import { textBody } from './request.ts';

export interface Column extends Answering, Measured {
  readonly model: Asked;
}

interface CompareState {
  /** Null: nothing was asked yet. */
  readonly question: string | null;
  readonly columns: readonly Column[];
}

export const useCompare = create<CompareState>(() => ({ question: null, columns: [] }));

const running = new Map<string, AbortController>();

/** Asks all of them; what was asked before goes. Does nothing while an answer is under way. */
export function compare(models: readonly Asked[], question: string): void {
  if (useCompare.getState().columns.some(isUnderWay)) return;
  useCompare.setState({
    question,
    columns: models.map((model) => ({ ...NOT_BEGUN, model, memoryBytes: null, watts: null })),
  });
  for (const model of models) void askOne(model, question);
}

/** Asks one of them again; the others keep their answers. */
export function askAgain(model: Asked): void {
  const { question } = useCompare.getState();
  if (question === null || running.has(model.id)) return;
  update(model.id, { ...NOT_BEGUN, memoryBytes: null, watts: null });
  void askOne(model, question);
}

export function stopOne(modelId: string): void {
  const isWaiting = useCompare.getState().columns.find(({ model }) => model.id === modelId)?.phase === 'waiting';
  running.get(modelId)?.abort();
  if (isWaiting) giveUpLoad(modelId);
}

export function stopAll(): void {
  for (const modelId of running.keys()) stopOne(modelId);
}

async function askOne(model: Asked, question: string): Promise<void> {
  const ending = new AbortController();
  running.set(model.id, ending);
  const watts = new Watts(model.id);
  const body = textBody(model.requestKind, [], question, parametersOf(COMPARED));
  await follow(model.id, body, ending.signal, (change) => {
    if (change.phase !== undefined && change.phase !== 'waiting') watts.begin();
    update(model.id, change);
  });
  if (running.get(model.id) === ending) running.delete(model.id);
  const drawn = watts.end();
  // What an answer took that did not end says nothing of the model.
  const isWhole = useCompare.getState().columns.some((column) => column.model.id === model.id && column.final !== null);
  if (isWhole) update(model.id, { memoryBytes: memoryOf(viewOf(model.id)), watts: drawn });
}

function update(modelId: string, change: Partial<Column>): void {
  useCompare.setState(({ columns }) => ({
    columns: columns.map((column) => (column.model.id === modelId ? { ...column, ...change } : column)),
  }));
}

function viewOf(modelId: string): ModelView | undefined {
  return useWindow.getState().snapshot?.models.find(({ id }) => id === modelId);
}

/** Of all devices together. */
export function memoryOf(model: Pick<ModelView, 'measuredBytes'> | undefined): number | null {
  const measured = model?.measuredBytes;
  return measured === undefined || measured === null ? null : Object.values(measured).reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * What a model's GPUs draw while it answers: a reading each time that the engine tells of the
 * devices. Others may use them too: it is the draw of the whole GPU.
 */
class Watts {
  readonly #modelId: string;
  readonly #readings: number[] = [];
  #leave: (() => void) | null = null;

  constructor(modelId: string) {
    this.#modelId = modelId;
  }

  begin(): void {
    this.#leave ??= useWindow.subscribe(({ snapshot }, { snapshot: before }) => {
      if (snapshot?.devices !== before?.devices) this.#read();
    });
  }

  /**
   * @returns the mean; an answer that was shorter than the time between two readings has the last
   * one.
   */
  end(): number | null {
    if (this.#leave !== null && this.#readings.length === 0) this.#read();
    this.#leave?.();
    const { length } = this.#readings;
    return length === 0 ? null : this.#readings.reduce((sum, watts) => sum + watts, 0) / length;
  }

  #read(): void {
    const ids = viewOf(this.#modelId)?.devices.filter((id) => id !== HOST_DEVICE) ?? [];
    const devices = useWindow.getState().snapshot?.devices.filter(({ id }) => ids.includes(id)) ?? [];
    const watts = devices.flatMap(({ powerWatts }) => powerWatts ?? []);
    // A part of several would be no sum.
    if (watts.length > 0 && watts.length === ids.length) this.#readings.push(watts.reduce((sum, each) => sum + each, 0));
  }
}
