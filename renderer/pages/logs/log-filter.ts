/**
 * What a person types to see fewer lines: a text, or several with a bar between (`error|warning`);
 * upper or lower case is the same; and how grave a line must be. Pure. No regular expressions: one
 * that backtracks badly would freeze the window over a hundred thousand lines.
 */
import type { LogLine } from './log-line.ts';

/** `warn`: warnings and errors. */
export const LEVELS = ['all', 'warn', 'bad'] as const;
export type Level = (typeof LEVELS)[number];

export interface LogFilter {
  /** Absent: every level. */
  readonly level?: Exclude<Level, 'all'>;
  matches(text: string): boolean;
  /** Where in the text: begin and end, in order, none empty. */
  ranges(text: string): readonly (readonly [number, number])[];
}

const MOST_RANGES = 100;

/** Null: every line. */
export function readFilter(typed: string, level: Level = 'all'): LogFilter | null {
  // A lone bar is looked for as it is: progress bars are drawn with them.
  const texts = typed.split('|').filter((text) => text.trim() !== '');
  const wanted = texts.length > 0 ? texts : [typed];
  const filter = typed.trim() === '' ? null : filterOf(wanted.map(escaped).join('|'));
  return level === 'all' ? filter : { ...(filter ?? EVERY_TEXT), level };
}

const EVERY_TEXT: LogFilter = { matches: () => true, ranges: () => [] };

export function isOfLevel({ level }: LogFilter, tone: LogLine['tone']): boolean {
  return level === undefined || tone === 'bad' || tone === level;
}

function filterOf(expression: string): LogFilter {
  const once = new RegExp(expression, 'i');
  const all = new RegExp(expression, 'gi');
  return {
    matches: (text) => once.test(text),
    ranges(text) {
      const found: (readonly [number, number])[] = [];
      for (const { index, 0: match } of text.matchAll(all)) {
        found.push([index, index + match.length]);
        if (found.length === MOST_RANGES) break;
      }
      return found;
    },
  };
}

function escaped(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
}
