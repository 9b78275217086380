/** Quotes a word for a POSIX shell. Pure. */

/**
 * Within single quotes a shell reads everything as it stands, but for the quote itself: the string
 * is closed, the quote escaped, and opened again.
 */
export function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
