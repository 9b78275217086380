/**
 * Parses regular expressions of JSON schemas (ECMA-262, flag u), limited to the regular part that
 * llama.cpp's grammars can express: characters, classes, groups, alternatives, quantifiers, `\d \w
 * \s .` and their opposites, `^` and `$` at the ends of alternatives. No I/O.
 */
import {
  ANY_TEXT,
  type Characters,
  characters,
  complement,
  EMPTY,
  either,
  LAST_CHARACTER,
  type Language,
  repeated,
  sequence,
  union,
} from './language.ts';

/** A pattern that is wrong or beyond the subset; the message says which part. */
export class PatternRefusal extends Error {}

const DIGIT: Characters = [[0x30, 0x39]];
const WORD: Characters = union([...DIGIT, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]]);
const SPACE: Characters = union([
  [9, 13],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);
const LINE_ENDS: Characters = union([
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
]);
const CLASSES: Readonly<Record<string, Characters>> = {
  d: DIGIT,
  w: WORD,
  s: SPACE,
  D: complement(DIGIT),
  W: complement(WORD),
  S: complement(SPACE),
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };
const MOST_REPEATED = 10_000;
const MOST_DEPTH = 50;

/**
 * @throws PatternRefusal. @returns the texts in which the pattern is found, as `RegExp.test` finds
 * it.
 */
export function patternLanguage(pattern: string): Language {
  try {
    // What JavaScript itself refuses is wrong; the reader below need not notice each mistake.
    new RegExp(pattern, 'u');
  } catch (error) {
    throw new PatternRefusal(error instanceof Error ? error.message : String(error));
  }
  return new PatternReader(pattern).whole();
}

class PatternReader {
  readonly #text: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#text = Array.from(pattern);
  }

  whole(): Language {
    return this.#alternatives(true);
  }

  get #next(): string | undefined {
    return this.#text[this.#at];
  }

  #take(expected: string): boolean {
    if (this.#next !== expected) return false;
    this.#at += 1;
    return true;
  }

  /**
   * @param isOutermost `^` and `$` say then where the text begins and ends; elsewhere they are
   * refused.
   */
  #alternatives(isOutermost: boolean): Language {
    const all: Language[] = [];
    do {
      const isBegin = isOutermost && this.#take('^');
      const parts = this.#parts();
      const isEnd = isOutermost && this.#take('$');
      if (this.#next === '$' || this.#next === '^' || (isEnd && this.#next !== undefined && this.#next !== '|'))
        throw new PatternRefusal('"^" or "$" in the middle');
      all.push(isOutermost ? sequence([isBegin ? EMPTY : ANY_TEXT, ...parts, isEnd ? EMPTY : ANY_TEXT]) : sequence(parts));
    } while (this.#take('|'));
    return either(all);
  }

  #parts(): readonly Language[] {
    const parts: Language[] = [];
    while (this.#next !== undefined && !'|)^$'.includes(this.#next)) parts.push(this.#quantified());
    return parts;
  }

  #quantified(): Language {
    const one = this.#one();
    const rest = this.#text.slice(this.#at, this.#at + 24).join('');
    const found = /^(?:([*+?])|\{(\d+)(,)?(\d+)?\})\??/.exec(rest);
    if (found === null) return one;
    this.#at += found[0].length;
    const [, sign, least, comma, most] = found;
    if (sign !== undefined) return repeated(one, sign === '+' ? 1 : 0, sign === '?' ? 1 : null);
    const bounds = [Number(least), comma === undefined ? Number(least) : most === undefined ? null : Number(most)] as const;
    if (Math.max(bounds[0], bounds[1] ?? 0) > MOST_REPEATED) throw new PatternRefusal(`more than ${MOST_REPEATED} repetitions`);
    return repeated(one, ...bounds);
  }

  #one(): Language {
    const character = this.#text[this.#at++] ?? '';
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return characters(this.#class());
      case '.':
        return characters(complement(LINE_ENDS));
      case '\\':
        return characters(this.#escape(false));
      default:
        return characters([[codeOf(character), codeOf(character)]]);
    }
  }

  #group(): Language {
    const rest = this.#text.slice(this.#at, this.#at + 80).join('');
    const named = /^\?(?::|<[A-Za-z_$][\w$]*>)/.exec(rest);
    if (named !== null) this.#at += named[0].length;
    else if (rest.startsWith('?')) throw new PatternRefusal(`"(${rest.slice(0, rest.startsWith('?<') ? 3 : 2)}"`);
    if (++this.#depth > MOST_DEPTH) throw new PatternRefusal(`groups nested more than ${MOST_DEPTH} deep`);
    const inside = this.#alternatives(false);
    this.#depth -= 1;
    this.#take(')');
    return inside;
  }

  #class(): Characters {
    const isNegated = this.#take('^');
    const ranges: (readonly [number, number])[] = [];
    while (this.#next !== undefined && !this.#take(']')) {
      const from = this.#member();
      const first = from.length === 1 && from[0]?.[0] === from[0]?.[1] ? (from[0]?.[0] ?? null) : null;
      const isRange = this.#next === '-' && this.#text[this.#at + 1] !== ']' && first !== null;
      if (!isRange) {
        ranges.push(...from);
        continue;
      }
      this.#at += 1;
      ranges.push([first, this.#member()[0]?.[1] ?? first]);
    }
    const whole = union(ranges);
    return isNegated ? complement(whole) : whole;
  }

  #member(): Characters {
    const character = this.#text[this.#at++] ?? '';
    return character === '\\' ? this.#escape(true) : [[codeOf(character), codeOf(character)]];
  }

  #escape(isInClass: boolean): Characters {
    const letter = this.#text[this.#at++] ?? '';
    const known = CLASSES[letter];
    if (known !== undefined) return known;
    const control = isInClass && letter === 'b' ? 8 : CONTROLS[letter];
    if (control !== undefined) return [[control, control]];
    if (letter === 'x') return this.#hexadecimal(2);
    if (letter === 'u') return this.#take('{') ? this.#braced() : this.#hexadecimal(4);
    if (/[A-Za-z1-9]/.test(letter)) throw new PatternRefusal(`"\\${letter}"`);
    return [[codeOf(letter), codeOf(letter)]];
  }

  #hexadecimal(digits: number): Characters {
    const code = Number.parseInt(this.#text.slice(this.#at, this.#at + digits).join(''), 16);
    this.#at += digits;
    if (code >= 0xd800 && code <= 0xdfff) throw new PatternRefusal('halves of a character');
    return [[code, code]];
  }

  #braced(): Characters {
    const end = this.#text.indexOf('}', this.#at);
    const code = Number.parseInt(this.#text.slice(this.#at, end).join(''), 16);
    this.#at = end + 1;
    return [[code, code]];
  }
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? LAST_CHARACTER;
}
