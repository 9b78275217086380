/**
 * Checks the weight files of a Hugging Face folder: which safetensors files belong to the model,
 * whether all are present and as long as their headers say, and whether the index matches. No I/O
 * and bounded (I7).
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { attempt, FormatError } from './bytes.ts';
import { type CandidateFile, isDamaged, isMissing, isTruncated, problemOf } from './findings.ts';
import type { Config } from './huggingface-config.ts';
import { emptyWeights } from './huggingface-loadable.ts';
import { isSpare } from './huggingface-spare.ts';
import { eachIndexed, MOST_PARTS, shardsIn } from './index-files.ts';
import { jsonProblem } from './json-files.ts';
import { isBlank } from './plain-profile.ts';
import { MOST_TENSORS, parseSafetensors, type SafetensorsTensor } from './safetensors.ts';
import { hasMore } from './safetensors-files.ts';
import { partsOfTooMany } from './shards.ts';
import { zeroTails } from './zero-tails.ts';

export interface WeightFiles {
  /** Paths, in order. */
  readonly files: readonly string[];
  readonly tensors: readonly SafetensorsTensor[];
  readonly expected: ReadonlyMap<string, number | null>;
  readonly problems: readonly FileProblem[];
  readonly zeroTails: readonly string[];
  readonly notes: readonly string[];
}

const INDEX = 'model.safetensors.index.json';
const SINGLE = 'model.safetensors';
/**
 * Weights of another form of the same model, or of a part of it that is served with it or not at
 * all.
 */
const NOT_THE_MODEL = /^(?:consolidated|adapter_model|adapter|training_args|optimizer|.*lora.*)[-._\d]*(?:of-\d+)?\.safetensors$/i;
const PART = /^(?<stem>.+?)-(?<number>\d{5,6})-of-(?<count>\d{5,6})\.safetensors$/;
const NONE: ReadonlySet<string> = new Set();

interface Reading {
  readonly config: Config;
  readonly byFile: Map<string, readonly SafetensorsTensor[]>;
  readonly expected: Map<string, number | null>;
  readonly problems: FileProblem[];
  readonly zeroTails: string[];
  readonly notes: string[];
}

/**
 * @param top the files at the top of the folder, by name.
 * @param config config.json, by which tensors are told that nobody needs; empty where it is not
 * there.
 */
export function readWeightFiles(top: ReadonlyMap<string, CandidateFile>, config: Config): WeightFiles {
  const all = [...top.values()].filter(({ path }) => path.endsWith('.safetensors') && !NOT_THE_MODEL.test(path));
  const reading: Reading = { config, byFile: new Map(), expected: new Map(), problems: [], zeroTails: [], notes: [] };
  const index = top.get(INDEX);
  const single = top.get(SINGLE);
  const named = namedIn(index, reading);
  const chosen = chosenOf(all, single, named ?? NONE);
  for (const file of chosen) readFile(file, reading, chosen.length);
  reading.problems.push(...partsOfTooMany(chosen.filter(({ path }) => named?.has(path) !== true)));
  if (index === undefined || named === null) missingParts(chosen, top, reading);
  else if (single === undefined || named.has(SINGLE)) compare(index, named, top, reading);
  else if ([...named].some((name) => !top.has(name))) reading.problems.push(problemOf(INDEX, 'stale-index', index.bytes, null));
  const aside = all.filter((file) => !chosen.includes(file)).map(({ path }) => path);
  if (aside.length > 0) reading.notes.push(`Not part of the model: ${aside.slice(0, 5).join(', ')}${aside.length > 5 ? ' ...' : ''}.`);
  const tensors = [...reading.byFile.values()].flat();
  if (tensors.length > MOST_TENSORS) {
    reading.problems.push(isDamaged(INDEX, 0, `Its files name ${tensors.length} tensors; at most ${MOST_TENSORS} are possible.`));
  }
  const empty = emptyWeights(tensors);
  if (empty !== null) reading.problems.push(isDamaged(chosen[0]?.path ?? SINGLE, 0, `The weights cannot be served: ${empty}`));
  const { expected, problems, zeroTails: tails, notes } = reading;
  return { files: chosen.map(({ path }) => path), tensors, expected, problems, zeroTails: tails, notes };
}

/** As transformers: the single file before the index, the index before whatever else is there. */
function chosenOf(all: readonly CandidateFile[], single: CandidateFile | undefined, named: ReadonlySet<string>): readonly CandidateFile[] {
  if (single !== undefined) return [single];
  const ofIndex = all.filter(({ path }) => named.has(path));
  // An index that names none of the files is of other weights.
  return ofIndex.length > 0 ? ofIndex : all;
}

/** The files that the index names; null where there is none, or it cannot be read. */
function namedIn(file: CandidateFile | undefined, reading: Reading): ReadonlySet<string> | null {
  if (file === undefined) return null;
  const names = shardsIn(file);
  if (!(names instanceof FormatError)) return names;
  reading.problems.push(jsonProblem(file, names));
  return null;
}

