/** Loose GGUFs that belong to another one by their names: projectors (mmproj) of a model that lies in the same folder. Pure. */
import { splitName } from './split-names.ts';

const PROJECTOR = /(?:^|[-_.])mmproj(?=[-_.])/i;
/** What a name says of precision and part, and nothing of the model. */
const PRECISION = /^(?:f16|f32|bf16|fp16|fp32|i?q\d\w*|ud|gguf|model|mmproj|imat|i1|\d{5}|of)$/i;

export function isProjector(name: string): boolean {
  return PROJECTOR.test(name) && /\.gguf$/i.test(name);
}

/**
 * The model that a projector belongs to: the one whose name says the same of the model; a projector that names none belongs to the only model.
 * @param names of all files in its folder.
 * @returns null where there is none, or more than one: then it stands for itself.
 */
export function projectorOwner(projector: string, names: readonly string[]): string | null {
  if (!isProjector(projector)) return null;
  const models = names.filter((name) => /\.gguf$/i.test(name) && !isProjector(name) && (splitName(name)?.part ?? 1) === 1);
  const own = wordsOf(projector);
  const fitting = models.filter((name) => own.length === 0 || own.join('-') === wordsOf(name).join('-'));
  // Several quantisations of one model: the projector goes with the first, and a folder of its own would tell more.
  const kinds = new Set(fitting.map((name) => wordsOf(name).join('-')));
  return kinds.size === 1 ? (fitting.toSorted()[0] ?? null) : null;
}

/** The projectors beside a loose model that belong to it. */
export function projectorsOf(model: string, names: readonly string[]): readonly string[] {
  return names.filter((name) => projectorOwner(name, names) === model);
}

function wordsOf(name: string): readonly string[] {
  const stem = name.replace(/\.gguf$/i, '').toLowerCase();
  return stem.split(/[-_.]/).filter((word) => word !== '' && !PRECISION.test(word) && !/^[kms0]$/.test(word));
}
