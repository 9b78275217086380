/**
 * Merges schemas that must all hold (`allOf`, keywords next to a `$ref`) into one equivalent
 * schema; what cannot be merged is refused by its keyword. No I/O.
 */

export type Schema = Readonly<Record<string, unknown>>;

/** A schema that cannot be carried out; the message names the keyword and its place. */
export class SchemaRefusal extends Error {}

/** Several patterns that must all be found. Not in JSON: only a merge makes it. */
export class Patterns {
  readonly all: readonly unknown[];

  constructor(all: readonly unknown[]) {
    this.all = all;
  }
}

/** Say something about a value and bound it in no way. */
const ANNOTATIONS: ReadonlySet<string> = new Set(
  `$schema $id id $anchor $comment $vocabulary $defs definitions title description markdownDescription default example examples deprecated readOnly
  writeOnly contentEncoding contentMediaType contentSchema strict nullable discriminator xml externalDocs propertyOrdering enumNames errorMessage`.split(
    /\s+/,
  ),
);
/**
 * Parts put together in one request: a schema of kilobytes whose definitions double again and again
 * has more than memory holds (I10).
 */
const MOST_PARTS = 10_000;

export function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isAnnotation(keyword: string): boolean {
  return ANNOTATIONS.has(keyword) || keyword.startsWith('x-');
}

export class SchemaMerger {
  readonly #root: unknown;
  #parts = 0;

  /** @param root what `$ref` points into. */
  constructor(root: unknown) {
    this.#root = root;
  }

  /** Counts a part of the whole work. @throws SchemaRefusal. */
  count(): void {
    if (++this.#parts > MOST_PARTS) throw new SchemaRefusal(`it has more than ${MOST_PARTS} parts, counted each time they are used`);
  }

  /** What a reference points to. @throws SchemaRefusal. */
  target(pointer: unknown, at: string): unknown {
    if (typeof pointer !== 'string' || !/^#(\/|$)/.test(pointer))
      throw new SchemaRefusal(`"$ref" at ${at} must point into the schema itself`);
    let target = this.#root;
    for (const part of pointer.split('/').slice(1)) {
      const key = decoded(part, at).replaceAll('~1', '/').replaceAll('~0', '~');
      target = isObject(target) && Object.hasOwn(target, key) ? target[key] : Array.isArray(target) ? target[Number(key)] : undefined;
    }
    if (target === undefined) throw new SchemaRefusal(`"$ref" at ${at} points to ${pointer.slice(0, 200)}, which is not there`);
    return target;
  }

  /** The schema without `allOf`, and without `$ref` at its top. @throws SchemaRefusal. */
  flat(schema: unknown, at: string): Schema {
    this.count();
    if (schema === true) return {};
    if (!isObject(schema)) throw new SchemaRefusal(`${at} is not a JSON schema`);
    if (schema['$ref'] === undefined && schema['allOf'] === undefined) return schema;
    const { $ref, allOf, ...rest } = schema;
    let whole: Schema = rest;
    if ($ref !== undefined) whole = this.#joined(whole, this.flat(this.target($ref, at), at), at);
    for (const part of allOf === undefined ? [] : list(allOf, `${at}/allOf`)) whole = this.#joined(whole, this.flat(part, at), at);
    return whole;
  }

  #joined(left: Schema, right: Schema, at: string): Schema {
    const whole: Record<string, unknown> = { ...left };
    for (const [key, value] of Object.entries(right)) {
      this.count();
      if (!Object.hasOwn(left, key)) whole[key] = value;
      else if (!isAnnotation(key) && !isSame(left[key], value)) whole[key] = join(key, left[key], value, at);
    }
    closeProperties(whole, left, right, at);
    return whole;
  }
}

/**
 * Where one of two forbids properties that it does not know, those of the other are not allowed.
 */
function closeProperties(whole: Record<string, unknown>, left: Schema, right: Schema, at: string): void {
  const properties = whole['properties'];
  if (!isObject(properties)) return;
  const open = [left, right].filter((part) => part['additionalProperties'] === false).map((part) => part['properties'] ?? {});
  const isAllowed = (name: string) => open.every((known) => isObject(known) && Object.hasOwn(known, name));
  const required = Array.isArray(whole['required']) ? (whole['required'] as readonly unknown[]) : [];
  const missing = required.find((name) => typeof name === 'string' && !isAllowed(name));
  if (missing !== undefined)
    throw new SchemaRefusal(`"additionalProperties": false at ${at} forbids "${String(missing)}", which another part requires`);
  whole['properties'] = Object.fromEntries(Object.entries(properties).filter(([name]) => isAllowed(name)));
}

function decoded(part: string, at: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new SchemaRefusal(`"$ref" at ${at} is not an address: "${part.slice(0, 80)}"`);
  }
}

