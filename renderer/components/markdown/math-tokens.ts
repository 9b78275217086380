/**
 * Where a formula stands in Markdown: `$x$` and `\(x\)` within a line, `$$x$$` and `\[x\]` by
 * themselves. Extensions for marked; what a formula says is formula.ts's. A price is no formula: as
 * pandoc has it, no space stands inside the dollars, and no digit behind them.
 */
import type { TokenizerAndRendererExtension } from 'marked';

export interface MathPart {
  readonly type: 'math';
  readonly raw: string;
  readonly text: string;
  readonly isDisplay: boolean;
}

/**
 * A blank line ends a formula, as TeX has it: so no text that comes later makes one of settled
 * blocks.
 */
const DISPLAY = /^(?:\$\$((?:(?!\$\$|\n[ \t]*\n)[\s\S])+)\$\$|\\\[((?:(?!\\\]|\n[ \t]*\n)[\s\S])+)\\\])/;
const INLINE =
  /^(?:\$(?![\s$])((?:\\[\s\S]|(?!\n[ \t]*\n)[^$\\])*(?:\\[\s\S]|[^\s$\\]))\$(?![\d$])|\\\(((?:(?!\\\)|\n[ \t]*\n)[\s\S])+)\\\))/;
/** Behind a display formula that is a block nothing else stands in its line. */
const LINE_END = /^[ \t]*(?:\n|$)/;
/** Longer ones are no formulas, and would be searched for their end from every dollar (I10). */
const LONGEST = 2_000;

function mathIn(pattern: RegExp, source: string, isDisplay: boolean): MathPart | undefined {
  const found = pattern.exec(source.slice(0, LONGEST));
  const text = (found?.[1] ?? found?.[2] ?? '').trim();
  return found === null || text === '' ? undefined : { type: 'math', raw: found[0], text, isDisplay };
}

export const MATH: readonly TokenizerAndRendererExtension[] = [
  {
    name: 'math',
    level: 'block',
    start: (source) => /\n {0,3}(?:\$\$|\\\[)/.exec(source)?.index,
    tokenizer(source) {
      const indent = /^ {0,3}/.exec(source)?.[0].length ?? 0;
      const math = mathIn(DISPLAY, source.slice(indent), true);
      const end = math === undefined ? null : LINE_END.exec(source.slice(indent + math.raw.length));
      if (math === undefined || end === null) return undefined;
      return { ...math, raw: source.slice(0, indent + math.raw.length + end[0].length) };
    },
  },
  {
    name: 'inlineMath',
    level: 'inline',
    start: (source) => /\$|\\[([]/.exec(source)?.index,
    tokenizer: (source) => mathIn(DISPLAY, source, true) ?? mathIn(INLINE, source, false),
  },
];
