/**
 * The weights of a Hugging Face folder: which safetensors files are the model, are they all there and as long as their headers say, and does the
 * index agree with them. Pure and bounded (I7).
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { attempt, FormatError } from './bytes.ts';
import { type CandidateFile, isDamaged, isMissing, isTruncated, problemOf } from './findings.ts';
import { isObject, readJsonObject } from './json.ts';
import { isBlank } from './plain-profile.ts';
import { parseSafetensors, type SafetensorsTensor } from './safetensors.ts';
import { hasMore, MOST_TENSORS } from './safetensors-files.ts';
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

/** Large models' indexes name some 100,000 tensors in about 10 MB. */
const MOST_INDEX_BYTES = 16 * 1024 * 1024;
const INDEX = 'model.safetensors.index.json';
const SINGLE = 'model.safetensors';
/** Weights of another form of the same model, or of a part of it that is served with it or not at all. */
const NOT_THE_MODEL = /^(?:consolidated|adapter_model|adapter|training_args|optimizer|.*lora.*)[-._\d]*(?:of-\d+)?\.safetensors$/i;
const PART = /^(?<stem>.+?)-(?<number>\d{5})-of-(?<count>\d{5})\.safetensors$/;
const MOST_PARTS = 2000;

interface Reading {
  readonly byFile: Map<string, readonly SafetensorsTensor[]>;
  readonly expected: Map<string, number | null>;
  readonly problems: FileProblem[];
  readonly zeroTails: string[];
  readonly notes: string[];
}

/** @param top the files at the top of the folder, by name. */
export function readWeightFiles(top: ReadonlyMap<string, CandidateFile>): WeightFiles {
  const all = [...top.values()].filter(({ path }) => path.endsWith('.safetensors') && !NOT_THE_MODEL.test(path));
  const reading: Reading = { byFile: new Map(), expected: new Map(), problems: [], zeroTails: [], notes: [] };
  const index = indexOf(top.get(INDEX), reading);
  const single = top.get(SINGLE);
  const named = index === null ? [] : [...new Set(index.values())];
  const chosen = chosenOf(all, single, named);
  for (const file of chosen) readFile(file, reading, chosen.length);
  if (index !== null && (single === undefined || named.includes(SINGLE))) compare(index, named, top, reading);
  else if (index === null) missingParts(chosen, top, reading);
  else if (named.some((name) => !top.has(name))) {
    reading.problems.push(problemOf(INDEX, 'stale-index', top.get(INDEX)?.bytes ?? 0, null));
  }
  const aside = all.filter((file) => !chosen.includes(file)).map(({ path }) => path);
  if (aside.length > 0) reading.notes.push(`Not part of the model: ${aside.slice(0, 5).join(', ')}${aside.length > 5 ? ' ...' : ''}.`);
  const tensors = [...reading.byFile.values()].flat();
  if (tensors.length > MOST_TENSORS) {
    reading.problems.push(isDamaged(INDEX, 0, `Its files name ${tensors.length} tensors; at most ${MOST_TENSORS} are possible.`));
  }
  const { expected, problems, zeroTails: tails, notes } = reading;
  return { files: chosen.map(({ path }) => path), tensors, expected, problems, zeroTails: tails, notes };
}

/** As transformers: the single file before the index, the index before whatever else is there. */
function chosenOf(all: readonly CandidateFile[], single: CandidateFile | undefined, named: readonly string[]): readonly CandidateFile[] {
  if (single !== undefined) return [single];
  const ofIndex = all.filter(({ path }) => named.includes(path));
  // An index that names none of the files is of other weights.
  return ofIndex.length > 0 ? ofIndex : all;
}

/** Tensor -> file; null where there is none, or it cannot be read. */
function indexOf(file: CandidateFile | undefined, reading: Reading): ReadonlyMap<string, string> | null {
  if (file === undefined) return null;
  const parsed = attempt(() => readJsonObject(file.open(), MOST_INDEX_BYTES));
  if (parsed instanceof FormatError) {
    const sentence = `${file.path} cannot be read: ${parsed.message}.`;
    const isComing = parsed.fault === 'truncated';
    reading.problems.push(isComing ? isTruncated(file.path, file.bytes, null, parsed.message) : isDamaged(file.path, file.bytes, sentence));
    return null;
  }
  const map = parsed['weight_map'];
  if (!isObject(map)) return null;
  const index = new Map<string, string>();
  for (const tensor of Object.keys(map)) {
    const name = map[tensor];
    if (typeof name === 'string') index.set(tensor, name);
  }
  const names = new Set(index.values());
  // Names inside files never lead out of the folder: one with a slash is not a shard of it.
  if ([...names].some((name) => /[\\/]|^\./.test(name))) {
    reading.problems.push(isDamaged(file.path, file.bytes, `${file.path} names a shard outside the folder.`));
    return null;
  }
  if (names.size > MOST_PARTS) {
    reading.problems.push(isDamaged(file.path, file.bytes, `${file.path} names more than ${MOST_PARTS} files.`));
    return null;
  }
  return index;
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

/** Shards that the index names and that are not there: missing, or the index is an old one whose tensors all lie in other files. */
function compare(
  index: ReadonlyMap<string, string>,
  named: readonly string[],
  top: ReadonlyMap<string, CandidateFile>,
  reading: Reading,
): void {
  const held = new Set<string>();
  for (const tensors of reading.byFile.values()) for (const { name } of tensors) held.add(name);
  const absent = named.filter((name) => !top.has(name));
  const lacking: (readonly [tensor: string, file: string])[] = [];
  for (const [tensor, file] of index) if (!held.has(tensor)) lacking.push([tensor, file]);
  const isStale = lacking.length === 0 && index.size > 0;
  if (absent.length > 0 && isStale) reading.problems.push(problemOf(INDEX, 'stale-index', top.get(INDEX)?.bytes ?? 0, null));
  else {
    for (const name of absent) {
      reading.problems.push(isMissing(name));
      reading.expected.set(name, null);
    }
  }
  // A tensor that its own file, which is there and whole, does not hold.
  const wrong = lacking.filter(([, name]) => reading.byFile.has(name));
  const [first] = wrong;
  if (first === undefined) return;
  const file = top.get(first[1]);
  const more = wrong.length > 1 ? ` and ${wrong.length - 1} more` : '';
  const message = `${first[1]}: the index says that it holds ${first[0]}${more}, and no file does`;
  reading.problems.push({ ...isTruncated(first[1], file?.bytes ?? 0, null), message });
}

/** Without an index the names of the parts tell how many there are. */
function missingParts(files: readonly CandidateFile[], top: ReadonlyMap<string, CandidateFile>, reading: Reading): void {
  const groups = files.map(({ path }) => PART.exec(path)?.groups).find((found) => found !== undefined);
  const count = Number(groups?.['count'] ?? 0);
  if (groups === undefined || count < 2 || count > MOST_PARTS) return;
  for (let number = 1; number <= count; number += 1) {
    const name = `${groups['stem']}-${String(number).padStart(5, '0')}-of-${groups['count']}.safetensors`;
    if (top.has(name)) continue;
    reading.problems.push(isMissing(name));
    reading.expected.set(name, null);
  }
  const indexFile = `${groups['stem']}.safetensors.index.json`;
  if (!top.has(indexFile)) reading.problems.push(isMissing(indexFile));
}
