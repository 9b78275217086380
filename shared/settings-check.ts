/**
 * Checks the content of a settings file against the schema, and describes errors in sentences. It
 * knows no files; the reader of the file adds line and column.
 */
import { z } from 'zod';
import { nearestNames } from './nearest.ts';
import { type Settings, type SettingsPath, settingsSchema } from './settings.ts';
import { unwrapped } from './settings-keys.ts';
import { quoted } from './visible.ts';

/**
 * What is wrong with a settings value, and where. `key` names the offending key of the section at
 * `path`; null: the value itself.
 */
export interface SettingsProblem {
  readonly path: SettingsPath;
  readonly key: string | null;
  /** Without its place, which only the reader of the file knows. */
  readonly sentence: string;
}

export type CheckedSettings = { readonly settings: Settings } | { readonly problems: readonly SettingsProblem[] };

/**
 * Checks what a settings file holds, as plain data. An empty section (`metrics:` with nothing
 * below) means its defaults.
 */
export function checkSettings(value: unknown): CheckedSettings {
  const checked = settingsSchema.safeParse(withoutEmptySections(value ?? {}, []));
  if (checked.success) return { settings: checked.data };
  return { problems: checked.error.issues.flatMap(toProblems) };
}

/**
 * The keys that a section may have; null when the path leads to a value, to free names, or nowhere.
 */
export function sectionKeys(path: SettingsPath): readonly string[] | null {
  const at = schemaAt(path);
  return at instanceof z.ZodObject ? Object.keys(at.shape) : null;
}

function schemaAt(path: SettingsPath): z.core.$ZodType | null {
  let at: z.core.$ZodType | undefined = settingsSchema;
  for (const step of path) {
    at = unwrapped(at);
    if (at instanceof z.ZodObject) at = ownValue(at.shape as Record<string, z.core.$ZodType>, String(step));
    else if (at instanceof z.ZodRecord) at = at.valueType;
    else return null;
    if (at === undefined) return null;
  }
  return unwrapped(at);
}

function ownValue<Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function withoutEmptySections(value: unknown, path: SettingsPath): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  // A name is never dropped: what it needs is then found missing.
  const holdsNames = schemaAt(path) instanceof z.ZodRecord;
  const kept = Object.entries(value).flatMap(([key, inner]) => {
    const isEmpty = inner === null && isSection([...path, key]);
    if (isEmpty) return holdsNames ? [[key, {}]] : [];
    return [[key, withoutEmptySections(inner, [...path, key])]];
  });
  return Object.fromEntries(kept);
}

/** With keys that are known, or with free names above such keys. */
function isSection(path: SettingsPath): boolean {
  const at = schemaAt(path);
  return at instanceof z.ZodObject || (at instanceof z.ZodRecord && unwrapped(at.valueType) instanceof z.ZodObject);
}

/** Everybody may read it: of `NAME=value`, written where a name belongs, the value is left out. */
function named(path: SettingsPath): string {
  return quoted(path.map((step) => String(step).replace(/=.+$/s, '=...')).join('.'));
}

function toProblems(issue: z.core.$ZodIssue): readonly SettingsProblem[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'invalid_key') {
    // The name itself is wrong, whatever stands below it.
    const [why] = issue.issues.map(expectation);
    return [{ path: path.slice(0, -1), key: String(path.at(-1)), sentence: `${named(path)}: ${why}.` }];
  }
  if (issue.code !== 'unrecognized_keys') {
    return [{ path, key: null, sentence: `${named(path) || 'the file'}: ${expectation(issue)}.` }];
  }
  const known = sectionKeys(path) ?? [];
  return issue.keys.map((key) => {
    const [nearest] = nearestNames(key, known, 1);
    const near = nearest === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean "${nearest}"?`;
    return { path, key, sentence: `unknown key "${named([...path, key])}". ${secretHint(key, known) ?? near}` };
  });
}

const SECRET = /^(?:api|auth|access|bearer)?[_-]?(?:key|token|secret|password)$/i;

/** Where a secret is read from elsewhere, what to write in its place; null: it is none. */
function secretHint(key: string, known: readonly string[]): string | null {
  const [variable, file] = ['_env', '_file'].map((end) => known.find((name) => name.endsWith(end)));
  if (!SECRET.test(key) || variable === undefined || file === undefined) return null;
  return `The settings never contain the secret itself: name the environment variable that holds it (${variable}), or a file that holds nothing else (${file}).`;
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union') {
    const choices = issue.errors.flat().map((inner) => expectation(inner).replace(/^expected /, ''));
    return `expected ${[...new Set(choices)].join(' or ')}`;
  }
  if (issue.code === 'invalid_value') return `expected ${issue.values.map((choice) => JSON.stringify(choice)).join(' or ')}`;
  if (issue.code === 'invalid_type')
    return `expected ${KINDS[issue.expected] ?? issue.expected}${issue.message.endsWith('received undefined') ? ', and there is none' : ''}`;
  if (issue.code === 'too_small') return `expected ${amount(issue.origin)} of at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `expected ${amount(issue.origin)} of at most ${issue.maximum}`;
  return issue.message;
}

function amount(origin: string): string {
  return origin === 'array' ? 'a list with a length' : 'a number';
}

const KINDS: Readonly<Record<string, string>> = {
  object: 'a section with keys',
  record: 'a section with keys',
  array: 'a list',
  tuple: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};
