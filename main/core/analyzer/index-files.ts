/**
 * Reads indexes of shards (such as `model.safetensors.index.json`): which tensor is in which file.
 * It reads in one pass and never holds the whole index, because the largest models name 300,000
 * tensors. Pure and bounded (I7).
 */
import { attempt, FormatError } from './bytes.ts';
import { nameOf } from './file-names.ts';
import type { CandidateFile } from './findings.ts';
import { JsonStream } from './json-stream.ts';

/** Five times the largest published one. */
const MOST_INDEX_BYTES = 128 * 1024 * 1024;
/** More files than any model has. */
export const MOST_PARTS = 2000;

/**
 * Calls `entry` for each tensor that the index names, in its order.
 * @returns what is wrong with the file; null where nothing is.
 */
export function eachIndexed(file: CandidateFile, entry: (tensor: string, shard: string) => void): FormatError | null {
  if (file.bytes > MOST_INDEX_BYTES) return new FormatError('damaged', `it has ${file.bytes} bytes, more than ${MOST_INDEX_BYTES}`);
  const read = attempt(() => {
    const json = new JsonStream(file.open(), 0, file.bytes, 'its text');
    json.members((name) => {
      if (name !== 'weight_map' || !json.isObject) return json.skipValue();
      json.members((tensor) => (json.isString ? entry(tensor, json.string()) : json.skipValue()));
    });
    json.end();
  });
  return read instanceof FormatError ? read : null;
}

/**
 * The files that an index names; a fault where it cannot be read, or names one outside its folder.
 */
export function shardsIn(file: CandidateFile): ReadonlySet<string> | FormatError {
  const names = new Set<string>();
  let isOutside = false;
  const fault = eachIndexed(file, (_tensor, shard) => {
    if (names.size > MOST_PARTS || names.has(shard)) return;
    names.add(shard);
    // Names inside files never lead out of the folder: one with a slash is not a shard of it.
    isOutside ||= shard !== nameOf(shard) || shard.includes('\\') || shard.startsWith('.');
  });
  if (fault !== null) return fault;
  if (isOutside) return new FormatError('damaged', 'it names a shard outside the folder');
  return names.size > MOST_PARTS ? new FormatError('damaged', `it names more than ${MOST_PARTS} files`) : names;
}
