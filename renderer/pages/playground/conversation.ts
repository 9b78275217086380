/**
 * What this page remembers while the window is open, and the answers under way: they go on while another page is shown, and outlive an engine
 * that restarts. One conversation a model; one draft and one set of parameters for all.
 */
import { create } from 'zustand';
import type { Final } from '../../../shared/answer-figures.ts';
import { type ModeliumError, toModeliumError } from '../../../shared/errors.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { unload } from '../../actions.ts';
import { useWindow } from '../../store.ts';
import { answerStream } from './asking.ts';
import { Pace } from './pace.ts';
import { type Body, DEFAULTS, type Exchange, type Parameters, textBody } from './request.ts';

export type Phase = 'waiting' | 'thinking' | 'writing' | 'complete' | 'stopped' | 'failed';

export interface Turn extends Exchange {
  readonly id: number;
  readonly phase: Phase;
  /** What the model thought aloud in front of its answer; empty where it does not. */
  readonly reasoning: string;
  /** The engine's words on what the request waits for, once it waits for long. */
  readonly why: string | null;
  readonly failure: ModeliumError | null;
  readonly final: Final | null;
}

/** Whom is asked, and how. */
export interface Asked {
  readonly id: string;
  readonly way: 'chat' | 'text';
}

interface PlaygroundState {
  readonly chosen: string | null;
  readonly draft: string;
  readonly parameters: Parameters;
  readonly turns: Readonly<Record<string, readonly Turn[]>>;
  /** The last request of each model. */
  readonly requests: Readonly<Record<string, Body>>;
}

export const usePlayground = create<PlaygroundState>(() => ({ chosen: null, draft: '', parameters: DEFAULTS, turns: {}, requests: {} }));

const NO_TURNS: readonly Turn[] = [];
const running = new Map<string, AbortController>();
let lastTurn = 0;

export function useTurns(modelId: string): readonly Turn[] {
  return usePlayground((state) => state.turns[modelId] ?? NO_TURNS);
}

export function isUnderWay(turn: Turn | undefined): boolean {
  return turn?.phase === 'waiting' || turn?.phase === 'thinking' || turn?.phase === 'writing';
}

export function setDraft(draft: string): void {
  usePlayground.setState({ draft });
}

export function setParameters(change: Partial<Parameters>): void {
  usePlayground.setState(({ parameters }) => ({ parameters: { ...parameters, ...change } }));
}

/** Asks, after what was said before. Does nothing while an answer of this model is under way. */
export function send(model: Asked, question: string): void {
  if (running.has(model.id)) return;
  begin(model, question, turnsOf(model.id));
}

/** Asks the last question again, or another one in its place; its answer goes. */
export function sendAgain(model: Asked, question: string): void {
  if (running.has(model.id)) return;
  begin(model, question, turnsOf(model.id).slice(0, -1));
}

/**
 * Ends the answer, and the load that it waits for where nobody else waits for it: a load goes on when its client merely leaves, but a person who
 * stops it here says that it is not wanted.
 */
export function stop(modelId: string): void {
  const isWaiting = turnsOf(modelId).at(-1)?.phase === 'waiting';
  running.get(modelId)?.abort();
  const model = useWindow.getState().snapshot?.models.find(({ id }) => id === modelId);
  if (isWaiting && model !== undefined && COMING.has(model.state) && model.waiting <= 1) void unload(modelId);
}

/** The states of a model on its way to a device. */
const COMING: ReadonlySet<ModelView['state']> = new Set(['preparing', 'queued', 'loading']);

export function startAnew(modelId: string): void {
  stop(modelId);
  running.delete(modelId);
  setTurns(modelId, NO_TURNS);
}

function turnsOf(modelId: string): readonly Turn[] {
  return usePlayground.getState().turns[modelId] ?? NO_TURNS;
}

function setTurns(modelId: string, turns: readonly Turn[]): void {
  usePlayground.setState((state) => ({ turns: { ...state.turns, [modelId]: turns } }));
}

function begin(model: Asked, question: string, before: readonly Turn[]): void {
  const body = textBody(model.way, before, question, usePlayground.getState().parameters);
  lastTurn += 1;
  const turn: Turn = { id: lastTurn, question, answer: '', reasoning: '', phase: 'waiting', why: null, failure: null, final: null };
  setTurns(model.id, [...before, turn]);
  usePlayground.setState((state) => ({ requests: { ...state.requests, [model.id]: body } }));
  void answer(model.id, turn.id, body);
}

async function answer(modelId: string, turnId: number, body: Body): Promise<void> {
  const ending = new AbortController();
  running.set(modelId, ending);
  const update = (change: Partial<Turn>): void =>
    setTurns(
      modelId,
      turnsOf(modelId).map((turn) => (turn.id === turnId ? { ...turn, ...change } : turn)),
    );
  const thoughts = new Pace((reasoning) => update(pace.text === '' ? { reasoning, phase: 'thinking' } : { reasoning }));
  const pace = new Pace((text) => update({ answer: text, reasoning: thoughts.text, phase: 'writing' }));
  try {
    for await (const coming of answerStream(modelId, body, ending.signal)) {
      if (coming.type === 'reasoning') thoughts.add(coming.text);
      else if (coming.type === 'text') {
        pace.add(coming.text);
      } else if (coming.type === 'waiting') update({ why: coming.why });
      else update({ answer: pace.text, reasoning: thoughts.text, phase: 'complete', final: coming.final });
    }
  } catch (thrown) {
    const isStopped = ending.signal.aborted;
    update({
      answer: pace.text,
      reasoning: thoughts.text,
      phase: isStopped ? 'stopped' : 'failed',
      failure: isStopped ? null : toModeliumError(thrown),
    });
  } finally {
    thoughts.end();
    pace.end();
    if (running.get(modelId) === ending) running.delete(modelId);
  }
}
