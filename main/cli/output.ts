/** How the command line prints: tables, sizes, colours and a progress line. Knows no verbs. */
import { ERRORS, type ErrorCode, type ModeliumError, toModeliumError } from '../../shared/errors.ts';
import { harmless, visibleJson, visibleName } from '../../shared/visible.ts';

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

/**
 * Columns aligned by what is seen, colour codes not counted; the last column is not padded. On a
 * terminal it fits: the last column is cut first, then the widest ones.
 * @param wide nothing is cut; `wrap`: the last column goes on in further lines, for what has to be
 * read whole.
 */
export function table(header: readonly string[], rows: readonly (readonly string[])[], wide: boolean | 'wrap' = false): string {
  // A line end in a name would pass for another row.
  const cells = rows.map((row) => row.map((cell) => harmlessOnTerminal(cell.replace(/[\n\t]/g, ' '))));
  const all = [header.map((title) => paint('dim', title)), ...cells];
  const whole = header.map((_, column) => Math.max(...all.map((row) => cellsOf(row[column] ?? ''))));
  const widths = wide === true || process.stdout.isTTY !== true ? whole : fitting(whole, process.stdout.columns || DEFAULT_COLUMNS);
  const last = header.length - 1;
  const line = (row: readonly string[]): string => {
    const parts = wide === 'wrap' ? wrapped(row[last] ?? '', widths[last] ?? 0) : [row[last] ?? ''];
    return parts.map((part, at) => cellsIn([...row.slice(0, last).map((cell) => (at === 0 ? cell : '')), part])).join('\n');
  };
  const cellsIn = (row: readonly string[]): string =>
    row
      .map((whole, column) => {
        const cell = wide === 'wrap' && column === last ? whole : cutTo(whole, widths[column] ?? 0);
        return column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - cellsOf(cell));
      })
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
}

const DEFAULT_COLUMNS = 80;
const BETWEEN = 2;
/** Less of a cell tells nothing. */
const LEAST_CELLS = 8;
const LEAST_LAST_CELLS = 16;

/**
 * Widths that come to a line of the terminal: off the last column first, then off whichever is the
 * widest.
 */
function fitting(whole: readonly number[], columns: number): readonly number[] {
  const widths = [...whole];
  const last = widths.length - 1;
  let over = widths.reduce((sum, width) => sum + width, 0) + BETWEEN * last - columns;
  const cut = (column: number, least: number): void => {
    const off = Math.min(over, Math.max(0, (widths[column] ?? 0) - least));
    widths[column] = (widths[column] ?? 0) - off;
    over -= off;
  };
  cut(last, LEAST_LAST_CELLS);
  for (const { column } of whole.map((width, column) => ({ width, column })).toSorted((one, other) => other.width - one.width)) {
    if (column !== last) cut(column, LEAST_CELLS);
  }
  return widths;
}

/** Lines behind an indent, broken at words on a terminal; in a pipe it is one line. */
export function indented(text: string, cells: number): string {
  const columns = process.stdout.isTTY === true ? (process.stdout.columns || DEFAULT_COLUMNS) - cells : Number.POSITIVE_INFINITY;
  return wrapped(text, Math.max(LEAST_LAST_CELLS, columns))
    .map((line) => ' '.repeat(cells) + line)
    .join('\n');
}

/** At words; a word that is longer than a line stands alone, whole. */
function wrapped(text: string, cells: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && cellsOf(last) + 1 + cellsOf(word) <= cells) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** A cell with a colour keeps it: those are words of ours, and short. */
function cutTo(cell: string, cells: number): string {
  if (cellsOf(cell) <= cells || cell.includes(ESCAPE)) return cell;
  let text = '';
  let used = 0;
  for (const letter of Array.from(cell)) {
    used += cellsOf(letter);
    if (used > cells - 1) break;
    text += letter;
  }
  return `${text.trimEnd()}…`;
}

/** Cells of a terminal: letters of East Asia and pictures take two, marks none. */
function cellsOf(text: string): number {
  const seen = text.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), '').replaceAll(/\p{M}/gu, '');
  return Array.from(seen).length + (seen.match(WIDE)?.length ?? 0);
}

const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60\p{Emoji_Presentation}]/gu;

/** One line: with a line end in it, a name or a text from a file could pass for a line of ours. */
export function print(line: string): void {
  printText(inLines([line]));
}

/** A text whose line ends are all ours: of `inLines`, or of `table`. */
export function printText(text: string): void {
  console.log(harmlessOnTerminal(text));
}

/** A line for each; line ends in them are spelled out. */
export function inLines(lines: readonly string[]): string {
  return lines.map((line) => line.replace(/[\n\r]/g, visibleName)).join('\n');
}

/** One line on standard error: standard output is for results. */
export function printAside(line: string): void {
  console.error(harmlessOnTerminal(inLines([line])));
}

/**
 * What `paint` made, and nothing else, may hold an escape: a name that brings colours of its own
 * could pass for a word of ours.
 */
const painted = new Set<string>();
const MOST_PAINTED = 10_000;
const COLOURED = new RegExp(`(${ESCAPE}\\[\\d+m[^${ESCAPE}]*${ESCAPE}\\[\\d+m)`);

function harmlessOnTerminal(text: string): string {
  return text
    .split(COLOURED)
    .map((part, index) => (index % 2 === 1 && painted.has(part) ? part : harmless(part)))
    .join('');
}

export function printJson(value: unknown): void {
  console.log(visibleJson(JSON.stringify(value, null, 2)));
}

/** What went wrong and what to do, on standard error. */
export function printError(thrown: unknown): void {
  const error: ModeliumError = toModeliumError(thrown);
  // Some have a line for each of several problems.
  const [first = '', ...more] = error.message.split('\n');
  printAside(`${paint('red', 'modelium:')} ${first}`);
  for (const line of more) printAside(`  ${line}`);
  for (const line of error.details.lastOutput ?? []) printAside(`  | ${line}`);
  printAside(paint('dim', HINTS[error.code] ?? ERRORS[error.code].hint));
}

/** The table's hints are for who speaks HTTP; a person at a terminal has verbs. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  'model-not-found': '`modelium ls` lists the models.',
  'model-required': '`modelium ls` lists the models.',
  'not-running': 'Start it: modelium serve',
  'path-invalid': 'Give the path of a model file or folder.',
};

export interface Progress {
  show(text: string, ratio: number | null): void;
  end(): void;
}

/**
 * One line that is rewritten on a terminal; in a pipe a new line for each new text. On standard
 * error: standard output is for results.
 */
export function createProgress(): Progress {
  let last = '';
  const onTerminal = process.stderr.isTTY === true;
  return {
    show(text, ratio) {
      const words = harmless(inLines([text]));
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
