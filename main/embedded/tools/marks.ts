/**
 * Marks that arrive in pieces, such as `</think>` at the end of what was generated so far. Pure.
 */

/** Length of the longest end of the text that the mark begins with. */
export function startAtEnd(text: string, mark: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--) if (text.endsWith(mark.slice(0, length))) return length;
  return 0;
}
