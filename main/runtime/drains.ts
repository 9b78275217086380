/**
 * The rules for a drain whose model is wanted for something else meanwhile: whether the drain can
 * be called off, and which state follows it. Pure; `stay.ts` applies them.
 */
import type { AfterDrain, StateOf } from '../../shared/model.ts';
import type { ProcessIdentity } from '../core/process-ports.ts';

/**
 * Only for idleness, and nothing else was made of it since: its process is untouched and may go on
 * serving.
 */
export function isRevocable({ reason, signalled, becomes }: StateOf<'draining'>): boolean {
  const stillIdle = becomes.to === 'analyzed' || (becomes.to === 'unloaded' && becomes.reason === 'idle');
  return reason === 'idle' && !signalled && stillIdle;
}

/** Files that are gone or others stay so, whatever else is wanted of the model by then. */
export function redirected(before: AfterDrain, wanted: AfterDrain): AfterDrain {
  if (before.to === 'forgotten') return before;
  return before.to === 'settling' && wanted.to !== 'forgotten' ? before : wanted;
}

/** The process outlived its kill: the model is failed until a person ended it. */
export function stillAlive(id: string, survivors: readonly ProcessIdentity[]): AfterDrain {
  const failure = { code: 'still-alive', message: stillAliveSentence(id, survivors), lastOutput: [], permanent: true };
  return { to: 'failed', failure, attempts: 1, retryAtMs: null };
}

export function stillAliveSentence(id: string, survivors: readonly ProcessIdentity[]): string {
  const pids = survivors.map((survivor) => survivor.pid).join(' ');
  return `Process ${pids} of ${id} does not end. End it by hand: kill -9 ${pids}`;
}
