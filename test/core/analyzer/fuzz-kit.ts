/**
 * Mutates the files of valid folders and has the analyzer look at them: every case is made from a seed, a format and a number alone, so that a
 * failure can be run again. What is asserted is in `runCase`; the samples are in `fuzz-samples.ts`.
 */
import type { ByteSource, ReadingWork } from '../../../main/core/analyzer/bytes.ts';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import type { CandidateFile } from '../../../main/core/analyzer/findings.ts';
import { bytesOf, type Contents } from './folder-of.ts';

const MIB = 1024 * 1024;
/** What one candidate may cost, whatever its files say. Far below what a person waits for, and what the inspecting worker has. */
export const BOUNDS = { bytesRead: 192 * MIB, steps: 20_000_000, largestRead: 16 * MIB };

export interface FuzzFormat {
  readonly name: string;
  /** Whole folders, each of which the analyzer understands. */
  readonly samples: readonly Contents[];
  /** Files that are mutated; the others stay as they are. */
  readonly mutates: RegExp;
}

export interface CaseWork {
  bytesRead: number;
  reads: number;
  largestRead: number;
  steps: number;
}

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** mulberry32: small, and good enough to choose bytes by. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }
}

/** Lengths and counts that are wrong in an interesting way. */
const NUMBERS = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0xffffn,
  0x7fffffffn,
  0xffffffffn,
  2n ** 32n,
  2n ** 46n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const WORDS = [
  ...['../../../../etc/passwd', '/etc/passwd', '..\\..\\x', 'C:\\x', '\u0000', '\u001b[2J', '-1', '1e999', '99999999999999999999', 'null'],
  ...['true', '""', '[]', '{}', '{', '}', '[', ']', '"', '<', '>', '<!DOCTYPE x>', 'NaN', '0.5', '__proto__', 'constructor', '\ud800'],
];
const BOMBS = [
  '[',
  '{"a":',
  '{',
  '<a>',
  '<layer>',
  'a{',
  '[[',
  '\u0009\u0000\u0000\u0000\u0001\u0000\u0000\u0000\u0000\u0000\u0000\u0000',
  ':\u007f',
  '"',
  ' ',
];

type Mutation = (bytes: Buffer, random: Random, other: Uint8Array) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  // A bit, or a few.
  (bytes, random) => {
    for (let left = 1 + random.below(4); left > 0 && bytes.length > 0; left -= 1) {
      const at = place(bytes, random);
      bytes[at] = bytes[at]! ^ (1 << random.below(8));
    }
    return bytes;
  },
  // A byte.
  (bytes, random) => {
    if (bytes.length > 0) bytes[place(bytes, random)] = random.pick([0, 1, 8, 9, 0x22, 0x5b, 0x7b, 0x7f, 0x80, 0xff, random.below(256)]);
    return bytes;
  },
  // The copy broke off.
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  // A length or a count blows up: 2, 4 or 8 bytes, or in groups of seven bits.
  (bytes, random) => {
    const value = random.pick(NUMBERS);
    const width = random.pick([2, 4, 8]);
    const at = place(bytes, random);
    for (let index = 0; index < width && at + index < bytes.length; index += 1)
      bytes[at + index] = Number((value >> BigInt(8 * index)) & 0xffn);
    return bytes;
  },
  (bytes, random) => {
    const at = place(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(random.below(12), 0xff), Buffer.from([0x7f]), bytes.subarray(at + 1)]);
  },
  // A piece of it, or of another file, at another place.
  (bytes, random, other) => {
    const from = random.pick<Uint8Array>([bytes, other]);
    const start = random.below(from.length + 1);
    const piece = from.subarray(start, start + random.below(Math.min(400, from.length - start) + 1));
    const at = place(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + random.pick([0, piece.length]))]);
  },
  // A piece is gone.
  (bytes, random) => {
    const at = place(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.below(64))]);
  },
  // A stretch was not written yet.
  (bytes, random) => {
    const at = place(bytes, random);
    return bytes.fill(0, at, Math.min(bytes.length, at + random.below(4096)));
  },
  // Words that mean something to somebody.
  (bytes, random) => {
    const at = place(bytes, random);
    const word = Buffer.from(random.pick(WORDS));
    return Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at + random.pick([0, 1, word.length]))]);
  },
  // A figure in a text.
  (bytes, random) => {
    const text = bytes.toString('latin1');
    const figures = [...text.matchAll(/\d+/g)];
    if (figures.length === 0) return bytes;
    const figure = random.pick(figures);
    const end = figure.index + figure[0].length;
    return Buffer.from(
      `${text.slice(0, figure.index)}${random.pick([...NUMBERS.map(String), '-1', '1e308', '0.1'])}${text.slice(end)}`,
      'latin1',
    );
  },
  // Nesting without end.
  (bytes, random) => {
    const at = place(bytes, random);
    const bomb = Buffer.from(random.pick(BOMBS).repeat(random.pick([3, 40, 200, 20_000])));
    return Buffer.concat([bytes.subarray(0, at), bomb, bytes.subarray(at)]);
  },
];

