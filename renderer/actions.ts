/** The requests for what a user may do to a model. A failure is shown where the user looks. */
import { ask } from './api.ts';
import { attempt, say } from './ui/toasts.tsx';

function path(id: string, action: string): string {
  return `/control/models/${encodeURIComponent(id)}/${action}`;
}

export function load(id: string, force = false): Promise<void> {
  return attempt(`${id} cannot be loaded`, () => ask<'load'>('POST', path(id, 'load'), { body: { force } }));
}

/**
 * Answers when the memory is seen free. Also ends a load, and a wait for one. @param force cuts
 * requests that run.
 */
export function unload(id: string, force = false): Promise<void> {
  return attempt(`${id} cannot be unloaded`, () => ask<'unload'>('POST', path(id, 'unload'), { body: { force } }));
}

export function pin(id: string, pinned: boolean): Promise<void> {
  return attempt(`${id} cannot be ${pinned ? 'pinned' : 'let go'}`, () => ask<'pin'>('POST', path(id, 'pin'), { body: { pinned } }));
}

/** Looks for runtimes that were installed since the engine did. */
export function rescanRuntimes(): Promise<void> {
  return attempt('The search for runtimes failed', async () => {
    const { runtimes } = await ask<'rescan'>('POST', '/control/runtimes/rescan');
    const found = runtimes.filter((runtime) => runtime.found).map(({ id }) => id);
    say('The search for runtimes has ended', found.length === 0 ? 'None was found.' : `Found: ${found.join(', ')}.`);
  });
}

export function forget(id: string): Promise<void> {
  return attempt(`${id} cannot be forgotten`, async () => {
    await ask<'forget'>('DELETE', `/control/library/${encodeURIComponent(id)}`);
    say(`${id} is forgotten`, 'Its files were not changed.');
  });
}
