/** Parses a line of a log: its time, text and level. Pure. */

import { redacted } from '../../../shared/redact.ts';
import { plain } from '../../components/ansi.ts';

export type Tone = 'bad' | 'warn' | 'faint';

export interface LogLine {
  /** Counts on through the window's life: no two lines of a log have the same. */
  readonly number: number;
  /** As the line itself has it, in ISO 8601; null: it does not say. */
  readonly at: string | null;
  /** After the time, without colours. */
  readonly text: string;
  /** The same with its escapes. */
  readonly raw: string;
  readonly tone: Tone | null;
}

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) /;

// Ours, as the line's first word; levels as Python's, glog's (Triton) and llama.cpp's logs write
// them; exceptions and a C++ program's last words.
const BAD_START = /^\W*(?:error|fatal|critical)\b|^Traceback|^[\w.]*(?:Error|Exception)\b|^terminate called/i;
const BAD = /\b(?:ERROR|FATAL|CRITICAL)\b|^[EF]\d{4} |^[\d.]+ E |\bout of memory\b/;
const WARN_START = /^\W*warn(?:ing)?\b|^[\w.]*Warning:/i;
const WARN = /\bWARN(?:ING)?\b|^W\d{4} |^[\d.]+ W /;
const FAINT = /^\W*(?:debug|trace)\b|\bDEBUG\b|^[\d.]+ D /i;

/** @param token see `redacted`. */
export function logLine(number: number, line: string, token: string | null): LogLine {
  const words = plain(line);
  const clean = redacted(words, token);
  // A line with a secret loses its colours: they might stand in the middle of it.
  const raw = clean === words ? line : clean;
  const at = TIME.exec(clean)?.[1] ?? null;
  const text = at === null ? clean : clean.slice(at.length + 1);
  // Coloured, the time may be followed by an escape: only a plain one is taken off, else the line
  // loses its colours and not its words.
  const body = at === null ? raw : raw.startsWith(`${at} `) ? raw.slice(at.length + 1) : text;
  return { number, at, text, raw: body, tone: toneOf(text) };
}

function toneOf(text: string): Tone | null {
  if (BAD_START.test(text) || BAD.test(text)) return 'bad';
  if (WARN_START.test(text) || WARN.test(text)) return 'warn';
  return FAINT.test(text) ? 'faint' : null;
}

/** The whole line again, as it is copied and saved. */
export function lineText({ at, text }: LogLine): string {
  return at === null ? text : `${at} ${text}`;
}

/** `14:03:59` where the person is. */
export function localTime(at: string): string {
  return new Date(at).toLocaleTimeString('en-GB');
}
