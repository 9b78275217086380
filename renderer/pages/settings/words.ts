/** The texts for keys, units and values of the settings. Pure. */
import * as texts from '../../texts.ts';
import type { Control, NumberLimits } from './schema.ts';

const UNITS = [
  ['_seconds', texts.settings.units.seconds],
  ['_mb', texts.settings.units.mebibytes],
  ['_gb', texts.settings.units.gigabytes],
] as const;

/** Names that are written in a way of their own, alone and among other words. */
const NAMES: Readonly<Record<string, string>> = texts.settings.names;
/** Sections whose key says less than a person needs. */
const TITLES: Readonly<Record<string, string>> = texts.settings.titles;
const ABBREVIATIONS: Readonly<Record<string, string>> = texts.settings.abbreviations;

/** `evict_after_idle_seconds`: Evict after idle. The unit stands beside the field. */
export function label(key: string): string {
  const bare = UNITS.reduce((name, [ending]) => (name.endsWith(ending) ? name.slice(0, -ending.length) : name), key);
  const words = bare
    .split('_')
    .map((word) => ABBREVIATIONS[word] ?? word)
    .join(' ');
  return NAMES[key] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** Of a section, by its top key. */
export function title(key: string): string {
  return TITLES[key] ?? label(key);
}

/** Null: it has none. */
export function unit(key: string): string | null {
  return UNITS.find(([ending]) => key.endsWith(ending))?.[1] ?? null;
}

/** A value on one line, as a person would write it into the file. */
export function valueInWords(value: unknown): string {
  if (value === undefined) return texts.settings.leftOut;
  if (typeof value === 'string') return value === '' ? '""' : value;
  if (Array.isArray(value)) return value.length === 0 ? texts.common.none : value.map(valueInWords).join(', ');
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    return entries.length === 0 ? texts.common.none : entries.map(([key, inner]) => `${key}=${valueInWords(inner)}`).join(', ');
  }
  return String(value);
}

export interface Read {
  readonly value: unknown;
  /** Null: it can be saved. The engine has the last word; this is what can be told without it. */
  readonly problem: string | null;
}

export function readNumber(text: string, { whole, least, above, most }: NumberLimits): Read {
  const value = Number(text);
  const say = (problem: string): Read => ({ value: text, problem });
  if (text.trim() === '' || !Number.isFinite(value)) return say(whole ? texts.settings.wholeNumberExpected : texts.settings.numberExpected);
  if (whole && !Number.isInteger(value)) return say(texts.settings.wholeNumberExpected);
  if (above && value <= least) return say(texts.settings.aboveExpected(least));
  if (value < least) return say(texts.settings.atLeastExpected(least));
  if (value > most) return say(texts.settings.atMostExpected(most));
  return { value, problem: null };
}

export function readJson(text: string): Read {
  try {
    return { value: JSON.parse(text) as unknown, problem: null };
  } catch (thrown) {
    return { value: text, problem: texts.settings.invalidJson(thrown instanceof Error ? thrown.message : String(thrown)) };
  }
}

/** Indexes of GPUs are numbers, their UUIDs are not. */
export function readItem(text: string, { numbers }: Extract<Control, { name: 'list' }>): unknown {
  return numbers && /^\d+$/.test(text.trim()) ? Number(text) : text;
}

/** What each control is given. */
export interface ControlProps {
  /** For readers: the row shows it. */
  readonly label: string;
  /**
   * As in the file, or the default; what was typed where that has a problem. Null or undefined:
   * nothing.
   */
  readonly value: unknown;
  /** An emptied field means its default. */
  readonly mayBeEmpty: boolean;
  readonly unit: string | null;
  readonly problem: string | null;
  readonly disabled: boolean;
  readonly onRead: (read: Read) => void;
}
