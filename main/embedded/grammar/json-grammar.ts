/**
 * Turns a JSON schema into a llama.cpp grammar, so that every answer is valid by the schema. A
 * keyword that the grammar cannot enforce is refused by name. Objects have their declared
 * properties, in the schema's order, and no others. llama.cpp's own converter is in a library that
 * node-llama-cpp does not expose, and ignores unknown keywords. No I/O.
 */

import { Recent } from '../llama/recent.ts';
import { oneOf } from './automaton-rules.ts';
import { GrammarText } from './grammar-text.ts';
import { ArrayRules } from './json-array.ts';
import { ObjectRules } from './json-object.ts';
import type { ValueRules } from './json-rules.ts';
import { numberRule, textRule } from './json-scalars.ts';
import { isAnnotation, isObject, list, type Schema, SchemaMerger, SchemaRefusal } from './schema-merge.ts';
import { fits, namedTypes, overlap, TYPES } from './schema-values.ts';

/** The keywords of each type that the grammar enforces. */
const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  object:
    'properties required additionalProperties unevaluatedProperties patternProperties propertyNames minProperties maxProperties'.split(' '),
  array: ['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'minItems', 'maxItems', 'uniqueItems'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'format'],
  boolean: [],
  null: [],
};
const MOST_DEPTH = 64;
const MOST_VALUES = 10_000;

/** Clients send the same schema with each request. */
const made = new Recent<string>(4_000_000);

/** The grammar of one JSON value. @throws SchemaRefusal. */
export function jsonGrammar(schema: unknown): string {
  return made.get(JSON.stringify(schema) ?? '', () => {
    const grammar = new GrammarText();
    return grammar.text(new JsonRules(grammar, schema).value(schema, '#'));
  });
}

/** Any JSON object. */
export const ANY_OBJECT: Schema = { type: 'object' };

/** Adds the rules of schemas to a grammar. `root` is what `$ref` points into. */
export class JsonRules implements ValueRules {
  readonly grammar: GrammarText;
  readonly merger: SchemaMerger;
  readonly #references = new Map<unknown, string>();
  readonly #objects = new ObjectRules(this);
  readonly #arrays = new ArrayRules(this);
  #depth = 0;

  constructor(grammar: GrammarText, root: unknown) {
    this.grammar = grammar;
    this.merger = new SchemaMerger(root);
  }

  /**
   * @returns the name of a rule for such a value. @param at where in the schema it stands, for
   * refusals.
   */
  value(schema: unknown, at: string): string {
    if (schema === true) return this.#any();
    if (!isObject(schema)) throw new SchemaRefusal(`${at} is not a JSON schema`);
    this.merger.count();
    if (++this.#depth > MOST_DEPTH) throw new SchemaRefusal(`it is nested more than ${MOST_DEPTH} deep`);
    try {
      const isOnlyReference = schema['$ref'] !== undefined && Object.keys(schema).every((key) => key === '$ref' || isAnnotation(key));
      return isOnlyReference ? this.#reference(schema['$ref'], at) : this.#schema(this.merger.flat(schema, at), at);
    } finally {
      this.#depth -= 1;
    }
  }

  #schema(schema: Schema, at: string): string {
    for (const key of ['anyOf', 'oneOf'] as const) {
      const { [key]: choices, ...rest } = schema;
      if (choices !== undefined) return this.#choice(list(choices, `${at}/${key}`), rest, key, at);
    }
    const types = typesOf(schema, at);
    const isNamed = Object.hasOwn(schema, 'const') || schema['enum'] !== undefined;
    for (const key of Object.keys(schema)) {
      const isKnown = key === 'type' || isAnnotation(key) || types.some((type) => KEYWORDS[type]?.includes(key));
      if (!(isKnown || (isNamed && (key === 'const' || key === 'enum')))) throw new SchemaRefusal(`"${key}" at ${at} cannot be enforced`);
    }
    if (isNamed) return this.#named(schema, at);
    const rules = types.map((type) => this.#typed(type, schema, at));
    return rules.length === 1 ? (rules[0] ?? '') : this.grammar.add(rules.join(' | '));
  }

  #choice(choices: readonly unknown[], rest: Schema, key: 'anyOf' | 'oneOf', at: string): string {
    const isBounded = Object.keys(rest).some((name) => !isAnnotation(name));
    const whole = choices.map((choice) => (isBounded ? { allOf: [rest, choice] } : choice));
    if (key === 'oneOf') this.#checkApart(whole, at);
    const rules = whole.map((choice, index) => this.value(choice, `${at}/${key}/${index}`));
    // Equal ones would be followed apart.
    return this.grammar.add([...new Set(rules)].join(' | '));
  }

