/**
 * Makes text from dropped files safe to display, so that users can review it before they trust it.
 */

/**
 * Control characters, escapes, and those that turn the direction of what follows or are not drawn,
 * as `\u{202e}`: what a person reads must be what runs. Line ends and tabs stay.
 */
export function visible(text: string): string {
  return text.replace(
    /(?![\n\t]|\r\n)[\p{C}\p{Default_Ignorable_Code_Point}]/gu,
    (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/**
 * What is not seen and changes what is: it turns the direction of a text, is not drawn or ends a
 * line. Those that scripts and pictures need stay.
 */
const UNSEEN = /(?!\u200c|\u200d|\ufe0e|\ufe0f)[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Text from elsewhere (names of files, words of a runtime) for a terminal: without what a terminal
 * would obey, and with what nobody would see spelled out. Line ends and tabs stay.
 */
export function harmless(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, ' ').replace(UNSEEN, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`);
}

/**
 * JSON, which is YAML too, with nothing in it that a terminal obeys or nobody would see: the texts
 * in it stay the same.
 */
export function visibleJson(json: string): string {
  const units = (text: string) => Array.from({ length: text.length }, (_, at) => `\\u${hex(text.charCodeAt(at), 4)}`).join('');
  return json.replace(/[\u007f-\u009f]/g, units).replace(UNSEEN, units);
}

/**
 * One word of a command line, as a person may copy it: quoted where a shell would take it apart,
 * and spelled as bash and zsh read it where it holds what nobody would see.
 */
export function shellWord(word: string): string {
  const spelled = (one: string) => `\\U${hex(one.codePointAt(0) ?? 0, 8)}`;
  if (harmless(word) !== word || /[\n\t]/.test(word)) return `$'${word.replace(/['\\\p{Cc}]/gu, spelled).replace(UNSEEN, spelled)}'`;
  return /^[\p{L}\p{M}\p{N}_@%+=:,./][\p{L}\p{M}\p{N}_@%+=:,./-]*$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

const MOST_QUOTED = 200;

/** What a sentence repeats of a file: on one line, and its beginning, where it is long. */
export function quoted(text: string): string {
  return oneLine(text.length <= MOST_QUOTED ? text : `${text.slice(0, MOST_QUOTED).toWellFormed()} …`);
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

/**
 * The same for a name, which has one line: with a line end in it, it could pass for two rows of a
 * table.
 */
export function visibleName(name: string): string {
  return oneLine(visible(name));
}

/** A text on one line: its line ends and all that a terminal obeys are spelled out. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.charCodeAt(0).toString(16)}}`);
}