function isSame(left: unknown, right: unknown): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}

/** How two values of one keyword become one that says both. */
const JOINTS: Readonly<Record<string, (left: unknown, right: unknown) => unknown>> = {
  ...Object.fromEntries(['minimum', 'minLength', 'minItems', 'minProperties', 'exclusiveMinimum'].map((key) => [key, larger])),
  ...Object.fromEntries(['maximum', 'maxLength', 'maxItems', 'maxProperties', 'exclusiveMaximum'].map((key) => [key, smaller])),
  multipleOf: (left, right) => [left, right].find((step) => isWhole(Number(step) / Number(left)) && isWhole(Number(step) / Number(right))),
  uniqueItems: (left, right) => left === true || right === true,
  required: (left, right) => (Array.isArray(left) && Array.isArray(right) ? [...new Set([...left, ...right])] : undefined),
  enum: (left, right) =>
    Array.isArray(left) && Array.isArray(right) ? left.filter((value) => right.some((other) => isSame(value, other))) : undefined,
  type: (left, right) => commonTypes([left].flat(), [right].flat()),
  pattern: (left, right) => new Patterns([left, right].flatMap((each) => (each instanceof Patterns ? each.all : [each]))),
  properties: (left, right) => (isObject(left) && isObject(right) ? joinedProperties(left, right) : undefined),
  items: bothSchemas,
  additionalProperties: (left, right) => (left === false || right === false ? false : bothSchemas(left, right)),
  anyOf: (left, right) =>
    Array.isArray(left) && Array.isArray(right) ? left.map((choice) => bothSchemas(choice, { anyOf: right })) : undefined,
};

function join(key: string, left: unknown, right: unknown, at: string): unknown {
  const joined = JOINTS[key]?.(left, right);
  if (joined === undefined) throw new SchemaRefusal(`"${key}" at ${at} is given twice, and cannot be put together`);
  return joined;
}

function bothSchemas(left: unknown, right: unknown): unknown {
  if (left === true) return right;
  if (right === true) return left;
  return left === false || right === false ? false : { allOf: [left, right] };
}

function joinedProperties(left: Schema, right: Schema): Schema {
  const twice = Object.keys(left).filter((name) => Object.hasOwn(right, name) && !isSame(left[name], right[name]));
  return { ...right, ...left, ...Object.fromEntries(twice.map((name) => [name, bothSchemas(left[name], right[name])])) };
}

function commonTypes(left: readonly unknown[], right: readonly unknown[]): readonly unknown[] | undefined {
  const has = (types: readonly unknown[], type: unknown) => types.includes(type) || (type === 'integer' && types.includes('number'));
  const common = [...left, ...right].filter((type, at, all) => all.indexOf(type) === at && has(left, type) && has(right, type));
  return common.length === 0 ? undefined : common;
}

function larger(left: unknown, right: unknown): unknown {
  return typeof left === 'number' && typeof right === 'number' ? Math.max(left, right) : undefined;
}

function smaller(left: unknown, right: unknown): unknown {
  return typeof left === 'number' && typeof right === 'number' ? Math.min(left, right) : undefined;
}

function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) < 1e-9;
}

export function list(value: unknown, at: string): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value as readonly unknown[];
  throw new SchemaRefusal(`${at} must be a list that is not empty`);
}

/** A whole number from 0 on; null where it is absent. */
export function count(schema: Schema, name: string, at: string): number | null {
  const value = schema[name];
  if (value === undefined) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw new SchemaRefusal(`"${name}" at ${at} must be a whole number of at least 0`);
}
