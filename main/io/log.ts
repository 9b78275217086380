/**
 * The engine's own log: lines for the output of `serve`, and a bounded buffer that clients can
 * follow. No decision reads it (I9).
 */
import { harmless } from '../../shared/visible.ts';
import type { Log } from '../core/ports.ts';

/** Lines kept of a log (I10). */
export const LINES_KEPT = 2_000;
/** Of one line; what a stack of errors needs and more. */
const MOST_CHARACTERS = 10_000;

/** A warning is not said again within this time. */
const SAID_AGAIN_AFTER_MS = 60_000;
/** Different warnings that are remembered. */
const SENTENCES_KEPT = 256;
/**
 * Warnings of any words in that time, and as many errors: each of a million files may have one of
 * its own.
 */
const MOST_COMPLAINTS = 100;

interface Repeated {
  readonly writtenMs: number;
  suppressed: number;
}

/** The last lines of something that speaks, and those that come. */
export interface LineRing {
  push(line: string): void;
  lines(): readonly string[];
  /** Calls back for each line from now on; the answer ends that. */
  follow(listener: (line: string) => void): () => void;
}

/** A memory of the newest lines. */
export function createLineRing(kept: number = LINES_KEPT): LineRing {
  let lines: string[] = [];
  const listeners = new Set<(line: string) => void>();
  return {
    push(line) {
      lines.push(line);
      // Cut rarely, not by one at each line: shifting an array of thousands for every line would
      // cost more than the line.
      if (lines.length >= kept * 2) lines = lines.slice(-kept);
      for (const listener of listeners) listener(line);
    },
    lines: () => lines.slice(-kept),
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export interface LogOptions {
  /** Takes a line without its end. */
  readonly write: (line: string) => void;
  /** Print and keep debug lines too. */
  readonly debug: boolean;
  readonly wallTime: () => number;
}

/** A log for people: `write` gets the plain sentence, the ring the sentence with its time. */
export function createLog(options: LogOptions): Log & Pick<LineRing, 'lines' | 'follow'> {
  const ring = createLineRing();
  function write(prefix: string, sentence: string): void {
    const line = `${prefix}${printable(sentence)}`;
    ring.push(`${new Date(options.wallTime()).toISOString()} ${line}`);
    options.write(line);
  }
  const logged = new Map<string, Repeated>();
  const periods = { 'Warning: ': periodFrom(0), 'Error: ': periodFrom(0) };
  /** Is there room for one more of its kind? Says first how many had none in the time before. */
  function hasRoom(prefix: keyof typeof periods, nowMs: number): boolean {
    const last = periods[prefix];
    if (Math.abs(nowMs - last.startMs) >= SAID_AGAIN_AFTER_MS) {
      periods[prefix] = periodFrom(nowMs);
      if (last.leftOut > 0) write(prefix, `${last.leftOut} more of these came within a minute, and were left out.`);
    }
    const period = periods[prefix];
    if (period.written >= MOST_COMPLAINTS) period.leftOut += 1;
    else period.written += 1;
    return period.leftOut === 0;
  }
  /**
   * The same words again and again fill a disk and say nothing: they are said once, then counted
   * (I10).
   */
  function complain(prefix: keyof typeof periods, sentence: string): void {
    const known = logged.get(sentence);
    const nowMs = options.wallTime();
    // A clock that was set back must not silence it until it has caught up.
    if (known !== undefined && Math.abs(nowMs - known.writtenMs) < SAID_AGAIN_AFTER_MS) {
      known.suppressed += 1;
      return;
    }
    if (!hasRoom(prefix, nowMs)) return;
    const before =
      known === undefined || known.suppressed === 0
        ? ''
        : ` (${known.suppressed} more time${known.suppressed === 1 ? '' : 's'} since it was last logged)`;
    logged.delete(sentence);
    logged.set(sentence, { writtenMs: nowMs, suppressed: 0 });
    const [oldest] = logged.keys();
    if (logged.size > SENTENCES_KEPT && oldest !== undefined) logged.delete(oldest);
    write(prefix, sentence + before);
  }
  return {
    say: (sentence) => write('', sentence),
    warn: (sentence) => complain('Warning: ', sentence),
    error: (sentence, cause) => complain('Error: ', cause === undefined ? sentence : `${sentence} (${causeText(cause)})`),
    debug: (sentence) => {
      if (options.debug) write('Debug: ', sentence);
    },
    lines: ring.lines,
    follow: ring.follow,
  };
}

function periodFrom(startMs: number): { readonly startMs: number; written: number; leftOut: number } {
  return { startMs, written: 0, leftOut: 0 };
}

/** One line that a terminal does not obey: names of dropped files come in here. */
function printable(sentence: string): string {
  const short = sentence.length > MOST_CHARACTERS ? `${sentence.slice(0, MOST_CHARACTERS)} …` : sentence;
  return harmless(short.replace(/\p{Cc}+/gu, ' '));
}

function causeText(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
