/** Explains why a remote server did not answer, as part of a sentence. Pure. */
import { visibleName } from '../../shared/visible.ts';

const LONGEST = 200;

/** @param message what the system calls it; an address or a certificate's name in it helps. */
export function unreachableBecause(message: string, timeoutMs: number): string {
  const known: readonly (readonly [RegExp, string])[] = [
    [/ECONNREFUSED/, 'nothing listens there'],
    [/ENOTFOUND|EAI_AGAIN/, 'there is no such host'],
    [/EHOSTUNREACH|ENETUNREACH/, 'there is no route to that host'],
    [/ECONNRESET|other side closed|EPIPE/, 'it closed the connection'],
    [/timeout|aborted/i, `no answer came within ${timeoutMs / 1000} s`],
  ];
  return known.find(([pattern]) => pattern.test(message))?.[1] ?? visibleName(message.slice(0, LONGEST)).replace(/\.$/, '');
}
