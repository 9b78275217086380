/**
 * Makes text from dropped files safe to display, so that users can review it before they trust it.
 */

/**
 * Control characters, escapes, and those that turn the direction of what follows or have no width,
 * as `\u{202e}`: what a person reads must be what runs. Line ends and tabs stay.
 */
export function visible(text: string): string {
  return text.replace(/(?![\n\t]|\r\n)\p{C}/gu, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`);
}

/**
 * What is not seen and changes what is: it turns the direction of a text, has no width or ends a
 * line. Two that scripts and pictures need stay.
 */
const UNSEEN = /(?![\u200c\u200d])[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Text from elsewhere (names of files, words of a runtime) for a terminal: without what a terminal
 * would obey, and with what nobody would see spelled out. Line ends and tabs stay.
 */
export function harmless(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, ' ').replace(UNSEEN, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`);
}

/**
 * One word of a command line, as a person may copy it: quoted where a shell would take it apart.
 */
export function shellWord(word: string): string {
  return /^[\p{L}\p{M}\p{N}_@%+=:,./][\p{L}\p{M}\p{N}_@%+=:,./-]*$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * The same for a name, which has one line: with a line end in it, it could pass for two rows of a
 * table.
 */
export function visibleName(name: string): string {
  return visible(name).replace(/[\n\r\t]/g, (one) => `\\u{${one.charCodeAt(0).toString(16)}}`);
}
