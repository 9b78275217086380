/**
 * Values and bounds in schemas: which values of an enumeration match, and whether two schemas can
 * match the same value. Pure.
 */
import { isObject, Patterns, type Schema, type SchemaMerger } from './schema-merge.ts';

export const TYPES = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null'] as const;

function typesOfValue(value: unknown): readonly string[] {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  return Number.isInteger(value) ? ['integer', 'number'] : [typeof value];
}

/** The types that a schema names; null: any. */
export function namedTypes(schema: Schema): readonly unknown[] | null {
  const named = schema['type'];
  return named === undefined ? null : [named].flat();
}

/** @returns null when a keyword beside an enumeration is not understood here. */
export function fits(schema: Schema, value: unknown): boolean {
  const types = namedTypes(schema);
  if (types !== null && !typesOfValue(value).some((type) => types.includes(type))) return false;
  if (typeof value === 'number') return fitsNumber(schema, value);
  if (typeof value === 'string') return fitsText(schema, value);
  return true;
}

function fitsNumber(schema: Schema, value: number): boolean {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema as Readonly<Record<string, number | undefined>>;
  const steps = multipleOf === undefined ? 0 : value / multipleOf;
  return (
    value >= (minimum ?? value) &&
    value <= (maximum ?? value) &&
    (exclusiveMinimum === undefined || value > exclusiveMinimum) &&
    (exclusiveMaximum === undefined || value < exclusiveMaximum) &&
    Math.abs(steps - Math.round(steps)) < 1e-9
  );
}

function fitsText(schema: Schema, value: string): boolean {
  const { minLength, maxLength, pattern } = schema as { minLength?: number; maxLength?: number; pattern?: unknown };
  const length = Array.from(value).length;
  const patterns = pattern instanceof Patterns ? pattern.all : pattern === undefined ? [] : [pattern];
  return (
    length >= (minLength ?? 0) && length <= (maxLength ?? length) && patterns.every((each) => new RegExp(String(each), 'u').test(value))
  );
}

/** All values that a schema allows, where it names them; null: it does not. */
export function finiteValues(merger: SchemaMerger, schema: unknown, at: string): readonly unknown[] | null {
  const flat = merger.flat(schema, at);
  if (Object.hasOwn(flat, 'const')) return [flat['const']].filter((value) => fits(flat, value));
  if (Array.isArray(flat['enum']))
    return [...new Map(flat['enum'].map((value) => [JSON.stringify(value), value])).values()].filter((value) => fits(flat, value));
  const type = namedTypes(flat);
  if (type?.length === 1 && type[0] === 'boolean') return [true, false];
  return type?.length === 1 && type[0] === 'null' ? [null] : null;
}

/** Whether something that is written for one of two schemas may be valid for the other. */
export function overlap(merger: SchemaMerger, left: unknown, right: unknown, at: string): boolean {
  const [one, other] = [merger.flat(left, at), merger.flat(right, at)];
  const [values, others] = [finiteValues(merger, one, at), finiteValues(merger, other, at)];
  if (values !== null && others !== null)
    return values.some((value) => others.some((each) => JSON.stringify(each) === JSON.stringify(value)));
  if (values !== null || others !== null) return (values ?? others ?? []).some((value) => fits(values === null ? one : other, value));
  const types = sharedTypes(one, other);
  return types.length > 0 && !(types.every((type) => type === 'object') && areApart(merger, one, other, at));
}

function typesOfSchema(schema: Schema): readonly unknown[] {
  return namedTypes(schema) ?? (schema['properties'] === undefined ? TYPES : ['object']);
}

function sharedTypes(left: Schema, right: Schema): readonly unknown[] {
  const widened = typesOfSchema(right).flatMap((type) => (type === 'number' || type === 'integer' ? ['number', 'integer'] : [type]));
  return typesOfSchema(left).filter((type) => widened.includes(type));
}

/**
 * Objects of which each misses what the other requires, or whose common property says which it is.
 * Only declared properties are written.
 */
function areApart(merger: SchemaMerger, left: Schema, right: Schema, at: string): boolean {
  const [one, other] = [left['properties'] ?? {}, right['properties'] ?? {}];
  if (!isObject(one) || !isObject(other)) return false;
  const required = (schema: Schema) => (Array.isArray(schema['required']) ? (schema['required'] as readonly unknown[]) : []).map(String);
  const misses = (names: readonly string[], known: Schema) => names.some((name) => !Object.hasOwn(known, name));
  if (misses(required(left), other) && misses(required(right), one)) return true;
  return required(left).some(
    (name) =>
      required(right).includes(name) &&
      one[name] !== undefined &&
      other[name] !== undefined &&
      !overlap(merger, one[name], other[name], at),
  );
}
