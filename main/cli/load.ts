/**
 * `modelium load`: requests the load of a model and follows it until the model is ready or the load
 * fails.
 */

import type { EngineEvent, ModelView } from '../../shared/snapshot.ts';
import { connect, type EngineClient } from '../client.ts';
import { routeOf } from './model-name.ts';
import { createProgress, inLines, paint, printJson, printText } from './output.ts';
import type { Shared } from './verb.ts';

export interface LoadOptions {
  readonly wait: boolean;
  readonly force: boolean;
}

export async function load({ stateFolder, json }: Shared, name: string, options: LoadOptions): Promise<number> {
  const engine = await connect(stateFolder);
  const asked = await engine.post<'load'>(`${await routeOf(engine, name)}/load`, { force: options.force });
  const model = options.wait ? await followModel(engine, asked.model) : asked.model;
  if (json) printJson(model);
  else printText(verdict(model));
  return options.wait && model.state !== 'ready' ? 1 : 0;
}

/**
 * Shows a model's progress until it rests: ready, blocked, failed, or unloaded again. Ctrl-C
 * leaves; the load goes on.
 * @param model as it was when it was asked for.
 */
export async function followModel(engine: EngineClient, model: ModelView, signal?: AbortSignal): Promise<ModelView> {
  const progress = createProgress();
  let now = model;
  let moved = false;
  const see = (view: ModelView): boolean => {
    now = view;
    progress.show(`${view.id}: ${view.headline}`, view.progress);
    moved ||= view.state !== 'unloaded';
    return !hasSettled(view, moved);
  };
  try {
    if (!see(model)) return now;
    await engine.follow(
      '/control/events',
      (data) => {
        const view = modelIn(data as EngineEvent, model.id);
        return view === undefined || see(view);
      },
      signal,
    );
    return now;
  } finally {
    progress.end();
  }
}

/** The model in an event of /control/events, if the event tells of it. */
export function modelIn(event: EngineEvent, id: string): ModelView | undefined {
  const models = event.type === 'snapshot' ? event.snapshot.models : event.changed.models;
  return models?.find((model) => model.id === id);
}

/**
 * `unloaded` is an end only after the model was on its way: an event from before the wish may still
 * come.
 */
function hasSettled({ state, copy }: ModelView, moved: boolean): boolean {
  // Files are missing: nobody here brings them, and whoever copies them can ask again.
  if (state === 'settling' && copy !== null && copy.missing.length > 0 && copy.bytesPresent > 0) return true;
  return state === 'ready' || state === 'blocked' || state === 'failed' || (state === 'unloaded' && moved);
}

function verdict(model: ModelView): string {
  if (model.state === 'ready') return inLines([`${paint('green', 'ready')} ${model.id}: ${model.message}`]);
  const help =
    model.state === 'settling'
      ? 'It is loaded when the missing files have arrived; with --force the present files are loaded.'
      : model.help;
  return inLines([`${model.id} is ${model.state}: ${model.message}`, ...(help === null ? [] : [help])]);
}
