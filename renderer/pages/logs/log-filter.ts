/** What a person types to see fewer lines: plain text, or `/an expression/`; upper or lower case is the same. Pure. */

export interface LogFilter {
  matches(text: string): boolean;
  /** Where in the text: begin and end, in order, none empty. */
  ranges(text: string): readonly (readonly [number, number])[];
}

export interface ReadFilter {
  /** Null: every line. */
  readonly filter: LogFilter | null;
  /** Why what was typed is no expression. */
  readonly problem: string | null;
}

const NO_FILTER: ReadFilter = { filter: null, problem: null };
const MOST_RANGES = 100;

export function readFilter(typed: string): ReadFilter {
  const expression = /^\/(.+)\/i?$/.exec(typed)?.[1];
  if (expression === undefined) return typed.trim() === '' ? NO_FILTER : { filter: filterOf(escaped(typed)), problem: null };
  try {
    return { filter: filterOf(expression), problem: null };
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message.replace(/^Invalid regular expression: /, '') : String(thrown);
    return { filter: null, problem: `This is no expression: ${why}` };
  }
}

/** @throws SyntaxError of the expression. */
function filterOf(expression: string): LogFilter {
  const once = new RegExp(expression, 'i');
  const all = new RegExp(expression, 'gi');
  return {
    matches: (text) => once.test(text),
    ranges(text) {
      const found: (readonly [number, number])[] = [];
      for (const { index, 0: match } of text.matchAll(all)) {
        if (match !== '') found.push([index, index + match.length]);
        if (found.length === MOST_RANGES) break;
      }
      return found;
    },
  };
}

function escaped(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
}
