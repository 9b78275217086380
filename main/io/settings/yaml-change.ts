/**
 * Changes plain data by path: computes the result, and the smallest steps that produce it. Pure;
 * knows neither YAML nor settings. A step changes one value, so that an editor of the text can
 * leave everything else unchanged.
 */
import { isDeepStrictEqual } from 'node:util';

export type DataPath = readonly (string | number)[];

export interface DataChange {
  readonly path: DataPath;
  /** Null takes the key away. */
  readonly value: unknown;
}

/** One value to write, or one to take away. */
export type DataStep =
  | { readonly path: DataPath; readonly removes: false; readonly value: unknown }
  | { readonly path: DataPath; readonly removes: true };

/** A change that cannot be made, as a sentence. */
export class ChangeRefused extends Error {}

type Section = Readonly<Record<string, unknown>>;

/**
 * The data after a change. A section that loses its last key goes too. @throws ChangeRefused where
 * the path leads through a value.
 */
export function changed(data: unknown, { path, value }: DataChange): unknown {
  if (value !== null) return withValue(data, path, value, []);
  return withoutKey(data, path) ?? {};
}

/** The steps of a change, for `data` as it is before. Nothing where it changes nothing. */
export function stepsOf(data: unknown, { path, value }: DataChange): readonly DataStep[] {
  const found = valueAt(data, path);
  if (value === null) return found === undefined ? [] : [{ path, removes: true }];
  return writingSteps(path, found, value);
}

function writingSteps(path: DataPath, before: unknown, after: unknown): readonly DataStep[] {
  if (before !== undefined && isDeepStrictEqual(before, after)) return [];
  const whole: readonly DataStep[] = [{ path, removes: false, value: after }];
  if (Array.isArray(after)) return Array.isArray(before) && after.length > 0 && before.length > 0 ? listSteps(path, before, after) : whole;
  if (!isSection(after) || Object.keys(after).length === 0) return whole;
  if (!isSection(before ?? {})) return whole;
  const old = isSection(before) ? before : {};
  const writes = Object.entries(after).flatMap(([key, inner]) => writingSteps([...path, key], own(old, key), inner));
  // Last, so that the section is never empty in between.
  const removes = Object.keys(old).filter((key) => !Object.hasOwn(after, key));
  return [...writes, ...removes.map((key): DataStep => ({ path: [...path, key], removes: true }))];
}

/** Items that stay are not touched: a person may have written a comment beside each. */
function listSteps(path: DataPath, before: readonly unknown[], after: readonly unknown[]): readonly DataStep[] {
  const gone: number[] = [];
  let kept = 0;
  for (const [index, item] of before.entries()) {
    if (kept < after.length && isDeepStrictEqual(item, after[kept])) kept += 1;
    else gone.push(index);
  }
  const inPlace = after.filter((item, index) => isDeepStrictEqual(item, before[index])).length;
  if (before.length === after.length && inPlace >= kept) {
    return after.flatMap((item, index) => writingSteps([...path, index], before[index], item));
  }
  const appended = after.slice(kept).map((value, index): DataStep => ({ path: [...path, before.length + index], removes: false, value }));
  return [...appended, ...gone.toReversed().map((index): DataStep => ({ path: [...path, index], removes: true }))];
}

export function valueAt(data: unknown, path: DataPath): unknown {
  let at = data;
  for (const step of path) {
    if (Array.isArray(at) && typeof step === 'number') at = at[step];
    else if (isSection(at)) at = own(at, String(step));
    else return undefined;
  }
  return at;
}

function withValue(data: unknown, path: DataPath, value: unknown, above: DataPath): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const here = [...above, step];
  if (Array.isArray(data)) {
    if (typeof step !== 'number' || step > data.length) throw new ChangeRefused(`${here.join('.')}: a list has no such item.`);
    return data.toSpliced(step, 1, withValue(data[step], rest, value, here));
  }
  if (!isSection(data ?? {})) throw new ChangeRefused(`${above.join('.')}: it is a value, not a section with keys.`);
  const section = isSection(data) ? data : {};
  return { ...section, [step]: withValue(own(section, String(step)), rest, value, here) };
}

/** Undefined when nothing is left. */
function withoutKey(data: unknown, [step, ...rest]: DataPath): unknown {
  if (step === undefined) return undefined;
  if (Array.isArray(data)) {
    if (typeof step !== 'number' || step >= data.length) return data;
    const left = withoutKey(data[step], rest);
    return left === undefined ? data.toSpliced(step, 1) : data.with(step, left);
  }
  if (!isSection(data) || !Object.hasOwn(data, String(step))) return data;
  const { [String(step)]: inner, ...others } = data;
  const left = withoutKey(inner, rest);
  if (left !== undefined) return { ...data, [step]: left };
  return Object.keys(others).length === 0 ? undefined : others;
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(section: Section, key: string): unknown {
  return Object.hasOwn(section, key) ? section[key] : undefined;
}
