/** The names that llama.cpp gives the parts of a split GGUF. Pure. */

const SPLIT = /^(?<stem>.*)-(?<number>\d{5})-of-(?<count>\d{5})\.gguf$/i;
/** More parts than any published model has. */
export const MAX_PARTS = 1000;

/** `model-00002-of-00003.gguf` -> stem, part and count; null for a file that is whole by itself. */
export function splitName(path: string): { readonly stem: string; readonly part: number; readonly count: number } | null {
  const groups = SPLIT.exec(path)?.groups;
  if (groups === undefined) return null;
  return { stem: groups['stem'] ?? '', part: Number(groups['number']), count: Number(groups['count']) };
}

/** By its name a part of more files than any model has. */
export function isSplitTooOften(path: string): boolean {
  return (splitName(path)?.count ?? 1) > MAX_PARTS;
}

/** The names of all parts of the set that this name is one of. */
export function splitParts(path: string): readonly string[] {
  const split = splitName(path);
  if (split === null || split.count < 1 || split.count > MAX_PARTS) return [path];
  // As it is written there, in upper case too: file systems tell the two apart.
  const rest = path.slice(split.stem.length + 6);
  return Array.from({ length: split.count }, (_, index) => `${split.stem}-${String(index + 1).padStart(5, '0')}${rest}`);
}
