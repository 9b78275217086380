/**
 * All GGUF files of a candidate: which are parts of one file, which one is the model, and what is
 * missing. Quantisations of one model become its forms, and the brain takes the best that fits. Of
 * several different models the first by name is served. Projector, draft and LoRAs are its
 * companions; other files are named in a note.
 */

import type { CompanionFile, FileProblem } from '../../../shared/profile.ts';
import { attempt, FormatError } from './bytes.ts';
import { type CandidateFile, type FormatFindings, isDamaged, isMissing, isTruncated } from './findings.ts';
import type { GgufHeader } from './gguf.ts';
import { parseGguf } from './gguf.ts';
import { GgufFacts } from './gguf-facts.ts';
import { type GgufRole, ggufProfile, ggufRole, MAX_LAYERS } from './gguf-profile.ts';
import { type GgufSet, quantizationsOf, withQuantizations } from './gguf-quantizations.ts';
import { isBlank } from './plain-profile.ts';
import { splitParts, whyNoPart } from './split-names.ts';
import { zeroTails } from './zero-tails.ts';

/** A smaller model that proposes tokens for another one: nothing in its header says so. */
const DRAFT = /(?:^|[-_./])(?:draft|mtp|eagle3?|dflash)(?:[-_.]|$)/i;

const NAMELESS = /(?:^|\/)sha256-[0-9a-f]{64}$/;
const MAGIC = 'GGUF';
/** Padding, and what tools may have put behind the last tensor. */
const MOST_BEHIND_BYTES = 1024 * 1024;

interface PartSet extends GgufSet {
  readonly problems: readonly FileProblem[];
}

/** Null when there is no GGUF. */
export function readGgufs(files: readonly CandidateFile[]): FormatFindings | null {
  const ggufs = files.filter((file) => /\.gguf$/i.test(file.path) || isNamelessGguf(file));
  if (ggufs.length === 0) return null;
  const byPath = new Map(ggufs.map((file) => [file.path, file]));
  const expected = new Map<string, number | null>();
  const sets = new Map<string, PartSet>();
  for (const file of ggufs) {
    const why = whyNoPart(file.path);
    if (why !== null) {
      sets.set(file.path, partOfNone(file, why, expected));
      continue;
    }
    const paths = splitParts(file.path);
    const key = paths[0] ?? file.path;
    if (!sets.has(key)) sets.set(key, readSet(paths, byPath, expected));
  }
  return findingsOf([...sets.values()], expected);
}

function partOfNone({ path, bytes }: CandidateFile, why: string, expected: Map<string, number | null>): PartSet {
  expected.set(path, bytes);
  return { paths: [path], headers: [], problems: [isDamaged(path, bytes, `${path} ${why}.`)], zeroTails: [] };
}

/**
 * Stores that name their files by a hash (Ollama's) give them no suffix: the first four bytes tell.
 */
function isNamelessGguf(file: CandidateFile): boolean {
  if (!NAMELESS.test(file.path) || file.bytes < MAGIC.length) return false;
  const start = file.open().read(0, MAGIC.length);
  return start.length === MAGIC.length && start.every((byte, index) => byte === MAGIC.charCodeAt(index));
}

function findingsOf(sets: readonly PartSet[], expected: ReadonlyMap<string, number | null>): FormatFindings {
  const sound = sets.filter((set) => set.headers.length === set.paths.length && !set.problems.some(isDamage));
  // One that is whole, before one that may become it.
  const chosen = sound.filter(isWhole).find(isModel) ?? sound.find(isModel) ?? sound[0] ?? null;
  const companions = chosen !== null && isModel(chosen) ? companionsOf(sound.filter((set) => set !== chosen)) : [];
  const beside = new Set(companions.map(({ file }) => file));
  const quantizations =
    chosen === null
      ? []
      : quantizationsOf(
          chosen,
          sound.filter((set) => isWhole(set) && isModel(set)),
        );
  const served = new Set([chosen, ...quantizations]);
  const others = sets.filter((set) => !served.has(set) && !beside.has(set.paths[0] ?? ''));
  // One that is still on its way may be the model: damage of the others is no verdict then.
  const isHopeless = chosen === null && sets.every((set) => set.problems.some(isDamage));
  const besides = chosen !== null && isWhole(chosen) ? sets.filter((set) => set !== chosen).flatMap((set) => set.problems) : [];
  return {
    expected,
    besides: new Set(besides),
    problems: sets.flatMap((set) => set.problems.filter((problem) => isHopeless || !isDamage(problem))),
    zeroTails: [chosen, ...sound.filter((set) => beside.has(set.paths[0] ?? ''))].flatMap((set) => set?.zeroTails ?? []),
    profile: chosen === null ? null : withQuantizations(ggufProfile(chosen.headers, chosen.paths, companions), quantizations, companions),
    notes: chosen === null ? [] : others.map((set) => noteOf(set)),
    hasWeights: true,
  };
}

function isDamage({ kind }: FileProblem): boolean {
  return kind === 'damaged';
}

function isWhole(set: PartSet): boolean {
  return set.problems.length === 0;
}

function roleOf(set: PartSet): GgufRole {
  return set.headers[0] === undefined ? 'other' : ggufRole(set.headers[0]);
}

