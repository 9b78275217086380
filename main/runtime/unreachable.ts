/** Why a server elsewhere did not answer, in a clause. Pure. */
import { visibleName } from '../../shared/visible.ts';

const LONGEST = 200;

/** @param message what the system calls it; an address or a certificate's name in it helps. */
export function unreachableBecause(message: string, timeoutMs: number): string {
  const known: readonly (readonly [RegExp, string])[] = [
    [/ECONNREFUSED/, 'nobody listens there'],
    [/ENOTFOUND|EAI_AGAIN/, 'there is no such host'],
    [/EHOSTUNREACH|ENETUNREACH/, 'there is no way to that host'],
    [/ECONNRESET|other side closed|EPIPE/, 'it broke the connection off'],
    [/timeout|aborted/i, `no answer came within ${timeoutMs / 1000} s`],
  ];
  return known.find(([pattern]) => pattern.test(message))?.[1] ?? visibleName(message.slice(0, LONGEST)).replace(/\.$/, '');
}
