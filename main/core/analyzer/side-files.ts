/**
 * Recognises loose GGUFs that belong to another GGUF in the same folder, by name: projectors
 * (mmproj). Pure.
 */
import { splitName } from './split-names.ts';

const PROJECTOR = /(?:^|[-_.])mmproj(?=[-_.])/i;
/** What a name says of precision and part, and nothing of the model. */
const PRECISION = /^(?:f16|f32|bf16|fp16|fp32|i?q\d\w*|ud|gguf|model|mmproj|imat|i1|\d{5}|of)$/i;

export function isProjector(name: string): boolean {
  return PROJECTOR.test(name) && /\.gguf$/i.test(name);
}

/**
 * The model that each projector belongs to: the one whose name says the same of the model; a
 * projector that names none belongs to the only model. Projectors without a model, or with several
 * that differ, are left out: they stand for themselves. One pass, whatever the number of files.
 * @param names of all files in one folder.
 */
export function pairProjectors(names: Iterable<string>): ReadonlyMap<string, string> {
  const projectors: string[] = [];
  /**
   * Of several quantisations of one model the projector goes with the first, and a folder of its
   * own would tell more.
   */
  const firstOfKind = new Map<string, string>();
  for (const name of names) {
    if (!/\.gguf$/i.test(name)) continue;
    if (isProjector(name)) projectors.push(name);
    else if ((splitName(name)?.part ?? 1) === 1) {
      const kind = kindOf(name);
      const first = firstOfKind.get(kind);
      if (first === undefined || name < first) firstOfKind.set(kind, name);
    }
  }
  const [only] = firstOfKind.values();
  const pairs = new Map<string, string>();
  for (const projector of projectors) {
    const kind = kindOf(projector);
    const model = kind !== '' ? firstOfKind.get(kind) : firstOfKind.size === 1 ? only : undefined;
    if (model !== undefined) pairs.set(projector, model);
  }
  return pairs;
}

/** What a name says of the model, without precision and part; empty: nothing. */
function kindOf(name: string): string {
  return wordsOf(name).join('-');
}

function wordsOf(name: string): readonly string[] {
  const stem = name.replace(/\.gguf$/i, '').toLowerCase();
  return stem.split(/[-_.]/).filter((word) => word !== '' && !PRECISION.test(word) && !/^[kms0]$/.test(word));
}
