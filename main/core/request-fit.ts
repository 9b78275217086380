/** What a model cannot take whatever it is, seen by the size of a request's parts. Pure. */
import type { RuntimeId } from '../../shared/decision.ts';
import { ModeliumError } from '../../shared/errors.ts';
import type { RequestBounds } from '../../shared/model.ts';
import type { MemberSize } from './json-outline.ts';

/** Where clients put a JSON schema for the answer. */
const SCHEMAS = ['response_format', 'json_schema'];

/**
 * @param sizes of the members at the top, by name; of small ones they may be absent.
 * @throws ModeliumError context_length_exceeded, invalid-body.
 */
export function requireFit(sizes: Readonly<Record<string, MemberSize>>, bounds: RequestBounds, origin: RuntimeId): void {
  requireMessagesFit(sizes['messages']?.items ?? 0, bounds.contextTokens, origin);
  for (const param of SCHEMAS) {
    if ((sizes[param]?.values ?? 0) <= bounds.schemaValues) continue;
    const words = `The JSON schema in "${param}" cannot be carried out: it has more than ${bounds.schemaValues} values, keys and commas.`;
    throw new ModeliumError('invalid-body', words, { param, origin });
  }
}

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
