/** How the command line shows things: tables, sizes, colours, one line that moves. Knows no verbs. */
import { ERRORS, type ModeliumError, toModeliumError } from '../../shared/errors.ts';
import { harmless } from '../../shared/visible.ts';

const ESCAPE = '\u001b';
const BAR_CELLS = 24;

type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold';
const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  dim: [2, 22],
  bold: [1, 22],
};

/** Coloured on a terminal, plain in a pipe, in a file and where NO_COLOR is set. */
export function paint(colour: Colour, text: string): string {
  const plain = process.stdout.isTTY !== true || (process.env['NO_COLOR'] ?? '') !== '';
  if (plain) return text;
  const [on, off] = CODES[colour];
  const result = `${ESCAPE}[${on}m${harmless(text)}${ESCAPE}[${off}m`;
  if (painted.size >= MOST_PAINTED) painted.clear();
  painted.add(result);
  return result;
}

/** Columns aligned by what is seen, colour codes not counted; the last column is not padded. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  // A line end in a name would pass for another row.
  const cells = rows.map((row) => row.map((cell) => harmlessOnTerminal(cell.replace(/[\n\t]/g, ' '))));
  const all = [header.map((title) => paint('dim', title)), ...cells];
  const widths = header.map((_, column) => Math.max(...all.map((row) => cellsOf(row[column] ?? ''))));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - cellsOf(cell)))).join('  ');
  return all.map(line).join('\n');
}

/** Cells of a terminal: letters of East Asia and pictures take two, marks none. */
function cellsOf(text: string): number {
  const seen = text.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), '').replaceAll(/\p{M}/gu, '');
  return Array.from(seen).length + (seen.match(WIDE)?.length ?? 0);
}

const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60\p{Emoji_Presentation}]/gu;

export function print(text: string): void {
  console.log(harmlessOnTerminal(text));
}

/** What `paint` made, and nothing else, may hold an escape: a name that brings colours of its own could pass for a word of ours. */
const painted = new Set<string>();
const MOST_PAINTED = 10_000;
const COLOURED = new RegExp(`(${ESCAPE}\\[\\d+m[^${ESCAPE}]*${ESCAPE}\\[\\d+m)`);

function harmlessOnTerminal(text: string): string {
  return text
    .split(COLOURED)
    .map((part, index) => (index % 2 === 1 && painted.has(part) ? part : harmless(part)))
    .join('');
}

/** JSON escapes most of what a terminal obeys; here the rest of it, and what nobody would see. */
export function printJson(value: unknown): void {
  const escaped = (text: string) =>
    Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
  console.log(JSON.stringify(value, null, 2).replaceAll(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, escaped));
}

/** What went wrong and what to do, on standard error. */
export function printError(thrown: unknown): void {
  const error: ModeliumError = toModeliumError(thrown);
  console.error(`${paint('red', 'modelium:')} ${harmless(error.message)}`);
  for (const line of error.details.lastWords ?? []) console.error(`  | ${harmless(line)}`);
  console.error(paint('dim', ERRORS[error.code].hint));
}

export interface Progress {
  show(text: string, ratio: number | null): void;
  end(): void;
}

/** One line that is rewritten on a terminal; in a pipe a new line for each new text. On standard error: standard output is for results. */
export function createProgress(): Progress {
  let last = '';
  const onTerminal = process.stderr.isTTY === true;
  return {
    show(text, ratio) {
      const words = harmless(text);
      if (onTerminal) process.stderr.write(`\r\u001b[2K${bar(ratio)}${words}`.slice(0, (process.stderr.columns || 80) + 4));
      else if (words !== last) process.stderr.write(`${words}\n`);
      last = words;
    },
    end() {
      if (onTerminal && last !== '') process.stderr.write('\r\u001b[2K');
    },
  };
}

function bar(ratio: number | null): string {
  if (ratio === null) return '';
  const full = Math.round(Math.min(1, Math.max(0, ratio)) * BAR_CELLS);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}] ${Math.round(ratio * 100)} % `;
}
