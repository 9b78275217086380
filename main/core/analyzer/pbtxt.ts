/**
 * Parses the text form of Protocol Buffers, as in Triton's config.pbtxt: `name: value`, `name { ...
 * }`, lists, comments. Knows no schema. No I/O and bounded (I7): length, depth, number of values.
 */
import { damaged } from './bytes.ts';

/**
 * Of one field all the values, in the order of the file: `dims: 1 dims: 2` and `dims: [1, 2]` are
 * the same.
 */
export type TextMessage = ReadonlyMap<string, readonly TextValue[]>;
export type TextValue = string | number | TextMessage;

const MAX_CHARACTERS = 1024 * 1024;
const MAX_DEPTH = 16;
const MAX_VALUES = 65_536;

/** Blanks and comments, then one token: a string, a word or number, or a sign. */
const TOKEN = /(?:\s+|#[^\n]*)*("(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'|[A-Za-z0-9_.+-]+|[{}[\]<>:,;/])?/y;
const NUMBER = /^[+-]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][+-]?\d{1,3})?f?$/;
/** Hexadecimal, or octal by its leading zero. */
const WHOLE = /^([+-]?)(?:0[xX]([0-9a-fA-F]{1,16})|0([0-7]{1,22}))$/;
const OPENING: Readonly<Record<string, string>> = { '{': '}', '<': '>' };

class Tokens {
  readonly #text: string;
  #at = 0;
  #next: string | null = null;
  values = 0;

  constructor(text: string) {
    this.#text = text;
    this.#advance();
  }

  /** Null at the end. */
  get next(): string | null {
    return this.#next;
  }

  take(): string {
    const token = this.#next;
    if (token === null) throw damaged('it ends in the middle of a field');
    this.#advance();
    return token;
  }

  takeIf(token: string): boolean {
    if (this.#next !== token) return false;
    this.#advance();
    return true;
  }

  #advance(): void {
    TOKEN.lastIndex = this.#at;
    const match = TOKEN.exec(this.#text);
    this.#at = TOKEN.lastIndex;
    this.#next = match?.[1] ?? null;
    if (this.#next === null && this.#at < this.#text.length)
      throw damaged(`it has something at character ${this.#at} that cannot be there`);
  }
}

/** @throws FormatError `damaged` */
export function parsePbtxt(text: string): TextMessage {
  if (text.length > MAX_CHARACTERS) throw damaged(`it has ${text.length} characters; ${MAX_CHARACTERS} are possible`);
  return readMessage(new Tokens(text), null, 0);
}

function readMessage(tokens: Tokens, end: string | null, depth: number): TextMessage {
  if (depth > MAX_DEPTH) throw damaged(`its messages are nested deeper than ${MAX_DEPTH}`);
  const fields = new Map<string, TextValue[]>();
  while (tokens.next !== end) {
    const name = readName(tokens);
    const values = fields.get(name) ?? [];
    fields.set(name, values);
    const hasColon = tokens.takeIf(':');
    if (tokens.next === '[') readList(tokens, values, depth);
    else if (hasColon || OPENING[tokens.next ?? ''] !== undefined) values.push(readValue(tokens, depth));
    else throw damaged(`its field ${name.slice(0, 80)} has no value`);
    if (!tokens.takeIf(',')) tokens.takeIf(';');
  }
  if (end !== null) tokens.take();
  return fields;
}

/** A word, or an extension's name in brackets. */
function readName(tokens: Tokens): string {
  const first = tokens.take();
  if (first !== '[') {
    if (!/^[A-Za-z_]/.test(first)) throw damaged('a field of it has no name');
    return first;
  }
  let name = '';
  while (!tokens.takeIf(']')) {
    name += tokens.take();
    if (name.length > 1024) throw damaged('a name in it is longer than 1,024 characters');
  }
  return name;
}

function readList(tokens: Tokens, values: TextValue[], depth: number): void {
  tokens.take();
  while (!tokens.takeIf(']')) {
    values.push(readValue(tokens, depth));
    if (!tokens.takeIf(',') && tokens.next !== ']') throw damaged('a list in it does not end');
  }
}

function readValue(tokens: Tokens, depth: number): TextValue {
  tokens.values += 1;
  if (tokens.values > MAX_VALUES) throw damaged(`it has more than ${MAX_VALUES} values`);
  const token = tokens.take();
  const closing = OPENING[token];
  if (closing !== undefined) return readMessage(tokens, closing, depth + 1);
  if (/^["']/.test(token)) {
    let text = unescaped(token);
    // Neighbouring strings are one.
    while (tokens.next !== null && /^["']/.test(tokens.next)) text += unescaped(tokens.take());
    return text;
  }
  const [, sign, hex, octal] = WHOLE.exec(token) ?? [];
  if (sign !== undefined)
    return (sign === '-' ? -1 : 1) * (octal === undefined ? Number.parseInt(hex ?? '', 16) : Number.parseInt(octal, 8));
  if (NUMBER.test(token)) return Number.parseFloat(token);
  if (!/^[A-Za-z_+-]/.test(token)) throw damaged('a field of it has no value');
  return token;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' };
/** Bytes in a row, octal or hexadecimal: together they are UTF-8. */
const ESCAPED = /(?:\\(?:[0-7]{1,3}|[xX][0-9a-fA-F]{1,2}))+|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\(.)/g;

/** Source: protocolbuffers.dev, Text Format Language Specification, "String Literals". */
function unescaped(token: string): string {
  return token.slice(1, -1).replace(ESCAPED, (all, short?: string, long?: string, letter?: string) => {
    if (letter !== undefined) return ESCAPES[letter] ?? letter;
    const point = short ?? long;
    if (point !== undefined) return fromCodePoint(Number.parseInt(point, 16));
    const bytes = Array.from(all.matchAll(/\\(?:[xX]([0-9a-fA-F]+)|([0-7]+))/g), ([, hex, octal = '']) =>
      hex === undefined ? Number.parseInt(octal, 8) : Number.parseInt(hex, 16),
    );
    return new TextDecoder().decode(Uint8Array.from(bytes));
  });
}

function fromCodePoint(point: number): string {
  return point > 0x10ffff ? '\ufffd' : String.fromCodePoint(point);
}

/** The first value of a field that is text; enumeration values are text too. */
export function textOf(message: TextMessage, name: string): string | null {
  const value = message.get(name)?.[0];
  return typeof value === 'string' ? value : null;
}

/** All values of a field that are text. */
export function textsOf(message: TextMessage, name: string): readonly string[] {
  return (message.get(name) ?? []).filter((value) => typeof value === 'string');
}

export function numberOf(message: TextMessage, name: string): number | null {
  const value = message.get(name)?.[0];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The words of the text format for yes and no, and 1 and 0. Null: it is neither. */
export function booleanIn(value: TextValue | undefined): boolean | null {
  if (value === 'true' || value === 'True' || value === 't' || value === 1) return true;
  return value === 'false' || value === 'False' || value === 'f' || value === 0 ? false : null;
}

export function messagesOf(message: TextMessage, name: string): readonly TextMessage[] {
  return (message.get(name) ?? []).filter((value) => typeof value === 'object');
}