  /** Exactly one must hold: they must not overlap. */
  #checkApart(choices: readonly unknown[], at: string): void {
    for (const [index, choice] of choices.entries()) {
      const same = choices.slice(0, index).findIndex((other) => overlap(this.merger, other, choice, at));
      if (same < 0) continue;
      throw new SchemaRefusal(
        `"oneOf" at ${at} cannot be enforced: its choices ${same} and ${index} may both match. Use "anyOf" to allow this`,
      );
    }
  }

  #named(schema: Schema, at: string): string {
    const given = Object.hasOwn(schema, 'const') ? [schema['const']] : list(schema['enum'], `${at}/enum`);
    if (given.length > MOST_VALUES) throw new SchemaRefusal(`"enum" at ${at} has ${given.length} values, and ${MOST_VALUES} are possible`);
    const listed = schema['enum'] === undefined ? null : new Set(list(schema['enum'], `${at}/enum`).map((value) => JSON.stringify(value)));
    const values = given.filter((value) => fits(schema, value) && listed?.has(JSON.stringify(value)) !== false);
    if (values.length === 0) throw new SchemaRefusal(`no value of "enum" or "const" at ${at} is allowed by what stands beside it`);
    return this.grammar.add(
      oneOf(
        this.grammar,
        values.map((value) => JSON.stringify(value)),
      ),
    );
  }

  #reference(pointer: unknown, at: string): string {
    const target = this.merger.target(pointer, at);
    const known = this.#references.get(target);
    if (known !== undefined) return known;
    if (isObject(target) && target['$ref'] === pointer) throw new SchemaRefusal(`"$ref" at ${at} points to itself`);
    const name = this.grammar.reserve();
    this.#references.set(target, name);
    return this.grammar.define(name, this.value(target, String(pointer)));
  }

  #typed(type: string, schema: Schema, at: string): string {
    switch (type) {
      case 'object':
        return this.#objects.rule(schema, at);
      case 'array':
        return this.#arrays.rule(schema, at);
      case 'string':
        return textRule(this.grammar, schema, at);
      case 'integer':
      case 'number':
        return numberRule(this.grammar, schema, type, at);
      default:
        return this.grammar.shared(type, () => (type === 'null' ? '"null"' : '"true" | "false"'));
    }
  }

  #any(): string {
    return this.grammar.shared('value', () => {
      const space = this.space();
      const pair = `${textRule(this.grammar, {}, '#')} ":" ${space} value`;
      const object = `"{" ${space} (${pair} ("," ${space} ${pair})* ${space})? "}"`;
      const array = `"[" ${space} (value ("," ${space} value)* ${space})? "]"`;
      return [object, array, ...['string', 'number', 'boolean', 'null'].map((type) => this.#typed(type, {}, '#'))].join(' | ');
    });
  }

  /** Bounded: a model that lost its way would write spaces for ever. */
  space(): string {
    return this.grammar.shared('ws', () => '| " " | "\\n" [ \\t]{0,20}');
  }

  /** A pair of an object. @param key its rule, or a text of the notation. */
  pair(key: string, value: string): string {
    return this.grammar.add(`${key} ":" ${this.space()} ${value}`);
  }
}

/**
 * The types that a schema allows; those that its keywords speak of where it names none; any where
 * it says nothing.
 */
function typesOf(schema: Schema, at: string): readonly string[] {
  const named = namedTypes(schema);
  if (named !== null) {
    const isKnown = named.length > 0 && named.every((type) => TYPES.some((known) => known === type));
    if (!isKnown) throw new SchemaRefusal(`"type" at ${at} must be one of ${TYPES.join(', ')}`);
    const types = named as readonly string[];
    return types.includes('number') ? types.filter((type) => type !== 'integer') : types;
  }
  const spokenOf = TYPES.filter((type) => KEYWORDS[type]?.some((key) => key !== 'format' && schema[key] !== undefined));
  if (spokenOf.length > 0) return spokenOf.includes('number') ? spokenOf.filter((type) => type !== 'integer') : spokenOf;
  return schema['format'] === undefined ? ['object', 'array', 'string', 'number', 'boolean', 'null'] : ['string'];
}
