/**
 * Parses Markdown into block tokens while the text grows: blocks that later text cannot change are
 * kept, and only the end is parsed again. The same text gives the same blocks, however it arrived.
 * The only user of marked and remend; draws nothing.
 */
import { Marked, type MarkedToken } from 'marked';
import remend from 'remend';
import { MATH, type MathPart } from './math-tokens.ts';

/** A block, or a part of one. */
export type Part = MarkedToken | MathPart;

export interface Blocks {
  readonly blocks: readonly Part[];
  /** A definition (`[name]: address`) may turn up at the end and change every block before it. */
  readonly hasDefinitions: boolean;
}

/**
 * The last one grows, and the one before may still turn out to be a part of it: `- a`, a blank
 * line, `-`.
 */
const UNSETTLED_BLOCKS = 2;
/** Blocks whose inside remend may close: what is in code and HTML stays as it is. */
const MENDED: ReadonlySet<Part['type']> = new Set(['paragraph', 'heading', 'list', 'blockquote', 'table']);
const reader = new Marked({ extensions: [...MATH] });
const MENDING = { htmlTags: false, katex: false, linkMode: 'text-only' } as const;

export class MarkdownReader {
  #settled: readonly Part[] = [];
  #settledText = '';

  /** @param growing the end may be half a word: what it opens (`**`, a link) is closed for now. */
  read(source: string, growing: boolean): Blocks {
    const text = source.replaceAll(/\r\n?/g, '\n');
    if (!text.startsWith(this.#settledText)) this.#forget();
    let lexed = lex(text.slice(this.#settledText.length));
    // Definitions work backwards too: such a text is read whole each time.
    if (lexed.hasDefinitions && this.#settledText !== '') {
      this.#forget();
      lexed = lex(text);
    }
    const shown = growing ? mended(lexed.blocks) : lexed.blocks;
    const blocks = [...this.#settled, ...shown];
    if (!lexed.hasDefinitions) this.#settle(lexed.blocks);
    return { blocks, hasDefinitions: lexed.hasDefinitions };
  }

  #forget(): void {
    this.#settled = [];
    this.#settledText = '';
  }

  /** Only up to a blank line: without one, a block's meaning may hang on the block before it. */
  #settle(blocks: readonly Part[]): void {
    let following = 0;
    let at = blocks.length - 1;
    for (; at >= 0; at -= 1) {
      const isBlank = blocks[at]?.type === 'space';
      if (isBlank && following >= UNSETTLED_BLOCKS) break;
      if (!isBlank) following += 1;
    }
    const settled = blocks.slice(0, at + 1);
    this.#settled = [...this.#settled, ...settled];
    this.#settledText += settled.map(({ raw }) => raw).join('');
  }
}

function lex(text: string): Blocks {
  try {
    const tokens = reader.lexer(text);
    return { blocks: tokens as readonly Part[], hasDefinitions: Object.keys(tokens.links).length > 0 };
  } catch {
    // Thousands of quotes within quotes, as small models write them, are deeper than the stack:
    // then it is text like any other.
    return { blocks: [{ type: 'paragraph', raw: text, text, tokens: [{ type: 'text', raw: text, text }] } as Part], hasDefinitions: false };
  }
}

function mended(blocks: readonly Part[]): readonly Part[] {
  const last = blocks.at(-1);
  if (last === undefined || !MENDED.has(last.type)) return blocks;
  const closed = remend(last.raw, MENDING);
  return closed === last.raw ? blocks : [...blocks.slice(0, -1), ...lex(closed).blocks];
}
