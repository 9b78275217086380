/**
 * The list of runtimes: a new runtime is a folder and one line here. Tables show the runtimes, and
 * searches run, in this order.
 */
import type { Settings } from '../../shared/settings.ts';
import { ownRuntimes } from './custom/module.ts';
import { llama } from './llama/module.ts';
import type { LaterRuntime, RuntimeModule } from './module.ts';
import { ray } from './ray/module.ts';
import { remotesOf } from './remote/module.ts';
import { triton } from './triton/module.ts';
import { vllm } from './vllm/module.ts';

export const RUNTIMES: readonly RuntimeModule[] = [llama, vllm, triton, ray];

/**
 * Kinds of runtimes of which a person's settings name as many as they like, each a module of its
 * own.
 */
const NAMED_RUNTIMES: readonly ((settings: Settings) => readonly RuntimeModule[])[] = [ownRuntimes, remotesOf];

/**
 * All that there are under these settings. Two of them never have one id: the settings see to it.
 */
export function runtimesOf(settings: Settings): readonly RuntimeModule[] {
  return [...RUNTIMES, ...NAMED_RUNTIMES.flatMap((named) => named(settings))];
}

/** For a later version: whoever drops what they serve is told their names. */
export const LATER_RUNTIMES: readonly LaterRuntime[] = [];
