/** Objects of a JSON schema as rules of a grammar. No I/O. */
import { literal } from './grammar-text.ts';
import type { ValueRules } from './json-rules.ts';
import { count, isObject, type Schema, SchemaRefusal } from './schema-merge.ts';

export class ObjectRules {
  readonly #rules: ValueRules;

  constructor(rules: ValueRules) {
    this.#rules = rules;
  }

  rule(schema: Schema, at: string): string {
    const properties = objectAt(schema, 'properties', at);
    const required = schema['required'] ?? [];
    if (!Array.isArray(required) || required.some((name) => typeof name !== 'string'))
      throw new SchemaRefusal(`${at}/required must be a list of names`);
    const others = schema['additionalProperties'] ?? schema['unevaluatedProperties'] ?? true;
    const names = [...new Set([...Object.keys(properties), ...(required as readonly string[])])];
    const [least, most] = [count(schema, 'minProperties', at), count(schema, 'maxProperties', at)];
    if (names.length === 0) return this.#map(schema, others, { least: least ?? 0, most }, at);
    return this.#declared(schema, this.#pairs(properties, required, names, others, at), { least: least ?? 0, most }, at);
  }

  #pairs(properties: Schema, required: readonly unknown[], names: readonly string[], others: unknown, at: string): readonly Pair[] {
    const allowed = names.filter((name) => required.includes(name) || properties[name] !== false);
    return allowed.map((name) => {
      const isDeclared = Object.hasOwn(properties, name);
      const value = isDeclared ? properties[name] : others;
      if (value === false) throw new SchemaRefusal(`"required" at ${at} names "${name}", which is not allowed there`);
      return {
        isRequired: required.includes(name),
        rule: this.#rules.pair(literal(JSON.stringify(name)), this.#rules.value(value, `${at}/${name}`)),
      };
    });
  }

  #declared(schema: Schema, pairs: readonly Pair[], { least, most }: Counts, at: string): string {
    for (const key of ['patternProperties', 'propertyNames'])
      if (schema[key] !== undefined) throw new SchemaRefusal(`"${key}" at ${at} cannot be enforced beside "properties"`);
    if (least > pairs.filter(({ isRequired }) => isRequired).length || (most !== null && most < pairs.length))
      throw new SchemaRefusal(`"minProperties" or "maxProperties" at ${at} cannot be enforced beside "properties"`);
    const { grammar } = this.#rules;
    const space = this.#rules.space();
    // From the last on: what may follow each pair.
    let more = '';
    let first = '';
    let allOptional = true;
    for (const { isRequired, rule } of pairs.toReversed()) {
      first = grammar.add(isRequired || first === '' ? `${rule} ${more}` : `${rule} ${more} | ${first}`);
      more = grammar.add(`${isRequired ? `"," ${space} ${rule}` : `("," ${space} ${rule})?`} ${more}`);
      allOptional &&= !isRequired;
    }
    return grammar.add(`"{" ${space} ${allOptional ? `(${first} ${space})?` : `${first} ${space}`} "}"`);
  }

  /** Any keys, or those that a pattern or a schema for names allows. */
  #map(schema: Schema, others: unknown, { least, most }: Counts, at: string): string {
    const patterns = Object.entries(objectAt(schema, 'patternProperties', at));
    if (patterns.length > 1) throw new SchemaRefusal(`"patternProperties" at ${at} cannot be enforced: more than one pattern`);
    const [byPattern] = patterns;
    const value = byPattern?.[1] ?? others;
    const { grammar } = this.#rules;
    const space = this.#rules.space();
    if (least > 1) throw new SchemaRefusal(`"minProperties" at ${at} cannot be enforced: the same key may come twice`);
    if (value === false || most === 0) {
      if (least > 0) throw new SchemaRefusal(`"minProperties" at ${at} asks for more than is allowed there`);
      return grammar.add(`"{" ${space} "}"`);
    }
    const names = schema['propertyNames'] ?? true;
    const key = { allOf: [{ type: 'string' }, names, ...(byPattern === undefined ? [] : [{ pattern: byPattern[0] }])] };
    const pair = this.#rules.pair(this.#rules.value(key, `${at}/propertyNames`), this.#rules.value(value, `${at}/additionalProperties`));
    const next = grammar.add(`"," ${space} ${pair}`);
    const pairs = `${pair} ${grammar.times(next, 0, most === null ? null : most - 1)} ${space}`;
    return grammar.add(`"{" ${space} ${least === 0 ? `(${pairs})?` : pairs} "}"`);
  }
}

interface Pair {
  readonly isRequired: boolean;
  readonly rule: string;
}

interface Counts {
  readonly least: number;
  readonly most: number | null;
}

function objectAt(schema: Schema, key: string, at: string): Schema {
  const value = schema[key] ?? {};
  if (isObject(value)) return value;
  throw new SchemaRefusal(`"${key}" at ${at} must be an object`);
}
