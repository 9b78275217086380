/**
 * Finds missing shards of one set of weights, from the index and from the names of the shards that
 * are present. Pure and bounded (I7).
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { FormatError } from './bytes.ts';
import { folderOf } from './file-names.ts';
import { type CandidateFile, isDamaged, isMissing } from './findings.ts';
import { MOST_PARTS, shardsIn } from './index-files.ts';
import { jsonProblem } from './json-files.ts';
import { oneOfTooMany } from './split-names.ts';

const INDEX = /\.(?:safetensors|bin)\.index(?:\.\w+)?\.json$/;
const PART = /^(?<stem>.+)-(?<number>\d{5,6})-of-(?<count>\d{5,6})(?<suffix>\.\w+)$/;

/**
 * @param used the files of weights that the form uses, of one folder.
 * @param folder all files of that folder.
 * @param needsIndex who loads them finds parts by an index only.
 */
export function missingShards(
  used: readonly CandidateFile[],
  folder: readonly CandidateFile[],
  needsIndex: boolean,
): readonly FileProblem[] {
  const there = new Set(folder.map(({ path }) => path));
  const problems = new Map<string, FileProblem>();
  const lacks = (path: string): void => {
    if (!there.has(path) && problems.size < MOST_PARTS) problems.set(path, isMissing(path));
  };
  for (const { path } of used) for (const sibling of siblingsOf(path)) lacks(sibling);
  for (const problem of partsOfTooMany(used)) problems.set(problem.file, problem);
  const [part] = used.map(({ path }) => PART.exec(path)?.groups).filter((groups) => groups !== undefined);
  if (needsIndex && part !== undefined && !folder.some(({ path }) => INDEX.test(path)))
    lacks(`${part['stem']}${part['suffix']}.index.json`);
  for (const index of folder.filter(({ path }) => INDEX.test(path))) {
    const named = namesIn(index);
    if ('kind' in named) problems.set(index.path, named);
    // An index of weights of another kind, or of none that are used, says nothing of these.
    else if (used.length === 0 || named.some((name) => used.some(({ path }) => path === name))) for (const name of named) lacks(name);
  }
  return [...problems.values()];
}

/**
 * Files that are parts of more than there can be. Their number among them says nothing: some tools
 * count from 0, and an index names what it will.
 */
export function partsOfTooMany(files: readonly CandidateFile[]): readonly FileProblem[] {
  return files.flatMap(({ path, bytes }) => {
    const count = Number(PART.exec(path)?.groups?.['count'] ?? 0);
    return count > MOST_PARTS ? [isDamaged(path, bytes, `${path} ${oneOfTooMany(count, MOST_PARTS)}.`)] : [];
  });
}

function siblingsOf(path: string): readonly string[] {
  const { stem, number, count, suffix } = PART.exec(path)?.groups ?? {};
  const parts = Number(count ?? 0);
  if (stem === undefined || number === undefined || parts > MOST_PARTS) return [];
  return Array.from({ length: parts }, (_, at) => `${stem}-${String(at + 1).padStart(number.length, '0')}-of-${count}${suffix}`);
}

/** Paths of the files that it names. */
function namesIn(index: CandidateFile): readonly string[] | FileProblem {
  const names = shardsIn(index);
  return names instanceof FormatError ? jsonProblem(index, names) : [...names].map((name) => folderOf(index.path) + name);
}
