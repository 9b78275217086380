/**
 * Keeps the lines of one log, and those that match the filter. Each line is matched only once.
 * Pure.
 */
import { isOfLevel, type LogFilter } from './log-filter.ts';
import type { LogLine } from './log-line.ts';

/** A vLLM that loads says hundreds, a night of requests a hundred thousand; some ten MiB (I10). */
export const LINES_KEPT = 100_000;

export interface LogBuffer {
  /** Oldest first; their numbers follow each other. */
  readonly lines: readonly LogLine[];
  /** Lines that came and had to go. */
  readonly dropped: number;
}

export const EMPTY_BUFFER: LogBuffer = { lines: [], dropped: 0 };

export function append({ lines, dropped }: LogBuffer, more: readonly LogLine[], kept: number = LINES_KEPT): LogBuffer {
  const excess = Math.max(0, lines.length + more.length - kept);
  const fromMore = Math.max(0, excess - lines.length);
  return { lines: lines.slice(excess).concat(more.slice(fromMore)), dropped: dropped + excess };
}

/** What a filter let through of a buffer, so that the next pass begins where this one ended. */
export interface Filtered {
  readonly filter: LogFilter | null;
  readonly lines: readonly LogLine[];
  /** The number of the last line that was looked at. */
  readonly upTo: number;
}

export function filtered(before: Filtered | null, buffer: LogBuffer, filter: LogFilter | null): Filtered {
  const { lines } = buffer;
  const upTo = lines.at(-1)?.number ?? -1;
  if (filter === null) return { filter, lines, upTo };
  const first = lines[0]?.number ?? 0;
  const known = before !== null && before.filter === filter ? before : null;
  const passed = lines
    .slice(Math.max(0, (known?.upTo ?? -1) + 1 - first))
    .filter(({ text, tone }) => isOfLevel(filter, tone) && filter.matches(text));
  const still = (known?.lines ?? []).filter(({ number }) => number >= first);
  return { filter, lines: still.concat(passed), upTo };
}
