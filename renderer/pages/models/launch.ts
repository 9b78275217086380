/**
 * The values that a user tries for the launch of a model, over those of the settings, and how they
 * are written into the settings file. The engine computes the plan; the page computes nothing.
 */
import type { LaunchWish, OwnLaunch } from '../../../shared/decision.ts';
import { load, unload } from '../../actions.ts';
import { ask } from '../../api.ts';
import * as texts from '../../texts.ts';
import { attempt, say } from '../../ui/toasts.tsx';

export type LaunchKey = Exclude<keyof OwnLaunch, 'name'>;
export const LAUNCH_KEYS = ['context', 'parallel', 'gpus', 'runtime', 'memory_mb'] as const satisfies readonly LaunchKey[];

/** Where a value comes from. `tried`: from the sliders, and nowhere else yet. */
export type Source = 'automatic' | 'settings' | 'tried';

export function sourceOf(key: LaunchKey, wish: LaunchWish, own: OwnLaunch): Source {
  if (isTried(key, wish, own)) return wish[key] == null ? 'automatic' : 'tried';
  return own[key] === null ? 'automatic' : 'settings';
}

function isTried(key: LaunchKey, wish: LaunchWish, own: OwnLaunch): boolean {
  return key in wish && JSON.stringify(wish[key] ?? null) !== JSON.stringify(own[key]);
}

/** The value that is tried, else the one of the settings; null: left to Modelium. */
export function launchValue<Key extends LaunchKey>(key: Key, wish: LaunchWish, own: OwnLaunch): OwnLaunch[Key] {
  return (key in wish ? (wish[key] ?? null) : own[key]) as OwnLaunch[Key];
}

export interface Change {
  readonly path: readonly string[];
  /** Null takes the key out. */
  readonly value: unknown;
}

export function changesOf(wish: LaunchWish, own: OwnLaunch): readonly Change[] {
  return LAUNCH_KEYS.filter((key) => isTried(key, wish, own)).map((key) => ({ path: ['models', own.name, key], value: wish[key] ?? null }));
}

/** `context: 4096`, `runtime: (automatic)`. */
export function changeInWords({ path, value }: Change): string {
  return `${path.at(-1)}: ${value === null ? texts.plan.leftToModelium : typeof value === 'string' ? value : JSON.stringify(value)}`;
}

/**
 * Into the file, and then the model is loaded, again where it is there. @returns whether it is
 * written.
 */
export async function saveLaunch(id: string, isLoaded: boolean, changes: readonly Change[]): Promise<boolean> {
  let isWritten = false;
  await attempt(texts.plan.notChanged, async () => {
    const { revision } = await ask<'settings'>('GET', '/control/settings');
    await ask<'editSettings'>('POST', '/control/settings', { body: { changes, revision } });
    isWritten = true;
    say(texts.plan.savedFor(id), changes.map(changeInWords).join(', '));
  });
  // Not every change moves a model that serves: a GPU that it may have again is no reason to.
  if (isWritten && isLoaded) await unload(id);
  if (isWritten) await load(id);
  return isWritten;
}
