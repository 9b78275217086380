/**
 * Reads a grammar in llama.cpp's notation (GBNF) into rules, as llama.cpp reads it: only to count
 * what it would hold open (`open-places.ts`). What llama.cpp refuses it may take. No I/O.
 */
import { ANY_CHARACTER, type Characters, complement, union } from './language.ts';

export type Element =
  | { readonly kind: 'set'; readonly set: Characters }
  | { readonly kind: 'rule'; readonly rule: Rule }
  /** So many of `of`, one after the other. @param most null: any number. */
  | { readonly kind: 'repeat'; readonly of: Elements; readonly least: number; readonly most: number | null };

export type Elements = readonly Element[];

/** Its alternatives, filled in while the notation is read. */
export interface Rule {
  alternatives: readonly Elements[];
}

/** A part of the notation is wrong, or not known here. */
export class NotationError extends RangeError {}

const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9 };
const CODE_LENGTHS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const NAME = /[A-Za-z0-9-]+/y;
const NAME_SIGN = /[A-Za-z0-9-]/;
const DIGITS = /^[0-9A-Fa-f]+$/;
const SPACE = /(?:[ \t]|#[^\r\n]*)*/y;
const LINES = /(?:[ \t\r\n]|#[^\r\n]*)*/y;
const COUNTS = /\{[ \t\r\n]*(\d+)[ \t\r\n]*(?:(,)[ \t\r\n]*(\d*)[ \t\r\n]*)?\}/y;

/** Texts are mostly of these. */
const singles: Element[] = Array.from({ length: 128 }, (_, code) => ({ kind: 'set', set: [[code, code]] }));

function single(code: number): Element {
  return singles[code] ?? { kind: 'set', set: [[code, code]] };
}

/** @returns the rule `root`. @throws NotationError. */
export function readNotation(text: string): Rule {
  const reader = new NotationReader(text);
  return reader.root();
}

class NotationReader {
  readonly #text: string;
  readonly #rules = new Map<string, Rule>();
  readonly #defined = new Set<string>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  root(): Rule {
    this.#skip(LINES);
    while (this.#at < this.#text.length) {
      const name = this.#name();
      this.#skip(SPACE);
      if (!this.#text.startsWith('::=', this.#at)) throw this.#wrong();
      this.#at += 3;
      this.#skip(LINES);
      this.#rule(name).alternatives = this.#alternatives(false);
      this.#defined.add(name);
      this.#skip(LINES);
    }
    const missing = ['root', ...this.#rules.keys()].find((name) => !this.#defined.has(name));
    if (missing !== undefined) throw new NotationError(`the grammar has no rule "${missing.slice(0, 80)}"`);
    return this.#rule('root');
  }

  #alternatives(isNested: boolean): readonly Elements[] {
    const alternatives = [this.#sequence(isNested)];
    while (this.#text[this.#at] === '|') {
      this.#at += 1;
      this.#skip(LINES);
      alternatives.push(this.#sequence(isNested));
    }
    return alternatives;
  }

  #sequence(isNested: boolean): Elements {
    const elements: Element[] = [];
    /** What a repetition repeats begins here. */
    let last = 0;
    for (;;) {
      const sign = this.#text[this.#at] ?? '';
      if (sign === '*' || sign === '+' || sign === '?' || sign === '{') {
        const [least, most] = this.#counts(sign);
        if (last === elements.length) throw this.#wrong();
        elements.push({ kind: 'repeat', of: elements.splice(last), least, most });
      } else {
        const made = this.#symbol(sign);
        if (made === null) return elements;
        last = elements.length;
        for (const element of made) elements.push(element);
      }
      this.#skip(isNested ? LINES : SPACE);
    }
  }

  /** Null: the sequence is over. */
  #symbol(sign: string): Elements | null {
    if (sign === '"') return this.#literal();
    if (sign === '[') return [{ kind: 'set', set: this.#set() }];
    if (sign === '.') {
      this.#at += 1;
      return [{ kind: 'set', set: ANY_CHARACTER }];
    }
    if (sign === '(') {
      this.#at += 1;
      this.#skip(LINES);
      const rule = { alternatives: this.#alternatives(true) };
      if (this.#text[this.#at] !== ')') throw this.#wrong();
      this.#at += 1;
      return [{ kind: 'rule', rule }];
    }
    return NAME_SIGN.test(sign) ? [{ kind: 'rule', rule: this.#rule(this.#name()) }] : null;
  }

  #literal(): Elements {
    const elements: Element[] = [];
    this.#at += 1;
    while (this.#text[this.#at] !== '"') {
      elements.push(single(this.#character()));
    }
    this.#at += 1;
    return elements;
  }

  #set(): Characters {
    this.#at += 1;
    const isNegated = this.#text[this.#at] === '^';
    if (isNegated) this.#at += 1;
    const ranges: [number, number][] = [];
    while (this.#text[this.#at] !== ']') {
      const first = this.#character();
      const isRange = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']';
      if (isRange) this.#at += 1;
      ranges.push([first, isRange ? this.#character() : first]);
    }
    this.#at += 1;
    const set = union(ranges.filter(([first, last]) => first <= last));
    return isNegated ? complement(set) : set;
  }

  #character(): number {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) throw this.#wrong();
    this.#at += code > 0xffff ? 2 : 1;
    if (code !== 0x5c) return code;
    const sign = this.#text[this.#at] ?? '';
    this.#at += 1;
    const length = CODE_LENGTHS[sign];
    if (length === undefined) return ESCAPES[sign] ?? sign.codePointAt(0) ?? 0;
    const digits = this.#text.slice(this.#at, this.#at + length);
    if (digits.length !== length || !DIGITS.test(digits)) throw this.#wrong();
    this.#at += length;
    return Number.parseInt(digits, 16);
  }

  #counts(sign: string): readonly [least: number, most: number | null] {
    if (sign !== '{') {
      this.#at += 1;
      return [sign === '+' ? 1 : 0, sign === '?' ? 1 : null];
    }
    COUNTS.lastIndex = this.#at;
    const [whole = '', least = '', comma, most] = COUNTS.exec(this.#text) ?? [];
    if (whole === '') throw this.#wrong();
    this.#at += whole.length;
    const exact = Number(least);
    return [exact, comma === undefined ? exact : most === '' || most === undefined ? null : Number(most)];
  }

  #rule(name: string): Rule {
    const known = this.#rules.get(name);
    if (known !== undefined) return known;
    const rule: Rule = { alternatives: [] };
    this.#rules.set(name, rule);
    return rule;
  }

  #name(): string {
    NAME.lastIndex = this.#at;
    const [name = ''] = NAME.exec(this.#text) ?? [];
    if (name === '') throw this.#wrong();
    this.#at += name.length;
    return name;
  }

  #skip(what: RegExp): void {
    what.lastIndex = this.#at;
    what.exec(this.#text);
    this.#at = what.lastIndex;
  }

  #wrong(): NotationError {
    return new NotationError(`the grammar cannot be read at ${JSON.stringify(this.#text.slice(this.#at, this.#at + 20))}`);
  }
}
