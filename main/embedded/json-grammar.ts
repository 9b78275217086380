/**
 * From a JSON schema to a grammar of llama.cpp: what the model writes is then valid by the schema, whatever its weights. A keyword that the
 * grammar cannot enforce is refused by name. Objects come with their declared properties in the schema's order, and with no others. Pure.
 */
import { GrammarText, literal } from './grammar-text.ts';
import { integerRange } from './integer-grammar.ts';

export type Schema = Readonly<Record<string, unknown>>;

/** A schema that cannot be carried out; the message names the keyword and its place. */
export class SchemaRefusal extends Error {}

/** Say something about a value and bound it in no way; `format` is one by the standard, where it is none of those below. */
const ANNOTATIONS: ReadonlySet<string> = new Set(
  '$schema $id $anchor $comment $defs definitions title description default examples deprecated readOnly writeOnly format contentEncoding contentMediaType strict nullable'.split(
    ' ',
  ),
);
/** The keywords of each type that the grammar enforces. */
const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  number: [],
  boolean: [],
  null: [],
};
const TYPES = Object.keys(KEYWORDS);
const MOST_DEPTH = 64;
/** llama.cpp's own bound for repetitions. */
const MOST_REPEATED = 2000;

const CHARACTER = '[^"\\\\\\x7F\\x00-\\x1F] | "\\\\" (["\\\\/bfnrt] | "u" [0-9a-fA-F]{4})';
const DATE = '[0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [12] [0-9] | "3" [01])';
const TIME =
  '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | ("+" | "-") ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])';
const FORMATS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  'date-time': `${DATE} "T" ${TIME}`,
  uuid: '[0-9a-fA-F]{8} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{12}',
};

/** The grammar of one JSON value. @throws SchemaRefusal. */
export function jsonGrammar(schema: unknown): string {
  const grammar = new GrammarText();
  return grammar.text(new JsonRules(grammar, schema).value(schema, '#'));
}

/** Any JSON object. */
export const ANY_OBJECT: Schema = { type: 'object' };

/** Adds the rules of schemas to a grammar. `root` is what `$ref` points into. */
export class JsonRules {
  readonly #grammar: GrammarText;
  readonly #root: unknown;
  readonly #references = new Map<string, string>();
  #depth = 0;

  constructor(grammar: GrammarText, root: unknown) {
    this.#grammar = grammar;
    this.#root = root;
  }

  /** @returns the name of a rule for such a value. @param at where in the schema it stands, for refusals. */
  value(schema: unknown, at: string): string {
    if (schema === true) return this.#any();
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) throw new SchemaRefusal(`${at} is no JSON schema`);
    if (++this.#depth > MOST_DEPTH) throw new SchemaRefusal(`it is nested more than ${MOST_DEPTH} deep`);
    try {
      return this.#schema(schema as Schema, at);
    } finally {
      this.#depth -= 1;
    }
  }

  #schema(schema: Schema, at: string): string {
    const { $ref, anyOf, oneOf, allOf, ...rest } = schema;
    if ($ref !== undefined) return this.#reference($ref, at);
    const choices = anyOf ?? oneOf;
    if (choices !== undefined) return this.#choice(list(choices, `${at}/anyOf`), rest, at);
    if (allOf !== undefined) return this.value(merged(list(allOf, `${at}/allOf`), rest, at), at);
    if (schema['const'] !== undefined) return this.#grammar.add(literal(JSON.stringify(schema['const'])));
    if (schema['enum'] !== undefined) {
      const values = list(schema['enum'], `${at}/enum`);
      return this.#grammar.add(values.map((value) => literal(JSON.stringify(value))).join(' | '));
    }
    const types = typesOf(schema, at);
    for (const key of Object.keys(schema)) {
      const known = key === 'type' || ANNOTATIONS.has(key) || types.some((type) => KEYWORDS[type]?.includes(key));
      if (!known) throw new SchemaRefusal(`"${key}" at ${at} cannot be enforced`);
    }
    const rules = types.map((type) => this.#typed(type, schema, at));
    return rules.length === 1 ? (rules[0] ?? '') : this.#grammar.add(rules.join(' | '));
  }