/** Headers lie at the beginning: most mutations do too. */
function place(bytes: Uint8Array, random: Random): number {
  const reach = random.pick([16, 256, bytes.length, bytes.length]);
  return random.below(Math.max(1, Math.min(reach, bytes.length)));
}

/** How much longer a file says that it is than its bytes: the rest reads as zeros. */
const GROWTHS = [64 * 1024, 3 * MIB, 2 ** 33, 2 ** 45];

export function mutated(format: FuzzFormat, random: Random): { files: CandidateFile[]; work: CaseWork; meter: ReadingWork } {
  const contents = random.pick(format.samples);
  const names = Object.keys(contents);
  const targets = names.filter((name) => format.mutates.test(name));
  const changed = new Set([random.pick(targets), ...(random.below(4) === 0 ? [random.pick(targets)] : [])]);
  const other = bytesOf(random.pick(Object.values(random.pick(format.samples))));
  const work: CaseWork = { bytesRead: 0, reads: 0, largestRead: 0, steps: 0 };
  const meter: ReadingWork = { steps: 0 };
  const files = names.flatMap((path): CandidateFile[] => {
    let bytes = Buffer.from(bytesOf(contents[path]!));
    let grownBy = 0;
    if (changed.has(path)) {
      if (random.below(40) === 0) return [];
      for (let left = random.pick([1, 1, 1, 2, 3, 6]); left > 0; left -= 1)
        bytes = Buffer.from(random.pick(MUTATIONS)(bytes, random, other));
      if (random.below(25) === 0) grownBy = random.pick(GROWTHS);
    }
    const length = bytes.length + grownBy;
    return [{ path, bytes: length, open: () => metered(bytes, length, work, meter) }];
  });
  return { files, work, meter };
}

function metered(bytes: Uint8Array, length: number, work: CaseWork, meter: ReadingWork): ByteSource {
  return {
    bytes: length,
    work: meter,
    read(offset, wanted) {
      if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(wanted) || offset < 0 || wanted < 0) {
        throw new Error(`read(${offset}, ${wanted}) is no place in a file`);
      }
      work.reads += 1;
      work.bytesRead += wanted;
      work.largestRead = Math.max(work.largestRead, wanted);
      // Before it is made: what asks for too much must fail by the bound, not by the machine's memory.
      if (wanted > BOUNDS.largestRead) throw new Error(`read(${offset}, ${wanted}) asks for more than ${BOUNDS.largestRead} bytes`);
      const whole = new Uint8Array(Math.max(0, Math.min(wanted, length - offset)));
      whole.set(bytes.subarray(offset, offset + whole.length));
      return whole;
    },
  };
}

/** The seed of one case: the same for the same seed, format and number. */
function seedOf(seed: number, format: string, index: number): number {
  let hash = seed ^ Math.imul(index + 1, 0x9e3779b1);
  for (const letter of format) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}

/** Runs one case. @throws what the analyzer threw, or a sentence on the bound that it broke. */
export function runCase(format: FuzzFormat, seed: number, index: number): CaseWork {
  const random = new Random(seedOf(seed, format.name, index));
  const { files, work, meter } = mutated(format, random);
  return analyzed(files, work, meter, random.below(2) === 0);
}

/** The same for one folder as it is. */
export function runFolder(contents: Contents): CaseWork {
  const work: CaseWork = { bytesRead: 0, reads: 0, largestRead: 0, steps: 0 };
  const meter: ReadingWork = { steps: 0 };
  const files = Object.entries(contents).map(([path, content]): CandidateFile => {
    const bytes = bytesOf(content);
    return { path, bytes: bytes.length, open: () => metered(bytes, bytes.length, work, meter) };
  });
  return analyzed(files, work, meter, false);
}

function analyzed(files: readonly CandidateFile[], work: CaseWork, meter: ReadingWork, force: boolean): CaseWork {
  const analysis = analyzeCandidate(files, force);
  work.steps = meter.steps;
  for (const [what, most] of Object.entries(BOUNDS) as [keyof typeof BOUNDS, number][]) {
    if (work[what] > most) throw new Error(`${what} is ${work[what]}, more than ${most}`);
  }
  checkAnswer(analysis, files);
  return work;
}

/** The answer names no file outside the folder, claims nothing whole that is not there, and holds plain figures. */
function checkAnswer(analysis: ReturnType<typeof analyzeCandidate>, files: readonly CandidateFile[]): void {
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
  // What goes over HTTP and into the store: figures that JSON cannot hold would become null on the way.
  const odd = /:(?:NaN|-?Infinity)/.exec(
    JSON.stringify(profile, (_key, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value)),
  );
  if (odd !== null) throw new Error(`a figure of the profile is ${odd[0].slice(1)}`);
}
