/**
 * Interprets terminal escapes in a line: bold, dim and the sixteen colours become spans, all other
 * escapes are dropped. Each line starts without a style, whatever the line before it left on. Pure.
 */

export interface Span {
  readonly text: string;
  /** 0..7 and, bright, 8..15; null: the line's own. */
  readonly colour: number | null;
  readonly bold: boolean;
  readonly dim: boolean;
}

type Style = Omit<Span, 'text'>;

const PLAIN: Style = { colour: null, bold: false, dim: false };

// A control sequence; an operating-system command (titles, links) up to its end; any other escape.
const ESCAPE = String.raw`\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])?`;
// biome-ignore lint/complexity/useRegexLiterals: a literal may hold no control characters.
const HAS_CONTROL = new RegExp('[\\u0000-\\u0008\\u000a-\\u001f\\u007f-\\u009f]');
const CONTROL = new RegExp(`${ESCAPE}|[\\u0000-\\u0008\\u000a-\\u001f\\u007f-\\u009f]`, 'g');
const COLOUR_SEQUENCE = /^.\[([\d;]*)m$/;

/** The words alone: what is searched, copied and saved. */
export function plain(raw: string): string {
  return HAS_CONTROL.test(raw) ? raw.replace(CONTROL, '') : raw;
}

/** The words with their looks; joined they are `plain(raw)`. */
export function spansOf(raw: string): readonly Span[] {
  if (!HAS_CONTROL.test(raw)) return [{ text: raw, ...PLAIN }];
  const spans: Span[] = [];
  let style = PLAIN;
  let from = 0;
  const push = (text: string): void => {
    if (text !== '') spans.push({ text, ...style });
  };
  for (const match of raw.matchAll(CONTROL)) {
    push(raw.slice(from, match.index));
    from = match.index + match[0].length;
    const codes = COLOUR_SEQUENCE.exec(match[0])?.[1];
    if (codes !== undefined) style = after(style, codes.split(';').map(Number));
  }
  push(raw.slice(from));
  return spans;
}

function after(before: Style, codes: readonly number[]): Style {
  let style = before;
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] ?? 0;
    if (code === 38 || code === 48) {
      const colour = codes[index + 1] === 5 ? (codes[index + 2] ?? 16) : 16;
      if (code === 38) style = { ...style, colour: colour < 16 ? colour : null };
      // Its parameters are no codes of their own.
      index += codes[index + 1] === 5 ? 2 : 4;
    } else style = withCode(style, code);
  }
  return style;
}

function withCode(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 39) return { ...style, colour: null };
  if (code >= 30 && code <= 37) return { ...style, colour: code - 30 };
  if (code >= 90 && code <= 97) return { ...style, colour: code - 90 + 8 };
  return style;
}
