/** Arrays of a JSON schema as rules of a grammar. No I/O. */
import { literal } from './grammar-text.ts';
import type { ValueRules } from './json-rules.ts';
import { count, list, type Schema, SchemaRefusal } from './schema-merge.ts';
import { finiteValues } from './schema-values.ts';

/** Values of a set, times its length: as many rules. */
const MOST_SET_RULES = 10_000;

export class ArrayRules {
  readonly #rules: ValueRules;

  constructor(rules: ValueRules) {
    this.#rules = rules;
  }

  rule(schema: Schema, at: string): string {
    const { grammar } = this.#rules;
    const space = this.#rules.space();
    // Earlier drafts have the places of a tuple in `items`, and what follows in `additionalItems`.
    const isOldTuple = Array.isArray(schema['items']);
    const places = schema['prefixItems'] ?? (isOldTuple ? schema['items'] : undefined);
    const others = (isOldTuple ? schema['additionalItems'] : schema['items']) ?? schema['unevaluatedItems'] ?? true;
    const least = count(schema, 'minItems', at) ?? 0;
    const most = count(schema, 'maxItems', at);
    if (most !== null && most < least) throw new SchemaRefusal(`"maxItems" at ${at} is less than "minItems"`);
    if (places !== undefined)
      return this.#tuple(list(places, `${at}/prefixItems`), others, { least, most }, schema['uniqueItems'] === true, at);
    if (most === 0 || (others === false && least === 0)) return grammar.add(`"[" ${space} "]"`);
    if (schema['uniqueItems'] === true && most !== 1) return this.#set(others, { least, most }, at);
    const item = this.#rules.value(others, `${at}/items`);
    const items = `${item} ${this.#more(item, least - 1, most === null ? null : most - 1)} ${space}`;
    return grammar.add(`"[" ${space} ${least === 0 ? `(${items})?` : items} "]"`);
  }

  #more(item: string, least: number, most: number | null): string {
    const next = this.#rules.grammar.add(`"," ${this.#rules.space()} ${item}`);
    return this.#rules.grammar.times(next, Math.max(0, least), most);
  }

  /**
   * All its places: fewer would be allowed by the standard, and nobody who writes one means them.
   */
  #tuple(places: readonly unknown[], others: unknown, { least, most }: Counts, isSet: boolean, at: string): string {
    if (isSet) throw new SchemaRefusal(`"uniqueItems" at ${at} cannot be enforced beside "prefixItems"`);
    if (most !== null && most < places.length) throw new SchemaRefusal(`"maxItems" at ${at} is less than the places of "prefixItems"`);
    const space = this.#rules.space();
    const written = places.map((item, index) => this.#rules.value(item, `${at}/prefixItems/${index}`)).join(` "," ${space} `);
    const missing = least - places.length;
    const more = missing > 0 ? this.#more(this.#rules.value(others, `${at}/items`), missing, missing) : '';
    return this.#rules.grammar.add(`"[" ${space} ${written} ${more} ${space} "]"`);
  }

  /** A set of named values: each at most once, in the order of their naming. */
  #set(items: unknown, { least, most }: Counts, at: string): string {
    const values = finiteValues(this.#rules.merger, items, `${at}/items`);
    if (values === null) throw new SchemaRefusal(`"uniqueItems" at ${at} cannot be enforced: only where "items" is an enumeration`);
    const length = Math.min(most ?? values.length, values.length);
    if (least > length) throw new SchemaRefusal(`"minItems" at ${at} asks for more different values than "items" has`);
    if (values.length * (length + 1) > MOST_SET_RULES)
      throw new SchemaRefusal(`"uniqueItems" at ${at} cannot be enforced: "items" has too many values`);
    const { grammar } = this.#rules;
    const space = this.#rules.space();
    const written = values.map((value) => grammar.add(literal(JSON.stringify(value))));
    // From the last value on: what may follow when so many are there.
    let after: readonly (string | null)[] = Array.from({ length: length + 1 }, (_, there) => (there >= least ? grammar.add('""') : null));
    for (const value of written.toReversed()) {
      const next = after;
      after = next.map((without, there) => {
        const behind = next[there + 1] ?? null;
        const taken = behind === null ? [] : [`${there === 0 ? '' : `"," ${space}`} ${value} ${behind}`];
        const all = [...taken, ...(without === null ? [] : [without])];
        return all.length === 0 ? null : grammar.add(all.join(' | '));
      });
    }
    return grammar.add(`"[" ${space} ${after[0] ?? ''} ${space} "]"`);
  }
}

interface Counts {
  readonly least: number;
  readonly most: number | null;
}
