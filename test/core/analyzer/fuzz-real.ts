/**
 * Real model files as seeds: the cuts in `test/fixtures/real-files`, with their true lengths. Reads
 * that folder alone: what is fuzzed is the same on each machine, without network and Python.
 * `test/runtimes/real-files.test.ts` holds them against the files that they were cut from.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** Stands where weights were. No zero, which would be taken for what was not written yet. */
export const FILLER = 0xa5;
/** Shorter runs of that byte may be anything. */
const FILLED_RUN = 64;

const FIXTURES = fileURLToPath(new URL('../../fixtures/real-files/', import.meta.url));

export interface RealFile {
  readonly head: Uint8Array;
  /** Of the whole file: behind the head there is filler. */
  readonly bytes: number;
  /** Where structure lies in the head: from, to. Mutations of filler would find little. */
  readonly spans: readonly (readonly [from: number, to: number])[];
}

/** A folder by file names. */
export type RealSample = Readonly<Record<string, RealFile>>;

/** @param name of a folder in `test/fixtures/real-files`. */
export function realSample(name: string): RealSample {
  const lengths = JSON.parse(readFileSync(join(FIXTURES, 'lengths.json'), 'utf8')) as Readonly<Record<string, number>>;
  const folder = join(FIXTURES, name);
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.gz'));
  const entries = paths.map((packed): [string, RealFile] => {
    const path = packed.slice(0, -'.gz'.length);
    const bytes = lengths[`${name}/${path}`];
    if (bytes === undefined) throw new Error(`lengths.json has no length of ${name}/${path}: write the cuts again.`);
    const head = gunzipSync(readFileSync(join(folder, packed)));
    return [path, { head, bytes, spans: structureOf(head) }];
  });
  return Object.fromEntries(entries);
}

function structureOf(head: Uint8Array): [number, number][] {
  const spans: [number, number][] = [];
  let from = 0;
  for (let at = 0; at < head.length; ) {
    let end = at;
    while (end < head.length && head[end] === FILLER) end += 1;
    if (end - at >= FILLED_RUN) {
      if (at > from) spans.push([from, at]);
      from = end;
    }
    at = Math.max(end, at + 1);
  }
  if (head.length > from) spans.push([from, head.length]);
  return spans;
}
