/** The requests for what a user may do to a model. A failure is shown where the user looks. */
import { ask } from './api.ts';
import * as texts from './texts.ts';
import { attempt, say } from './ui/toasts.tsx';

function path(id: string, action: string): string {
  return `/control/models/${encodeURIComponent(id)}/${action}`;
}

export function load(id: string, force = false): Promise<void> {
  return attempt(texts.toasts.notLoaded(id), () => ask<'load'>('POST', path(id, 'load'), { body: { force } }));
}

/**
 * Answers when the memory is seen free. Also ends a load, and a wait for one. @param force cuts
 * requests that run.
 */
export function unload(id: string, force = false): Promise<void> {
  return attempt(texts.toasts.notUnloaded(id), () => ask<'unload'>('POST', path(id, 'unload'), { body: { force } }));
}

export function pin(id: string, pinned: boolean): Promise<void> {
  return attempt(texts.toasts.notPinned(id, pinned), () => ask<'pin'>('POST', path(id, 'pin'), { body: { pinned } }));
}

/** Looks for runtimes that were installed since the engine did. */
export function rescanRuntimes(): Promise<void> {
  return attempt(texts.toasts.searchFailed, async () => {
    const { runtimes } = await ask<'rescan'>('POST', '/control/runtimes/rescan');
    const found = runtimes.filter((runtime) => runtime.found).map(({ id }) => id);
    say(texts.toasts.searchEnded, found.length === 0 ? texts.toasts.noRuntimeFound : texts.toasts.runtimesFound(found.join(', ')));
  });
}

export function forget(id: string): Promise<void> {
  return attempt(texts.toasts.notForgotten(id), async () => {
    await ask<'forget'>('DELETE', `/control/library/${encodeURIComponent(id)}`);
    say(texts.toasts.forgotten(id), texts.toasts.filesNotChanged);
  });
}