  #choice(choices: readonly unknown[], rest: Schema, at: string): string {
    const bounds = Object.keys(rest).filter((key) => !ANNOTATIONS.has(key));
    const rules = choices.map((choice, index) => {
      const whole = bounds.length === 0 ? choice : merged([rest, choice], {}, at);
      return this.value(whole, `${at}/anyOf/${index}`);
    });
    return this.#grammar.add(rules.join(' | '));
  }

  #reference(pointer: unknown, at: string): string {
    if (typeof pointer !== 'string' || !/^#(\/|$)/.test(pointer))
      throw new SchemaRefusal(`"$ref" at ${at} must point into the schema itself`);
    const known = this.#references.get(pointer);
    if (known !== undefined) return known;
    const name = this.#grammar.reserve();
    this.#references.set(pointer, name);
    let target = this.#root;
    for (const part of pointer.split('/').slice(1)) {
      const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
      target = isObject(target) && Object.hasOwn(target, key) ? target[key] : undefined;
    }
    if (target === undefined) throw new SchemaRefusal(`"$ref" at ${at} points to ${pointer}, which is not there`);
    if (isObject(target) && target['$ref'] === pointer) throw new SchemaRefusal(`"$ref" at ${at} points to itself`);
    return this.#grammar.define(name, this.value(target, pointer));
  }

  #typed(type: string, schema: Schema, at: string): string {
    switch (type) {
      case 'object':
        return this.#object(schema, at);
      case 'array':
        return this.#array(schema, at);
      case 'string':
        return this.#string(schema, at);
      case 'integer':
        return this.#integer(schema, at);
      default:
        return this.#primitive(type);
    }
  }

  #object(schema: Schema, at: string): string {
    const properties = schema['properties'] ?? {};
    if (!isObject(properties)) throw new SchemaRefusal(`"properties" at ${at} must be an object`);
    const required = list(schema['required'] ?? [], `${at}/required`);
    const others = schema['additionalProperties'] ?? true;
    const names = [...new Set([...Object.keys(properties), ...required.filter((name) => typeof name === 'string')])];
    if (names.length === 0) return others === false ? this.#grammar.add('"{" ws "}"'.replace('ws', this.#space())) : this.#map(others, at);
    const undeclared = others === false ? true : others;
    const pairs = names.map((name) => ({
      isRequired: required.includes(name),
      rule: this.#pair(
        literal(JSON.stringify(name)),
        this.value(Object.hasOwn(properties, name) ? properties[name] : undeclared, `${at}/${name}`),
      ),
    }));
    const space = this.#space();
    // From the last on: what may follow each pair.
    let more = '';
    let first = '';
    let allOptional = true;
    for (const { isRequired, rule } of pairs.toReversed()) {
      first = isRequired || first === '' ? `${rule} ${more}` : `${rule} ${more} | ${first}`;
      more = this.#grammar.add(`${isRequired ? `"," ${space} ${rule}` : `("," ${space} ${rule})?`} ${more}`);
      first = this.#grammar.add(first);
      allOptional &&= !isRequired;
    }
    return this.#grammar.add(`"{" ${space} ${allOptional ? `(${first} ${space})?` : `${first} ${space}`} "}"`);
  }

  #map(value: unknown, at: string): string {
    const space = this.#space();
    const pair = this.#pair(this.#primitive('string'), this.value(value, `${at}/additionalProperties`));
    return this.#grammar.add(`"{" ${space} (${pair} ("," ${space} ${pair})* ${space})? "}"`);
  }

  #pair(key: string, value: string): string {
    return this.#grammar.add(`${key} ":" ${this.#space()} ${value}`);
  }

  #array(schema: Schema, at: string): string {
    const space = this.#space();
    const prefix = list(schema['prefixItems'] ?? [], `${at}/prefixItems`).map((item, index) =>
      this.value(item, `${at}/prefixItems/${index}`),
    );
    const least = count(schema, 'minItems', at) ?? prefix.length;
    const most = count(schema, 'maxItems', at);
    if (prefix.length > 0) {
      // A tuple: exactly its places. Fewer or more would be allowed by the standard, and nobody who writes one means them.
      if (least > prefix.length || (most !== null && most < prefix.length))
        throw new SchemaRefusal(`"minItems" or "maxItems" at ${at} do not fit "prefixItems"`);
      return this.#grammar.add(`"[" ${space} ${prefix.join(` "," ${space} `)} ${space} "]"`);
    }
    if (most !== null && most < least) throw new SchemaRefusal(`"maxItems" at ${at} is less than "minItems"`);
    if (most === 0 || schema['items'] === false) return this.#grammar.add(`"[" ${space} "]"`);
    const item = this.value(schema['items'] ?? true, `${at}/items`);
    const further = `("," ${space} ${item}){${Math.max(0, least - 1)},${most === null ? '' : most - 1}}`;
    const items = `${item} ${further} ${space}`;
    return this.#grammar.add(`"[" ${space} ${least === 0 ? `(${items})?` : items} "]"`);
  }

  #string(schema: Schema, at: string): string {
    const format = FORMATS[String(schema['format'])];
    if (format !== undefined) return this.#grammar.add(`"\\"" ${format} "\\""`);
    const least = count(schema, 'minLength', at);
    const most = count(schema, 'maxLength', at);
    if (least === null && most === null) return this.#primitive('string');
    const character = this.#grammar.shared('character', () => CHARACTER);
    return this.#grammar.add(`"\\"" ${character}{${least ?? 0},${most ?? ''}} "\\""`);
  }

  #integer(schema: Schema, at: string): string {
    const bound = (name: string, exclusive: string, step: number): number | null => {
      const inclusive = schema[name];
      const open = schema[exclusive];
      if (typeof open === 'boolean') throw new SchemaRefusal(`"${exclusive}" at ${at} must be a number`);
      if (typeof open === 'number') return step > 0 ? Math.floor(open) + step : Math.ceil(open) + step;
      if (typeof inclusive !== 'number') return null;
      return step > 0 ? Math.ceil(inclusive) : Math.floor(inclusive);
    };
    const least = bound('minimum', 'exclusiveMinimum', 1);
    const most = bound('maximum', 'exclusiveMaximum', -1);
    if (least === null && most === null) return this.#primitive('integer');
    const body = integerRange(least, most);
    if (body === null) throw new SchemaRefusal(`no whole number lies between "minimum" and "maximum" at ${at}`);
    return this.#grammar.add(body);
  }

  #primitive(name: string): string {
    const character = () => this.#grammar.shared('character', () => CHARACTER);
    const bodies: Readonly<Record<string, () => string>> = {
      string: () => `"\\"" ${character()}* "\\""`,
      integer: () => '"-"? ("0" | [1-9] [0-9]{0,15})',
      number: () => '"-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?',
      boolean: () => '"true" | "false"',
      null: () => '"null"',
    };
    return this.#grammar.shared(name, bodies[name] ?? (() => '""'));
  }

  #any(): string {
    return this.#grammar.shared('value', () => {
      const space = this.#space();
      const pair = `${this.#primitive('string')} ":" ${space} value`;
      const object = `"{" ${space} (${pair} ("," ${space} ${pair})* ${space})? "}"`;
      const array = `"[" ${space} (value ("," ${space} value)* ${space})? "]"`;
      return [object, array, ...['string', 'number', 'boolean', 'null'].map((name) => this.#primitive(name))].join(' | ');
    });
  }

  /** Bounded: a model that lost its way would write spaces for ever. */
  #space(): string {
    return this.#grammar.shared('ws', () => '| " " | "\\n" [ \\t]{0,20}');
  }
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function list(value: unknown, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw new SchemaRefusal(`${at} must be a list`);
}

