/**
 * Preserves numbers of a body that a chat template would otherwise print differently: 1.0, or more
 * digits than JavaScript keeps. No I/O; it keeps the text of each body while the body is in use.
 */
import { isInexact, parseExactly } from '../../core/jinja/exact-json.ts';
import type { Body } from './openai-fields.ts';

const texts = new WeakMap<Body, string>();

/** @param text what the body was read from. */
export function rememberText(body: Body, text: string): void {
  if (isInexact(text)) texts.set(body, text);
}

/**
 * The body with its numbers as they were written, for templates alone: such numbers are `Number`
 * objects and bigints.
 */
export function exactBody(body: Body): Body {
  const text = texts.get(body);
  return text === undefined ? body : (parseExactly(text) as Body);
}
