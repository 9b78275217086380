/**
 * Splits a template into tokens, with the settings that chat templates expect: `trim_blocks` and
 * `lstrip_blocks` on, one final line feed dropped, all line ends read as "\n". Owns the handling of
 * white space; knows no grammar. No I/O.
 */
import { TemplateError } from './errors.ts';
import { SPACE, withoutTrailing } from './spaces.ts';

export type TokenKind = 'data' | 'open' | 'close' | 'begin' | 'end' | 'name' | 'text' | 'integer' | 'float' | 'operator' | 'eof';

/** `open` and `close` enclose an expression that is printed, `begin` and `end` a statement. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
}

const sticky = (pattern: string) => new RegExp(pattern, 'uy');
const OPENER = /\{([{%#])/g;
const RAW = sticky(`\\{%([-+]?)[${SPACE}]*raw[${SPACE}]*(?:(-)%\\}[${SPACE}]*|%\\})`);
const END_RAW = new RegExp(`\\{%([-+]?)[${SPACE}]*endraw[${SPACE}]*(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`, 'gu');
const END_COMMENT = new RegExp(`(?:\\+#\\}|-#\\}[${SPACE}]*|#\\}\\n?)`, 'gu');
const CLOSE = sticky(`-\\}\\}[${SPACE}]*|\\}\\}`);
const END = sticky(`\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?`);
const BLANK = sticky(`[${SPACE}]+`);
const FLOAT = sticky('(?<!\\.)\\d[\\d_]*(?:\\.\\d[\\d_]*(?:[eE][+-]?\\d[\\d_]*)?|[eE][+-]?\\d[\\d_]*)');
const INTEGER = sticky('0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\\da-fA-F])+|[1-9](?:_?\\d)*|0(?:_?0)*');
const NAME = sticky('[\\p{ID_Start}_][\\p{ID_Continue}]*');
const TEXT = sticky(`'[^'\\\\]*(?:\\\\[\\s\\S][^'\\\\]*)*'|"[^"\\\\]*(?:\\\\[\\s\\S][^"\\\\]*)*"`);
const OPERATOR = sticky('\\*\\*|//|==|!=|<=|>=|[-+*/%~\\[\\](){}<>=.:|,;]');
const PAIRS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** @throws TemplateError that names the line. */
export function tokens(template: string): readonly Token[] {
  return new Lexer(template.replace(/\r\n?/g, '\n').replace(/\n$/, '')).all();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  /**
   * What was read last ended with a line feed, or nothing was read: indentation in front of a
   * statement is dropped then.
   */
  #startsLine = true;

  constructor(source: string) {
    this.#source = source;
  }

  all(): readonly Token[] {
    while (this.#at < this.#source.length) this.#advance();
    this.#push('eof', '');
    return this.#tokens;
  }

  #advance(): void {
    OPENER.lastIndex = this.#at;
    const found = OPENER.exec(this.#source);
    if (found === null) {
      this.#data(this.#source.slice(this.#at));
      this.#at = this.#source.length;
      return;
    }
    const text = this.#source.slice(this.#at, found.index);
    const kind = found[1] ?? '';
    this.#at = found.index;
    const raw = kind === '%' ? this.#match(RAW) : null;
    if (raw !== null) return this.#raw(text, raw);
    const after = this.#source[found.index + 2];
    const sign = after === '-' || after === '+' ? after : '';
    this.#data(this.#trimmed(text, sign, kind === '{'), text);
    this.#at += 2 + sign.length;
    if (kind === '#') return this.#comment();
    this.#push(kind === '{' ? 'open' : 'begin', '');
    this.#inside(kind === '{' ? CLOSE : END, kind === '{' ? 'close' : 'end');
  }

  /** The text in front of a mark, without what the mark takes away. */
  #trimmed(text: string, sign: string, isPrinted: boolean): string {
    if (sign === '-') return withoutTrailing(text);
    if (sign === '+' || isPrinted) return text;
    const start = text.lastIndexOf('\n') + 1;
    return (start > 0 || this.#startsLine) && withoutTrailing(text.slice(start)) === '' ? text.slice(0, start) : text;
  }

  #raw(text: string, begin: RegExpExecArray): void {
    this.#data(this.#trimmed(text, begin[1] ?? '', false), text);
    this.#skip(begin[0]);
    END_RAW.lastIndex = this.#at;
    const end = END_RAW.exec(this.#source);
    if (end === null) throw new TemplateError('Missing end of raw directive', this.#line);
    const inner = this.#source.slice(this.#at, end.index);
    this.#data(this.#trimmed(inner, end[1] ?? '', false), inner);
    this.#at = end.index;
    this.#skip(end[0]);
  }

  #comment(): void {
    END_COMMENT.lastIndex = this.#at;
    const end = END_COMMENT.exec(this.#source);
    if (end === null) throw new TemplateError('Missing end of comment tag', this.#line);
    this.#skip(this.#source.slice(this.#at, end.index + end[0].length));
  }

  /** Reads until the mark that ends it, which counts outside of brackets only. */
  #inside(closer: RegExp, kind: 'close' | 'end'): void {
    const open: string[] = [];
    for (;;) {
      const end = open.length === 0 ? this.#match(closer) : null;
      if (end !== null) {
        this.#push(kind, '');
        return this.#skip(end[0]);
      }
      if (this.#at >= this.#source.length) return;
      this.#token(open);
    }
  }

  #token(open: string[]): void {
    const blank = this.#match(BLANK);
    if (blank !== null) return this.#skip(blank[0]);
    for (const [kind, pattern] of [
      ['float', FLOAT],
      ['integer', INTEGER],
      ['name', NAME],
      ['text', TEXT],
      ['operator', OPERATOR],
    ] as const) {
      const found = this.#match(pattern);
      if (found === null) continue;
      const text = found[0];
      if (kind === 'operator') this.#balance(text, open);
      this.#push(kind, kind === 'text' ? unescaped(text.slice(1, -1), this.#line) : text);
      return this.#skip(text);
    }
    const character = String.fromCodePoint(this.#source.codePointAt(this.#at) ?? 0);
    throw new TemplateError(`unexpected char ${JSON.stringify(character)}`, this.#line);
  }

  #balance(operator: string, open: string[]): void {
    const closer = PAIRS[operator];
    if (closer !== undefined) open.push(closer);
    else if (operator === ')' || operator === ']' || operator === '}') {
      const expected = open.pop();
      if (expected === operator) return;
      throw new TemplateError(`unexpected '${operator}'${expected === undefined ? '' : `, expected '${expected}'`}`, this.#line);
    }
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#source);
  }

  /** @param read what stands in the source, where that is longer. */
  #data(text: string, read = text): void {
    if (text !== '') this.#push('data', text);
    this.#line += feeds(read);
  }

  #push(kind: TokenKind, text: string): void {
    this.#tokens.push({ kind, text, line: this.#line });
  }

  #skip(text: string): void {
    this.#at += text.length;
    this.#line += feeds(text);
    this.#startsLine = text.endsWith('\n');
  }
}

function feeds(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Python's escapes; one that it does not know stays as it is written. */
function unescaped(text: string, line: number): string {
  if (!text.includes('\\')) return text;
  const pattern = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([xuUN])|([\s\S]))/gu;
  return text.replace(pattern, (whole, two, four, eight, octal, broken, single) => {
    const hex: string | undefined = two ?? four ?? eight;
    const point = hex === undefined ? (octal === undefined ? null : Number.parseInt(octal, 8)) : Number.parseInt(hex, 16);
    if (broken !== undefined || (point !== null && point > 0x10ffff))
      throw new TemplateError(`a text has the broken escape ${whole}`, line);
    if (point !== null) return String.fromCodePoint(point);
    return ESCAPES[single as string] ?? (whole as string);
  });
}