function count(schema: Schema, name: string, at: string): number | null {
  const value = schema[name];
  if (value === undefined) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_REPEATED) return value;
  throw new SchemaRefusal(`"${name}" at ${at} must be a whole number up to ${MOST_REPEATED}`);
}

/** The types that a schema allows; those that its keywords speak of where it names none; any where it says nothing. */
function typesOf(schema: Schema, at: string): readonly string[] {
  const named = schema['type'];
  if (named !== undefined) {
    const types = Array.isArray(named) ? (named as readonly unknown[]) : [named];
    const isKnown = types.length > 0 && types.every((type): type is string => typeof type === 'string' && TYPES.includes(type));
    if (!isKnown) throw new SchemaRefusal(`"type" at ${at} must be one of ${TYPES.join(', ')}`);
    return types as readonly string[];
  }
  const spokenOf = TYPES.filter((type) => KEYWORDS[type]?.some((key) => schema[key] !== undefined));
  return spokenOf.length > 0 ? spokenOf : ['object', 'array', 'string', 'number', 'boolean', 'null'];
}

/** Several schemas that must all hold, where putting their keywords together says the same. */
function merged(parts: readonly unknown[], rest: Schema, at: string): Schema {
  const whole: Record<string, unknown> = { ...rest };
  for (const part of parts) {
    if (!isObject(part)) throw new SchemaRefusal(`a part of "allOf" at ${at} is no schema`);
    for (const [key, value] of Object.entries(part)) {
      const there = whole[key];
      if (there === undefined || JSON.stringify(there) === JSON.stringify(value) || ANNOTATIONS.has(key)) whole[key] = value;
      else if (key === 'properties' && isObject(there) && isObject(value)) whole[key] = mergedProperties(there, value, at);
      else if (key === 'required' && Array.isArray(there) && Array.isArray(value)) whole[key] = [...new Set([...there, ...value])];
      else throw new SchemaRefusal(`"${key}" at ${at} is given twice`);
    }
  }
  return whole;
}

function mergedProperties(left: Schema, right: Schema, at: string): Schema {
  const twice = Object.keys(left).find((name) => Object.hasOwn(right, name) && JSON.stringify(left[name]) !== JSON.stringify(right[name]));
  if (twice !== undefined) throw new SchemaRefusal(`the property "${twice}" at ${at} is given twice`);
  return { ...left, ...right };
}
