/**
 * Mutates the files of valid folders and has the analyzer look at them: every case is made from a
 * seed, a format and a number alone, so that a failure can be run again. What is asserted is in
 * `analyzed`; the samples are in `fuzz-samples.ts`, the bounds in `fuzz-meter.ts`.
 */
import { type Analysis, analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import type { CandidateFile } from '../../../main/core/analyzer/findings.ts';
import { MIB } from '../../../shared/units.ts';
import { bytesOf, type Contents } from './folder-of.ts';
import { type CaseWork, type MemoryWatch, Meter, metered } from './fuzz-meter.ts';
import { anywhere, MUTATIONS, type Place, Random, within } from './fuzz-mutations.ts';
import type { RealFile, RealSample } from './fuzz-real.ts';

export interface FuzzFormat {
  readonly name: string;
  /** Whole folders, each of which the analyzer understands. */
  readonly samples: readonly Contents[];
  /** The same of real models. */
  readonly real: readonly RealSample[];
  /** Files that are mutated; the others stay as they are. */
  readonly mutates: RegExp;
}

/** What looks at the files: the analyzer, or one that is broken on purpose. */
export type Analyzer = (files: readonly CandidateFile[], force: boolean) => Analysis;

/** Of a file that is longer, so much is mutated. */
const PART_BYTES = 64 * 1024;

/** How much longer a file says that it is than its bytes: the rest reads as zeros. */
const GROWTHS = [64 * 1024, 3 * MIB, 2 ** 33, 2 ** 45];

/** A folder in one shape, wherever it comes from. */
export function realOf(contents: Contents): RealSample {
  return Object.fromEntries(
    Object.entries(contents).map(([path, content]): [string, RealFile] => {
      const head = bytesOf(content);
      return [path, { head, bytes: head.length, spans: [] }];
    }),
  );
}

export function filesOf(sample: RealSample, meter: Meter): CandidateFile[] {
  return Object.entries(sample).map(([path, { head, bytes }]) => ({ path, bytes, open: () => metered([head], bytes, bytes, meter) }));
}

function mutated(format: FuzzFormat, random: Random, meter: Meter): CandidateFile[] {
  const number = random.below(format.samples.length + format.real.length);
  const made = format.samples[number];
  const sample = made === undefined ? format.real[number - format.samples.length]! : realOf(made);
  const names = Object.keys(sample);
  const targets = names.filter((name) => format.mutates.test(name));
  const changed = new Set([random.pick(targets), ...(random.below(4) === 0 ? [random.pick(targets)] : [])]);
  const other = bytesOf(random.pick(Object.values(random.pick(format.samples))));
  return names.flatMap((path): CandidateFile[] => {
    const { head, bytes, spans } = sample[path]!;
    const behind = bytes - head.length;
    if (!changed.has(path)) return [{ path, bytes, open: () => metered([head], bytes, bytes, meter) }];
    if (random.below(40) === 0) return [];
    const pieces = mutatedPieces(head, spans, random, other);
    const filledTo = pieces.reduce((sum, piece) => sum + piece.length, 0) + behind;
    const length = filledTo + (random.below(25) === 0 ? random.pick(GROWTHS) : 0);
    return [{ path, bytes: length, open: () => metered(pieces, filledTo, length, meter) }];
  });
}

/** What becomes of a file. Of a long one a part is mutated, and the rest is not copied. */
function mutatedPieces(head: Uint8Array, spans: RealFile['spans'], random: Random, other: Uint8Array): readonly Uint8Array[] {
  const from = head.length > PART_BYTES ? Math.max(0, placeIn(spans, random)(head) - random.below(PART_BYTES)) : 0;
  const to = Math.min(head.length, from + PART_BYTES);
  const inPart = spans.map(([start, end]): [number, number] => [Math.max(start, from) - from, Math.min(end, to) - from]);
  const place = placeIn(
    inPart.filter(([start, end]) => start < end),
    random,
  );
  let part: Buffer = Buffer.from(head.subarray(from, to));
  for (let left = random.pick([1, 1, 1, 2, 3, 6]); left > 0; left -= 1) part = random.pick(MUTATIONS)(part, random, place, other);
  const rest = to < head.length && random.below(10) === 0 ? [] : [head.subarray(to)];
  return [head.subarray(0, from), part, ...rest];
}

function placeIn(spans: RealFile['spans'], random: Random): Place {
  return spans.length > 0 ? within(spans, random) : anywhere(random);
}

/** The seed of one case: the same for the same seed, format and number. */
function seedOf(seed: number, format: string, index: number): number {
  let hash = seed ^ Math.imul(index + 1, 0x9e3779b1);
  for (const letter of format) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}

/** Runs one case. @throws what the analyzer threw, or a sentence on the bound that it broke. */
export function runCase(
  format: FuzzFormat,
  seed: number,
  index: number,
  watch: MemoryWatch | null = null,
  analyzer: Analyzer = analyzeCandidate,
): CaseWork {
  const random = new Random(seedOf(seed, format.name, index));
  const meter = new Meter(watch);
  return analyzed(mutated(format, random, meter), meter, random.below(2) === 0, analyzer);
}

/** The same for one folder as it is. */
export function runFolder(contents: Contents, watch: MemoryWatch | null = null): CaseWork {
  const meter = new Meter(watch);
  return analyzed(filesOf(realOf(contents), meter), meter, false, analyzeCandidate);
}

function analyzed(files: readonly CandidateFile[], meter: Meter, force: boolean, analyzer: Analyzer): CaseWork {
  const analysis = analyzer(files, force);
  const work = meter.settle();
  checkAnswer(analysis, files);
  return work;
}

/**
 * The answer names no file outside the folder, claims nothing whole that is not there, and holds
 * plain figures.
 */
function checkAnswer(analysis: Analysis, files: readonly CandidateFile[]): void {
  const { profile, whole, missing, damage } = analysis;
  const there = new Set(files.map(({ path }) => path));
  if (whole && (missing.length > 0 || damage !== null)) throw new Error('it is whole, and something is missing or damaged');
  if (profile === null) return;
  for (const form of profile.forms) {
    const named = [...form.files, ...form.codeFiles, ...(form.companions ?? []).map(({ file }) => file)];
    for (const name of named) {
      if (/^\/|(?:^|[\\/])\.\.(?:[\\/]|$)|\\/.test(name)) throw new Error(`the ${form.kind} form names ${JSON.stringify(name)}`);
      if (whole && !there.has(name))
        throw new Error(`the ${form.kind} form of a whole model names ${JSON.stringify(name)}, which is not there`);
    }
  }
  for (const { file } of profile.problems) {
    if (/^\/|(?:^|[\\/])\.\.(?:[\\/]|$)/.test(file)) throw new Error(`a problem names ${JSON.stringify(file)}`);
  }
  // What goes over HTTP and into the store: figures that JSON cannot hold would become null on the
  // way.
  const odd = /:(?:NaN|-?Infinity)/.exec(
    JSON.stringify(profile, (_key, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value)),
  );
  if (odd !== null) throw new Error(`a figure of the profile is ${odd[0].slice(1)}`);
}
