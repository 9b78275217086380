/**
 * All GGUF files of a candidate: which belong together as parts, which one is the model, and what is missing of it.
 * Several that are not parts: the first by name that is a model is served, the others are named in a note.
 */

import { attempt, FormatError } from './bytes.ts';
import type { CandidateFile, FormatFindings } from './findings.ts';
import type { GgufHeader } from './gguf.ts';
import { parseGguf } from './gguf.ts';
import { GgufFacts } from './gguf-facts.ts';
import { ggufProfile, ggufRole, MAX_LAYERS } from './gguf-profile.ts';
import { splitParts } from './split-names.ts';
import { zeroTails } from './zero-tails.ts';

interface PartSet {
  readonly paths: readonly string[];
  readonly headers: readonly GgufHeader[];
  readonly missing: readonly string[];
  readonly damage: string | null;
  readonly zeroTails: readonly string[];
}

/** Null when there is no GGUF. */
export function readGgufs(files: readonly CandidateFile[]): FormatFindings | null {
  const ggufs = files.filter((file) => /\.gguf$/i.test(file.path));
  if (ggufs.length === 0) return null;
  const byPath = new Map(ggufs.map((file) => [file.path, file]));
  const expected = new Map<string, number | null>();
  const sets = new Map<string, PartSet>();
  for (const file of ggufs) {
    const paths = splitParts(file.path);
    const key = paths[0] ?? file.path;
    if (!sets.has(key)) sets.set(key, readSet(paths, byPath, expected));
  }
  return findingsOf([...sets.values()], expected);
}

function findingsOf(sets: readonly PartSet[], expected: ReadonlyMap<string, number | null>): FormatFindings {
  const missing = sets.flatMap((set) => set.missing);
  const sound = sets.filter((set) => set.damage === null && set.headers.length === set.paths.length);
  const chosen = sound.find((set) => set.headers[0] !== undefined && ggufRole(set.headers[0]) === 'model') ?? sound[0] ?? null;
  // One that is still on its way may be the model: damage of the others is no verdict then.
  const hopeless = chosen === null && sets.every((set) => set.damage !== null);
  const damage = hopeless ? (sets[0]?.damage ?? null) : null;
  const others = sets.filter((set) => set !== chosen);
  return {
    expected,
    missing,
    damage,
    zeroTails: chosen?.zeroTails ?? [],
    profile: chosen === null ? null : ggufProfile(chosen.headers, chosen.paths),
    notes: chosen === null ? [] : others.map((set) => noteOf(set)),
  };
}

function noteOf(set: PartSet): string {
  const name = set.paths[0] ?? '';
  if (set.damage !== null) return `Also in the folder, and not usable: ${set.damage}`;
  const header = set.headers[0];
  const role = header === undefined ? 'other' : ggufRole(header);
  return `Also in the folder, and not served by itself: ${name} (${role === 'model' ? 'another model' : role}).`;
}

function readSet(paths: readonly string[], files: ReadonlyMap<string, CandidateFile>, expected: Map<string, number | null>): PartSet {
  const headers: GgufHeader[] = [];
  const missing: string[] = [];
  const tails: string[] = [];
  let damage: string | null = null;
  for (const path of paths) {
    const file = files.get(path);
    if (file === undefined) {
      missing.push(`${path}: not there yet`);
      expected.set(path, null);
      continue;
    }
    const source = file.open();
    const header = attempt(() => parseGguf(source));
    if (header instanceof FormatError) {
      expected.set(path, header.fault === 'truncated' || isBlank(source) ? null : file.bytes);
      if (expected.get(path) === null) missing.push(`${path}: its header is not complete`);
      else damage = `${path} is not a GGUF that can be read: ${header.message}.`;
      continue;
    }
    headers.push(header);
    damage ??= implausible(path, header);
    expected.set(path, header.fileBytes);
    if (header.fileBytes > file.bytes) missing.push(`${path}: ${header.fileBytes - file.bytes} bytes`);
    else tails.push(...zeroTails(path, source, header.tensors));
  }
  return { paths, headers, missing, damage: damage ?? mismatch(paths, headers), zeroTails: tails };
}

/** A preallocated file whose first bytes have not been written yet is not damaged. */
function isBlank(source: { read(offset: number, length: number): Uint8Array }): boolean {
  return source.read(0, 4096).every((byte) => byte === 0);
}

/** llama.cpp's library counts through the layers that the header claims before it looks for them: billions keep it busy for hours (I10). */
function implausible(path: string, { metadata }: GgufHeader): string | null {
  const layers = metadata.get(`${new GgufFacts(metadata).architecture}.block_count`);
  if (layers === undefined || (typeof layers === 'number' && layers <= MAX_LAYERS)) return null;
  return `${path} is not a GGUF that can be read: its number of layers is ${typeof layers === 'number' ? layers : 'no number'}; at most ${MAX_LAYERS} are possible.`;
}

/** Parts that name another number of parts than their file names do belong to another model. */
function mismatch(paths: readonly string[], headers: readonly GgufHeader[]): string | null {
  if (headers.length !== paths.length) return null;
  const first = headers[0]?.metadata.get('split.count');
  if (paths.length === 1 && typeof first === 'number' && first > 1) {
    return `${paths[0]} is one of ${first} parts, but its name does not say so: give the parts their names NAME-00001-of-${String(first).padStart(5, '0')}.gguf back.`;
  }
  const wrong = headers.findIndex((header, index) => paths.length > 1 && header.metadata.get('split.no') !== index);
  return wrong < 0 ? null : `${paths[wrong]} is not the part that its name says.`;
}
