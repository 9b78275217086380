/** The part of the contract in `api.ts` with which the window shows and edits modelium.yaml. */
import { z } from 'zod';

// Far beyond what a form of all settings sends; what is longer is refused before anybody looks into
// it (I10).
const MOST_CHANGES = 100;
const DEEPEST = 8;
const LONGEST_KEY = 200;
const LONGEST_TEXT = 10_000;
const MOST_VALUES = 500;

const pathStep = z.union(
  [z.string().min(1).max(LONGEST_KEY).refine(isHarmlessKey), z.number().int().min(0).max(MOST_VALUES)],
  `expected a key of at most ${LONGEST_KEY} characters, or an index of a list`,
);

const settingsChange = z.strictObject({
  path: z.array(pathStep).min(1).max(DEEPEST),
  /** Null takes the key out of the file: its default is in force again. */
  value: z
    .unknown()
    .refine((value) => isBoundedJson(value, { left: MOST_VALUES }, DEEPEST), 'expected JSON, not too deep and not too long'),
});

export const settingsEditSchema = z.strictObject({
  changes: z.array(settingsChange).min(1).max(MOST_CHANGES),
  /** The one of the answer that the edit was made from; the file must still be as it was then. */
  revision: z.string().max(LONGEST_KEY),
});
export type SettingsEdit = z.output<typeof settingsEditSchema>;

export const settingsViewSchema = z.object({
  /** Null: there is none, and the defaults are in force. */
  file: z.string().nullable(),
  /**
   * The file that an edit writes, and makes where there is none; null: this engine runs without
   * one, and nothing can be edited.
   */
  target: z.string().nullable(),
  /** Why what the file says is not in force, with lines and columns. */
  problem: z.string().nullable(),
  /** In force, complete; what the command line said included. */
  settings: z.unknown(),
  /** What the file itself says, valid or not; null while it cannot be read as YAML. */
  given: z.record(z.string(), z.unknown()).nullable(),
  /**
   * JSON schema of `given`, with descriptions and defaults; `needsRestart` marks what is read at
   * the start only.
   */
  schema: z.looseObject({}),
  /** Of the file as it is now. */
  revision: z.string(),
});
export type SettingsView = z.output<typeof settingsViewSchema>;

/** The answer to an edit. `notes`: sentences on what is in force only later, or without effect. */
export const editedSettingsSchema = settingsViewSchema.extend({ notes: z.array(z.string()) });
export type EditedSettings = z.output<typeof editedSettingsSchema>;

function isHarmlessKey(key: string): boolean {
  return key !== '__proto__';
}

function isBoundedJson(value: unknown, budget: { left: number }, depth: number): boolean {
  budget.left -= 1;
  if (budget.left < 0 || depth < 0) return false;
  if (value === null || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'string') return value.length <= LONGEST_TEXT;
  if (Array.isArray(value)) return value.every((inner) => isBoundedJson(inner, budget, depth - 1));
  if (typeof value !== 'object') return false;
  const isGoodKey = (key: string): boolean => key.length <= LONGEST_KEY && isHarmlessKey(key);
  return Object.entries(value).every(([key, inner]) => isGoodKey(key) && isBoundedJson(inner, budget, depth - 1));
}
