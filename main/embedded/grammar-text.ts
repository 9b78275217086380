/** A grammar in llama.cpp's notation (GBNF), put together rule by rule. Pure. */

/** Far above any schema that a person writes; a hostile one is refused before it costs memory (I10). */
const MOST_RULES = 20_000;

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
  #next = 0;

  /** A name for a rule whose body comes later, so that a rule can name itself. */
  reserve(): string {
    if (this.#next >= MOST_RULES) throw new RangeError(`the grammar would have more than ${MOST_RULES} rules`);
    return `r${this.#next++}`;
  }

  define(name: string, body: string): string {
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

  /** The whole grammar. @param root what a text must be from its beginning to its end. */
  text(root: string): string {
    return [`root ::= ${root}`, ...[...this.#rules].map(([name, body]) => `${name} ::= ${body}`)].join('\n');
  }
}
