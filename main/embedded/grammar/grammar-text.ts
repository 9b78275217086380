/** A grammar in llama.cpp's notation (GBNF), put together rule by rule. No I/O. */

/**
 * Far above any schema that a person writes; a hostile one is refused before it costs memory (I10).
 */
const MOST_RULES = 40_000;
const MOST_CHARACTERS = 1_500_000;
/**
 * llama.cpp writes a repetition out, up to its bound of 2,000: longer ones are made of equal
 * groups.
 */
const LONGEST_REPETITION = 256;

/** A quoted text of the notation. */
export function literal(text: string): string {
  const escaped = text.replaceAll(/[\\"\p{Cc}]/gu, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `"${escaped}"`;
}

export class GrammarText {
  readonly #rules = new Map<string, string>();
  readonly #groups = new Map<string, string>();
  #next = 0;
  #characters = 0;

  /** A name for a rule whose body comes later, so that a rule can name itself. */
  reserve(): string {
    if (this.#next >= MOST_RULES) throw new RangeError(`the grammar would have more than ${MOST_RULES} rules`);
    return `r${this.#next++}`;
  }

  define(name: string, body: string): string {
    this.#characters += body.length;
    if (this.#characters > MOST_CHARACTERS) throw new RangeError(`the grammar would have more than ${MOST_CHARACTERS} characters`);
    this.#rules.set(name, body);
    return name;
  }

  add(body: string): string {
    return this.define(this.reserve(), body);
  }

  /** A rule that several share, made when it is first asked for. */
  shared(name: string, body: () => string): string {
    if (this.#rules.has(name)) return name;
    // Set first: the body may come back to this very rule.
    this.define(name, '');
    return this.define(name, body());
  }

  /**
   * So many of a rule, one after the other. @param most null: any number. @returns a part of a
   * rule's body.
   */
  times(rule: string, least: number, most: number | null): string {
    const exact = this.#exactly(rule, least);
    if (most === null) return `${exact} ${rule}*`;
    return `${exact} ${this.#atMost(rule, most - least)}`.trim();
  }

  #exactly(rule: string, times: number): string {
    if (times === 0) return '';
    if (times <= LONGEST_REPETITION) return `${rule}{${times}}`;
    const size = Math.min(LONGEST_REPETITION, Math.ceil(Math.sqrt(times)));
    const groups = this.#exactly(this.#group(rule, size), Math.floor(times / size));
    return `${groups} ${this.#exactly(rule, times % size)}`.trim();
  }

  /**
   * Whole groups, then less than one: a text is taken apart in one way only, so that few places of
   * the grammar are open at a time.
   */
  #atMost(rule: string, times: number): string {
    if (times <= 0) return '';
    if (times <= LONGEST_REPETITION) return `${rule}{0,${times}}`;
    const size = Math.min(LONGEST_REPETITION, Math.ceil(Math.sqrt(times)));
    const groups = Math.floor(times / size);
    const rest = times % size;
    // As many whole groups as there are room for with less than one behind them; or all of them,
    // and what is left.
    const fewer = `${this.#atMost(this.#group(rule, size), groups - 1)} ${rule}{0,${size - 1}}`;
    const all = `${this.#exactly(this.#group(rule, size), groups)} ${rest === 0 ? '' : `${rule}{0,${rest}}`}`;
    return this.add(`${fewer} | ${all}`);
  }

  #group(rule: string, size: number): string {
    const key = `${rule}{${size}}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const name = this.add(key);
    this.#groups.set(key, name);
    return name;
  }

  /** The whole grammar. @param root what a text must be from its beginning to its end. */
  text(root: string): string {
    return [`root ::= ${root}`, ...[...this.#rules].map(([name, body]) => `${name} ::= ${body}`)].join('\n');
  }
}
