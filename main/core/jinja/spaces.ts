/**
 * White space as Python defines it. It uses loops instead of regular expressions, because those
 * take quadratic time on long runs of spaces. Pure.
 */

/** As a class of a pattern; a byte order mark is no white space in Python. */
export const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const ONE = new RegExp(`[${SPACE}]`, 'u');

function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code < 0x80) return (code >= 9 && code <= 13) || (code >= 0x1c && code <= 0x20);
  return ONE.test(text[at] ?? '');
}

export function withoutLeading(text: string): string {
  let at = 0;
  while (at < text.length && isSpace(text, at)) at += 1;
  return text.slice(at);
}

export function withoutTrailing(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text, end - 1)) end -= 1;
  return text.slice(0, end);
}

/** The place of the last white space; -1: there is none. */
export function lastSpace(text: string): number {
  let at = text.length - 1;
  while (at >= 0 && !isSpace(text, at)) at -= 1;
  return at;
}
