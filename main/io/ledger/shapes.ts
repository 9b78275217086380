/**
 * Reads the JSON in the ledger's rows. A bit that was lost in a key's name leaves valid JSON
 * without that value, so each row is checked for what its readers take for granted. Knows no table.
 */
import type { SQLOutputValue } from 'node:sqlite';
import type { FileIdentity } from '../../core/ports.ts';
import type { ProcessIdentity } from '../../core/process-ports.ts';

type Is<Value> = (value: unknown) => value is Value;
type Shape<Value> = { readonly [Key in keyof Value]?: (value: unknown) => boolean };

export const isText = (value: unknown): value is string => typeof value === 'string';
export const isNumber = (value: unknown): value is number => typeof value === 'number';
export const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';

export function listOf<Value>(is: Is<Value>): Is<readonly Value[]> {
  return (value): value is readonly Value[] => Array.isArray(value) && value.every(is);
}

/** An object in which each value that the shape names passes. */
export function objectOf<Value extends object>(shape: Shape<Value>): Is<Value> {
  const checks = Object.entries(shape) as [string, (value: unknown) => boolean][];
  return (value): value is Value => isObject(value) && checks.every(([key, passes]) => passes(value[key]));
}

export function recordOf<Value>(is: Is<Value>): Is<Readonly<Record<string, Value>>> {
  return (value): value is Readonly<Record<string, Value>> => isObject(value) && Object.values(value).every(is);
}

export function orNull<Value>(is: Is<Value>): Is<Value | null> {
  return (value): value is Value | null => value === null || is(value);
}

export const isFile: Is<FileIdentity> = objectOf<FileIdentity>({
  path: isText,
  bytes: isNumber,
  mtimeMs: isNumber,
  device: isNumber,
  inode: isNumber,
});
export const isProcess: Is<ProcessIdentity> = objectOf<ProcessIdentity>({ pid: isNumber, startTime: isNumber, bootId: isText });

/** @throws SyntaxError where it is no JSON, or JSON of another shape. */
export function parsed<Value>(text: SQLOutputValue | undefined, is: Is<Value>): Value {
  const value: unknown = JSON.parse(String(text));
  if (!is(value)) throw new SyntaxError('The row is damaged: a value is missing or of another kind.');
  return value;
}

/** @returns `instead` where it cannot be read. */
export function parsedOr<Value>(text: SQLOutputValue | undefined, is: Is<Value>, instead: Value): Value {
  try {
    return parsed(text, is);
  } catch {
    return instead;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