function readFile(file: CandidateFile, reading: Reading, files: number): void {
  const source = file.open();
  const header = attempt(() => parseSafetensors(source));
  if (header instanceof FormatError) {
    const isComing = header.fault === 'truncated' || isBlank(source);
    reading.expected.set(file.path, isComing ? null : file.bytes);
    const sentence = `${file.path} is not a safetensors file that can be read: ${header.message}.`;
    reading.problems.push(isComing ? isTruncated(file.path, file.bytes, null) : isDamaged(file.path, file.bytes, sentence));
    return;
  }
  reading.expected.set(file.path, header.fileBytes);
  reading.byFile.set(file.path, header.tensors);
  if (header.fileBytes > file.bytes) reading.problems.push(isTruncated(file.path, file.bytes, header.fileBytes));
  else if (header.fileBytes < file.bytes) reading.problems.push(hasMore(file, header.fileBytes));
  else reading.zeroTails.push(...zeroTails(file.path, source, header.tensors, files));
}

/**
 * Shards that the index names and that are not there: missing, or the index is an old one whose
 * tensors all lie in other files.
 */
function compare(file: CandidateFile, named: ReadonlySet<string>, top: ReadonlyMap<string, CandidateFile>, reading: Reading): void {
  const held = new Set<string>();
  for (const tensors of reading.byFile.values()) for (const { name } of tensors) held.add(name);
  const absent = [...named].filter((name) => !top.has(name));
  const lacking = new Lacking(held, reading);
  eachIndexed(file, (tensor, shard) => lacking.add(tensor, shard));
  if (absent.length > 0 && lacking.isStale) reading.problems.push(problemOf(INDEX, 'stale-index', file.bytes, null));
  else {
    for (const name of absent) {
      reading.problems.push(isMissing(name));
      reading.expected.set(name, null);
    }
  }
  reading.problems.push(...lacking.problems(top));
  reading.notes.push(...lacking.notes());
}

/** Tensors of the index that no file holds. Their number is kept, and the first of each kind. */
class Lacking {
  readonly #held: ReadonlySet<string>;
  readonly #reading: Reading;
  #entries = 0;
  #lacking = 0;
  /** By whether somebody needs them: those whose own file is there and whole. */
  readonly #wrong = { needed: { count: 0, first: '', shard: '' }, spare: { count: 0, first: '', shard: '' } };

  constructor(held: ReadonlySet<string>, reading: Reading) {
    this.#held = held;
    this.#reading = reading;
  }

  add(tensor: string, shard: string): void {
    this.#entries += 1;
    if (this.#held.has(tensor)) return;
    this.#lacking += 1;
    if (!this.#reading.byFile.has(shard)) return;
    const kind = this.#wrong[isSpare(tensor, this.#held, this.#reading.config) ? 'spare' : 'needed'];
    if (kind.count === 0) Object.assign(kind, { first: tensor, shard });
    kind.count += 1;
  }

  /** Every tensor lies in some file, whichever the index names. */
  get isStale(): boolean {
    return this.#lacking === 0 && this.#entries > 0;
  }

  problems(top: ReadonlyMap<string, CandidateFile>): readonly FileProblem[] {
    const { count, first, shard } = this.#wrong.needed;
    if (count === 0) return [];
    const sentence = `${shard} does not hold ${first}${andMore(count)}, as the index says, and no other file does: get the index and its files from one place.`;
    return [isDamaged(shard, top.get(shard)?.bytes ?? 0, sentence)];
  }

  notes(): readonly string[] {
    const { count, first } = this.#wrong.spare;
    return count === 0 ? [] : [`The index names ${first}${andMore(count)}, which no file contains and no runtime needs.`];
  }
}

function andMore(count: number): string {
  return count > 1 ? ` and ${count - 1} more` : '';
}

/** Without an index the names of the parts tell how many there are. */
function missingParts(files: readonly CandidateFile[], top: ReadonlyMap<string, CandidateFile>, reading: Reading): void {
  const groups = files.map(({ path }) => PART.exec(path)?.groups).find((found) => found !== undefined);
  const count = Number(groups?.['count'] ?? 0);
  const width = groups?.['number']?.length ?? 0;
  if (groups === undefined || count < 2 || count > MOST_PARTS) return;
  for (let number = 1; number <= count; number += 1) {
    const name = `${groups['stem']}-${String(number).padStart(width, '0')}-of-${groups['count']}.safetensors`;
    if (top.has(name)) continue;
    reading.problems.push(isMissing(name));
    reading.expected.set(name, null);
  }
  const indexFile = `${groups['stem']}.safetensors.index.json`;
  if (!top.has(indexFile)) reading.problems.push(isMissing(indexFile));
}
