/** How many messages of a chat a context can hold at most. Pure. */
import type { RuntimeId } from '../../shared/decision.ts';
import { ModeliumError } from '../../shared/errors.ts';

/**
 * Each message takes a token at least, whatever the template makes of it: so that a chat of a
 * hundred thousand is refused before anybody renders it. @throws ModeliumError
 * context_length_exceeded with both numbers.
 */
export function requireMessagesFit(count: number, contextTokens: number, origin: RuntimeId): void {
  if (count <= contextTokens) return;
  const words = `${count} messages do not fit a context of ${contextTokens} tokens.`;
  throw new ModeliumError('context_length_exceeded', words, { param: 'messages', origin });
}
