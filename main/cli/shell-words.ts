/**
 * Splits a command line into words as a POSIX shell does. It does not expand variables or globs,
 * and runs no pipes. Pure.
 */

const SPACE = /\s/;
/**
 * What a backslash takes the meaning from within double quotes; before anything else it stands for
 * itself.
 */
const ESCAPED_IN_QUOTES = '"\\$`\n';

/** @throws Error when a quote or a backslash has no end. */
export function shellWords(text: string): readonly string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] ?? '';
    const escapes = letter === '\\' && quote !== "'";
    if (escapes) {
      const next = text[at + 1];
      if (next === undefined) throw new Error('its last backslash stands before nothing');
      at += 1;
      if (quote === '"' && !ESCAPED_IN_QUOTES.includes(next)) word = `${word ?? ''}\\${next}`;
      // A line that goes on.
      else if (next !== '\n') word = `${word ?? ''}${next}`;
    } else if (quote !== null) {
      if (letter === quote) quote = null;
      else word = `${word ?? ''}${letter}`;
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= '';
    } else if (SPACE.test(letter)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = `${word ?? ''}${letter}`;
  }
  if (quote !== null) throw new Error(`its quote ${quote} has no end`);
  if (word !== null) words.push(word);
  return words;
}
