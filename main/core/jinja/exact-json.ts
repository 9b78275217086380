/**
 * Parses JSON and keeps distinctions that Python makes: 1.0 is a float and not 1, and whole numbers
 * beyond 2^53 keep their digits, because templates print both. Pure.
 */

/**
 * A number that JavaScript's own reading changes, as far as a text tells: a whole one with a point
 * or an exponent, or one of many digits.
 */
const INEXACT = /(?<![\w.])\d+(?:\.0+|(?:\.\d+)?[eE][+-]?\d+|\d{15})\s*(?:[,\]}]|$)/;

/** Whether reading it as JavaScript does may change a number. */
export function isInexact(text: string): boolean {
  return INEXACT.test(text);
}

/**
 * As `JSON.parse`, but a whole number that is a float comes as a `Number` object, and a large one
 * as a bigint. @throws SyntaxError.
 */
export function parseExactly(text: string): unknown {
  if (!isInexact(text)) return JSON.parse(text);
  const keep = (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    const source = context?.source;
    if (typeof value !== 'number' || source === undefined) return value;
    if (/[.eE]/.test(source)) return Number.isInteger(value) ? new Number(value) : value;
    return Number.isSafeInteger(value) ? value : BigInt(source);
  };
  return JSON.parse(text, keep);
}
