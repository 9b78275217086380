/** Walks through the tokens of a template, and reports syntax errors at the next token. */
import { TemplateError } from './errors.ts';
import type { Token, TokenKind } from './lexer.ts';

/** Far more than any template nests, and far less than our own stack holds. */
const MOST_DEPTH = 150;

export class Cursor {
  readonly #tokens: readonly Token[];
  protected at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get token(): Token {
    return this.peek(0);
  }

  peek(ahead: number): Token {
    return this.#tokens[Math.min(this.at + ahead, this.#tokens.length - 1)] ?? { kind: 'eof', text: '', line: 1 };
  }

  next(): Token {
    const { token } = this;
    this.at += 1;
    return token;
  }

  is(kind: TokenKind, text?: string): boolean {
    return this.token.kind === kind && (text === undefined || this.token.text === text);
  }

  isOperator(...texts: readonly string[]): boolean {
    return this.token.kind === 'operator' && texts.includes(this.token.text);
  }

  isName(...texts: readonly string[]): boolean {
    return this.token.kind === 'name' && texts.includes(this.token.text);
  }

  skipIf(kind: TokenKind, text?: string): boolean {
    if (!this.is(kind, text)) return false;
    this.at += 1;
    return true;
  }

  expect(kind: TokenKind, text?: string): Token {
    if (this.is(kind, text)) return this.next();
    return this.fail(`expected ${text === undefined ? named(kind) : `'${text}'`}, got ${this.described()}`);
  }

  fail(message: string, line = this.token.line): never {
    throw new TemplateError(message, line);
  }

  described(): string {
    const { kind, text } = this.token;
    return text === '' || kind === 'data' ? named(kind) : `'${text.slice(0, 60)}'`;
  }

  /** Runs one level deeper: what nests too deeply is refused. */
  deeper<Result>(read: () => Result): Result {
    this.#depth += 1;
    if (this.#depth > MOST_DEPTH) this.fail(`nested more than ${MOST_DEPTH} levels deep`);
    const result = read();
    this.#depth -= 1;
    return result;
  }
}

function named(kind: TokenKind): string {
  const names: Partial<Record<TokenKind, string>> = {
    eof: 'end of template',
    end: 'end of statement block',
    begin: 'begin of statement block',
    close: 'end of print statement',
  };
  return names[kind] ?? kind;
}
