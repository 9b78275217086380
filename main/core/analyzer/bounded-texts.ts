/**
 * Bounds what the files of a model may say about it: the length of each text, and all of it
 * together (I7). Every page, answer, log line and row of the ledger that tells of the model repeats
 * these texts, so that a few files with names of megabytes would fill the memory and the disk, and
 * a line end in one of them could pass for a line of ours: each text has one line. Pure.
 */
import { oneLine } from '../../../shared/visible.ts';

/** Longer than any sentence of ours, and than any name that a model has. */
const MOST_CHARACTERS = 1_000;
/** Of a longer text its end is kept too: a sentence's cause, or the last name of a path. */
const LAST_CHARACTERS = 300;
const CUT = ' … ';
/** Characters of all texts and names, where a number counts as eight: 20 times what models have. */
const MOST_ALTOGETHER = 256 * 1024;
const OTHER_VALUE = 8;

class TooMuch extends Error {}

/**
 * @param said plain data.
 * @param whole texts that stay as they are and count nothing: the paths of the model's files.
 * @returns the same with long texts cut; null: it is more than any model says of itself.
 */
export function boundedTexts<Said>(said: Said, whole: ReadonlySet<string>): Said | null {
  let left = MOST_ALTOGETHER;
  const spend = (characters: number): void => {
    left -= characters;
    if (left < 0) throw new TooMuch();
  };
  const bounded = (value: unknown): unknown => {
    if (typeof value === 'string') {
      if (whole.has(value)) return value;
      const text = cut(oneLine(cut(value)));
      spend(text.length);
      return text;
    }
    if (Array.isArray(value)) return value.map(bounded);
    if (typeof value !== 'object' || value === null) {
      spend(OTHER_VALUE);
      return value;
    }
    const members = Object.entries(value).map(([key, member]: [string, unknown]) => {
      const name = oneLine(key);
      spend(name.length);
      return [name, bounded(member)] as const;
    });
    return Object.fromEntries(members);
  };
  try {
    return bounded(said) as Said;
  } catch (error) {
    if (error instanceof TooMuch) return null;
    throw error;
  }
}

function cut(text: string): string {
  if (text.length <= MOST_CHARACTERS) return text;
  const first = text.slice(0, MOST_CHARACTERS - LAST_CHARACTERS - CUT.length);
  return `${first}${CUT}${text.slice(-LAST_CHARACTERS)}`.toWellFormed();
}
