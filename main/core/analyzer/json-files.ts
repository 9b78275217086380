/**
 * Reads small JSON files of a folder, with a size limit, and offers typed look-ups. A value of the
 * wrong type counts as absent. Pure (I7).
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { attempt, FormatError } from './bytes.ts';
import { type CandidateFile, isDamaged, isTruncated } from './findings.ts';
import { checkJson, checkText, isObject, parseJson, readJsonObject } from './json.ts';

export type Json = Readonly<Record<string, unknown>>;

const MAX_JSON_BYTES = 16 * 1024 * 1024;

/** The JSON object in a file: null where the file is not there, a fault where it cannot be read. */
export function jsonOf(file: CandidateFile | undefined): Json | FormatError | null {
  if (file === undefined) return null;
  return attempt(() => readJsonObject(file.open(), MAX_JSON_BYTES));
}

/** A fault of `jsonOf` as the problem of that file. */
export function jsonProblem({ path, bytes }: CandidateFile, { fault, message }: FormatError): FileProblem {
  return fault === 'truncated' ? isTruncated(path, bytes, null, message) : isDamaged(path, bytes, `${path} cannot be read: ${message}.`);
}

/** As `jsonOf`, for files without which the model can still be told: a fault counts as absent. */
export function jsonIfReadable(file: CandidateFile | undefined): Json | null {
  const json = jsonOf(file);
  return json instanceof FormatError ? null : json;
}

/**
 * Those that end too early or hold zero bytes: they may still be being copied, what they say is not
 * known yet, and must not count as not said. One that only some programs cannot read is left to
 * whoever needs it.
 */
export function cutJsons(files: readonly CandidateFile[]): readonly FileProblem[] {
  return files.flatMap((file) => {
    if (file.bytes > MAX_JSON_BYTES) return [];
    const source = file.open();
    const fault = attempt(() => checkJson(source, MAX_JSON_BYTES));
    return fault instanceof FormatError && !fault.isBeyond ? [jsonProblem(file, fault)] : [];
  });
}

/** A list of JSON objects in a file; null where it is none. */
export function jsonListOf(file: CandidateFile | undefined): readonly Json[] | null {
  if (file === undefined || file.bytes > MAX_JSON_BYTES) return null;
  const bytes = file.open().read(0, file.bytes);
  const value = attempt(() => {
    checkText(bytes, 'it');
    return parseJson(bytes, 'it');
  });
  return Array.isArray(value) ? value.filter(isObject) : null;
}

export function textIn(json: Json, key: string): string | null {
  const value = json[key];
  return typeof value === 'string' && value !== '' ? value : null;
}

export function countIn(json: Json, key: string): number | null {
  const value = json[key];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
