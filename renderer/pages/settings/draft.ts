/** Unsaved edits of the settings, over the values of the file. Pure. */
import * as texts from '../../texts.ts';
import { valueInWords } from './words.ts';

export type Path = readonly string[];

export interface Edit {
  readonly path: Path;
  /** Undefined: the key goes, and its default holds. */
  readonly value: unknown;
  /** Why it cannot be saved as it is; null: it can. What was typed is the value then. */
  readonly problem: string | null;
}

/** By `keyOf` their path, in the order in which they were made. */
export type Edits = ReadonlyMap<string, Edit>;

export const NO_EDITS: Edits = new Map();

export function keyOf(path: Path): string {
  return JSON.stringify(path);
}

/** As the engine's sentences name it. */
export function dotted(path: Path): string {
  return path.join('.');
}

export function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    return (at as Readonly<Record<string, unknown>>)[key];
  }, data);
}

/** An edit that says what the file says is none. */
export function withEdit(edits: Edits, given: unknown, edit: Edit): Edits {
  const next = new Map(edits);
  if (edit.problem === null && isSame(edit.value, valueAt(given, edit.path))) next.delete(keyOf(edit.path));
  else next.set(keyOf(edit.path), edit);
  return next;
}

/** What is left of edits when the file says something else than before. */
export function rebased(edits: Edits, given: unknown): Edits {
  return [...edits.values()].reduce((left, edit) => withEdit(left, given, edit), NO_EDITS);
}

export interface Change {
  readonly path: Path;
  readonly value: unknown;
}

/** For the engine: null takes a key out. */
export function changesOf(edits: Edits): readonly Change[] {
  return [...edits.values()].map(({ path, value }) => ({ path, value: value === undefined ? null : value }));
}

/**
 * `api.port: 8000 -> 9000`, as it is said before saving. @param fallbackOf the default of a path;
 * undefined: it has none.
 */
export function changeInWords({ path, value }: Edit, given: unknown, fallbackOf: (path: Path) => unknown): string {
  const words = (of: unknown): string => {
    if (of !== undefined && of !== null) return valueInWords(of);
    const fallback = fallbackOf(path);
    return fallback === undefined || fallback === null ? texts.settings.default : texts.settings.isDefault(valueInWords(fallback));
  };
  return `${dotted(path)}: ${words(valueAt(given, path))} -> ${words(value)}`;
}

/** Sentences of a refusal by the edit that they are about, and those about none. */
export function sortedSentences(message: string, edits: Edits): { byKey: ReadonlyMap<string, string>; rest: readonly string[] } {
  const byKey = new Map<string, string>();
  const rest: string[] = [];
  const paths = [...edits.values()].map(({ path }) => path).sort((first, second) => dotted(second).length - dotted(first).length);
  for (const sentence of message.split('\n').filter((line) => line.trim() !== '')) {
    const path = paths.find((each) => isAbout(sentence, dotted(each)));
    if (path === undefined) rest.push(sentence);
    else byKey.set(keyOf(path), [byKey.get(keyOf(path)), sentence].filter(Boolean).join(' '));
  }
  return { byKey, rest };
}

/** The key, or something below it: `api.port: expected ...`, `unknown key "models.a.b"`. */
function isAbout(sentence: string, key: string): boolean {
  const at = sentence.indexOf(key);
  if (at < 0) return false;
  const [before, after] = [sentence[at - 1] ?? ' ', sentence[at + key.length] ?? ' '];
  return !/[\w.-]/.test(before) && !/[\w-]/.test(after);
}

/** Of JSON values. */
export function isSame(first: unknown, second: unknown): boolean {
  if (Object.is(first, second)) return true;
  if (typeof first !== 'object' || typeof second !== 'object' || first === null || second === null) return false;
  if (Array.isArray(first) !== Array.isArray(second)) return false;
  const keys = Object.keys(first);
  return (
    keys.length === Object.keys(second).length &&
    keys.every((key) => Object.hasOwn(second, key) && isSame(valueAt(first, [key]), valueAt(second, [key])))
  );
}
