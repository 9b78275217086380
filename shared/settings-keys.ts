/**
 * Lists the keys of the settings from their schema: for the form, for `modelium init`, and for
 * rules about single keys.
 */
import { z } from 'zod';
import { type Settings, settingsSchema } from './settings.ts';

/** A key of the settings, or a section. */
export interface SettingsKey {
  readonly path: readonly string[];
  readonly description: string;
  /**
   * What is in force when the file does not give it; undefined for sections, and where leaving it
   * out means something of its own.
   */
  readonly fallback: unknown;
  /** Where there is no such fallback: a value as somebody might write it. */
  readonly example: unknown;
  readonly needsRestart: boolean;
  readonly fileOnly: boolean;
  readonly isSection: boolean;
  /** Of sections: what stands below it are names of a person's choice. */
  readonly holdsNames: boolean;
}

/** Where the name of a model, or of a runtime, stands in the path of a key. */
export const ANY_NAME = '<id>';

/** Every section, each followed by its keys, in the order of the schema. */
export function settingsKeys(): readonly SettingsKey[] {
  return keysBelow(settingsSchema, []);
}

function keysBelow(schema: z.core.$ZodType, path: readonly string[]): readonly SettingsKey[] {
  const at = unwrapped(schema);
  // Names below a name, as the tensors of a model, are one key with all that is said of them, and
  // one field of the form.
  if (at instanceof z.ZodRecord && unwrapped(at.valueType) instanceof z.ZodObject)
    return path.includes(ANY_NAME) ? [] : keysBelow(at.valueType, [...path, ANY_NAME]);
  if (!(at instanceof z.ZodObject)) return [];
  return Object.entries(at.shape as Record<string, z.ZodType>).flatMap(([key, inner]) => {
    const here = [...path, key];
    const below = keysBelow(inner, here);
    const { description = '', needsRestart = false, fileOnly = false, examples = [] } = inner.meta() ?? {};
    const fallback = below.length === 0 && inner instanceof z.ZodDefault ? inner.def.defaultValue : undefined;
    const facts = { isSection: below.length > 0, holdsNames: below[0]?.path.at(here.length) === ANY_NAME };
    return [{ path: here, description, fallback, example: examples[0], needsRestart, fileOnly, ...facts }, ...below];
  });
}

/** A schema without its default or its being optional. */
export function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  const wraps = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional;
  return wraps ? unwrapped(schema.unwrap()) : schema;
}

/** A sentence for each setting that changed and is read at the start only. */
export function needsRestart(before: Settings, after: Settings): readonly string[] {
  const changed = settingsKeys().filter((key) => key.needsRestart && textAt(before, key.path) !== textAt(after, key.path));
  return changed.map(({ path }) => `${path.join('.')} takes effect when Modelium is started again.`);
}

/**
 * The keys in which two files differ and that only the file itself may change; `models.a.args`, not
 * `models.<id>.args`.
 * @param before what a file says, as data; likewise `after`. Neither has to be valid.
 */
export function fileOnlyChanges(before: unknown, after: unknown): readonly string[] {
  const paths = settingsKeys().flatMap(({ path, fileOnly }) => (fileOnly ? named(path, [before, after]) : []));
  return [...new Set(paths.filter((path) => textAt(before, path) !== textAt(after, path)).map((path) => path.join('.')))];
}

/**
 * What a file says of the keys that only the file itself may change: they name programs to start.
 * @param data need not be valid.
 */
export function fileOnlyValues(data: unknown): readonly (readonly [key: string, value: unknown])[] {
  const paths = settingsKeys().flatMap(({ path, fileOnly }) => (fileOnly ? named(path, [data]) : []));
  return paths.flatMap((path) => (textAt(data, path) === undefined ? [] : [[path.join('.'), valueAt(data, path)] as const]));
}

/** With each name that a file has in place of `<id>`. */
function named(path: readonly string[], files: readonly unknown[]): readonly (readonly string[])[] {
  const at = path.indexOf(ANY_NAME);
  if (at === -1) return [path];
  const names = files.flatMap((file) => Object.keys(Object(valueAt(file, path.slice(0, at)))));
  return names.map((name) => path.with(at, name));
}

function textAt(settings: unknown, path: readonly string[]): string | undefined {
  return JSON.stringify(valueAt(settings, path));
}

function valueAt(settings: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Readonly<Record<string, unknown>> | null | undefined)?.[key], settings);
}