/** By its header a text model, and by its name no helper of one. */
function isModel(set: PartSet): boolean {
  return roleOf(set) === 'model' && !DRAFT.test(set.paths[0] ?? '');
}

/**
 * Files that belong to the model: the first projector (several are the same one at other
 * precisions), the first draft, each LoRA.
 */
function companionsOf(sets: readonly PartSet[]): readonly CompanionFile[] {
  const companions: CompanionFile[] = [];
  for (const set of sets) {
    const [file] = set.paths;
    const role = roleOf(set);
    const as =
      role === 'mmproj' ? 'projector' : role === 'adapter' ? 'adapter' : role === 'model' && DRAFT.test(file ?? '') ? 'draft' : null;
    if (file === undefined || as === null) continue;
    if (as === 'adapter' || !companions.some((companion) => companion.role === as)) companions.push({ role: as, file });
  }
  return companions;
}

function noteOf(set: PartSet): string {
  const name = set.paths[0] ?? '';
  const damage = set.problems.find(isDamage);
  if (damage !== undefined) return `Also in the folder, and not usable: ${damage.message}`;
  const role = roleOf(set);
  return `Also in the folder, and not served by itself: ${name} (${role === 'model' ? 'another model' : role}).`;
}

function readSet(paths: readonly string[], files: ReadonlyMap<string, CandidateFile>, expected: Map<string, number | null>): PartSet {
  const headers: GgufHeader[] = [];
  const problems: FileProblem[] = [];
  const tails: string[] = [];
  for (const path of paths) {
    const file = files.get(path);
    if (file === undefined) {
      problems.push(isMissing(path));
      expected.set(path, null);
      continue;
    }
    const source = file.open();
    const header = attempt(() => parseGguf(source));
    if (header instanceof FormatError) {
      const isComing = header.fault === 'truncated' || isBlank(source);
      expected.set(path, isComing ? null : file.bytes);
      problems.push(
        isComing
          ? isTruncated(path, file.bytes, null)
          : isDamaged(path, file.bytes, `${path} is not a GGUF that can be read: ${header.message}.`),
      );
      continue;
    }
    headers.push(header);
    const wrong = implausible(path, header);
    if (wrong !== null) problems.push(isDamaged(path, file.bytes, wrong));
    expected.set(path, header.fileBytes);
    if (header.fileBytes > file.bytes) problems.push(isTruncated(path, file.bytes, header.fileBytes));
    else if (file.bytes - header.fileBytes > MOST_BEHIND_BYTES)
      problems.push(isDamaged(path, file.bytes, tooLong(path, file.bytes, header)));
    else tails.push(...zeroTails(path, source, header.tensors, files.size));
  }
  const mixed = mismatch(paths, headers);
  if (mixed !== null) problems.push(isDamaged(paths[0] ?? '', 0, mixed));
  return { paths, headers, problems, zeroTails: tails };
}

function tooLong(path: string, bytes: number, { fileBytes }: GgufHeader): string {
  return `${path} has ${bytes} bytes, and its header accounts for ${fileBytes}: the bytes after its last tensor belong to no tensor.`;
}

/**
 * llama.cpp's library counts through the layers that the header claims before it looks for them:
 * billions keep it busy for hours (I10).
 */
function implausible(path: string, { metadata }: GgufHeader): string | null {
  const layers = metadata.get(`${new GgufFacts(metadata).architecture}.block_count`);
  if (layers === undefined || (typeof layers === 'number' && layers <= MAX_LAYERS)) return null;
  return `${path} is not a GGUF that can be read: its number of layers is ${typeof layers === 'number' ? layers : 'no number'}; at most ${MAX_LAYERS} are possible.`;
}

/** Parts that name another number of parts than their file names do belong to another model. */
function mismatch(paths: readonly string[], headers: readonly GgufHeader[]): string | null {
  const odd = paths.length > 1 ? paths.find((path) => !/-\d{5}-of-\d{5}\.gguf$/.test(path)) : undefined;
  // llama.cpp makes the names of the other parts out of the first one's, in lower case.
  if (odd !== undefined) {
    const [name = odd] = odd.split('/').slice(-1);
    return `${odd} is a part of a model, but llama.cpp recognises parts only by a lower-case name ending: rename it to ${name.replace(/-of-(\d{5})\.gguf$/i, '-of-$1.gguf')}, and the other parts in the same way.`;
  }
  if (headers.length !== paths.length) return null;
  const first = headers[0]?.metadata.get('split.count');
  if (paths.length === 1 && typeof first === 'number' && first > 1) {
    return `${paths[0]} is one of ${first} parts, but its name does not say so: rename the parts to NAME-00001-of-${String(first).padStart(5, '0')}.gguf and so on.`;
  }
  const counted = headers.findIndex(({ metadata }) => paths.length > 1 && metadata.get('split.count') !== paths.length);
  if (counted >= 0)
    return `${paths[counted]} says that it is one of ${String(headers[counted]?.metadata.get('split.count') ?? 1)} parts, and its name says ${paths.length}.`;
  const wrong = headers.findIndex((header, index) => paths.length > 1 && header.metadata.get('split.no') !== index);
  return wrong < 0 ? null : `${paths[wrong]} is not the part that its name says.`;
}
