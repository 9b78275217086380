/** The names of parts: llama.cpp's of a split GGUF, and what is wrong with some. Pure. */

const SPLIT = /^(?<stem>.*)-(?<number>\d{5})-of-(?<count>\d{5})\.gguf$/i;
/** More parts than any published model has. */
const MAX_PARTS = 1000;

/** `model-00002-of-00003.gguf` -> stem, part and count; null for a file that is whole by itself. */
export function splitName(path: string): { readonly stem: string; readonly part: number; readonly count: number } | null {
  const groups = SPLIT.exec(path)?.groups;
  if (groups === undefined) return null;
  return { stem: groups['stem'] ?? '', part: Number(groups['number']), count: Number(groups['count']) };
}

/** Why no set has a part of this name; null: one may have it. */
export function whyNoPart(path: string): string | null {
  const split = splitName(path);
  if (split === null) return null;
  const { part, count } = split;
  if (count > MAX_PARTS) return oneOfTooMany(count, MAX_PARTS);
  if (part >= 1 && part <= count) return null;
  return `is by its name part ${part} of ${count}; parts are numbered from 1 to their number`;
}

/** What is wrong with a file of so many parts, behind its name. */
export function oneOfTooMany(parts: number, most: number): string {
  return `is by its name one of ${parts} parts; at most ${most} are possible`;
}

/** The names of all parts of the set that this name is one of; its own where no set has it. */
export function splitParts(path: string): readonly string[] {
  const split = splitName(path);
  if (split === null || whyNoPart(path) !== null) return [path];
  // As it is written there, in upper case too: file systems tell the two apart.
  const rest = path.slice(split.stem.length + 6);
  return Array.from({ length: split.count }, (_, index) => `${split.stem}-${String(index + 1).padStart(5, '0')}${rest}`);
}
