/**
 * What becomes of a file's bytes before the analyzer sees them: broken copies, lengths that lie,
 * nesting without end. Knows no format.
 */

const NEIGHBOURHOOD_BYTES = 8192;

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
  '../../../../etc/passwd',
  '/etc/passwd',
  '..\\..\\x',
  'C:\\x',
  '\u0000',
  '\u001b[2J',
  '-1',
  '1e999',
  '99999999999999999999',
  'null',
  'true',
  '""',
  '[]',
  '{}',
  '{',
  '}',
  '[',
  ']',
  '"',
  '<',
  '>',
  '<!DOCTYPE x>',
  'NaN',
  '0.5',
  '__proto__',
  'constructor',
  '\ud800',
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

/** Somewhere in the bytes that a change says something. */
export type Place = (bytes: Uint8Array) => number;
type Mutation = (bytes: Buffer, random: Random, place: Place, other: Uint8Array) => Buffer;

export const MUTATIONS: readonly Mutation[] = [
  // A bit, or a few.
  (bytes, random, place) => {
    for (let left = 1 + random.below(4); left > 0 && bytes.length > 0; left -= 1) {
      const at = place(bytes);
      bytes[at] = bytes[at]! ^ (1 << random.below(8));
    }
    return bytes;
  },
  // A byte.
  (bytes, random, place) => {
    if (bytes.length > 0) bytes[place(bytes)] = random.pick([0, 1, 8, 9, 0x22, 0x5b, 0x7b, 0x7f, 0x80, 0xff, random.below(256)]);
    return bytes;
  },
  // The copy broke off.
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  // A length or a count blows up: 2, 4 or 8 bytes, or in groups of seven bits.
  (bytes, random, place) => {
    const value = random.pick(NUMBERS);
    const width = random.pick([2, 4, 8]);
    const at = place(bytes);
    for (let index = 0; index < width && at + index < bytes.length; index += 1)
      bytes[at + index] = Number((value >> BigInt(8 * index)) & 0xffn);
    return bytes;
  },
  (bytes, random, place) => {
    const at = place(bytes);
    return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(random.below(12), 0xff), Buffer.from([0x7f]), bytes.subarray(at + 1)]);
  },
  // A piece of it, or of another file, at another place.
  (bytes, random, place, other) => {
    const from = random.pick<Uint8Array>([bytes, other]);
    const start = random.below(from.length + 1);
    const piece = from.subarray(start, start + random.below(Math.min(400, from.length - start) + 1));
    const at = place(bytes);
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + random.pick([0, piece.length]))]);
  },
  // A piece is gone.
  (bytes, random, place) => {
    const at = place(bytes);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.below(64))]);
  },
  // A stretch was not written yet.
  (bytes, random, place) => {
    const at = place(bytes);
    return bytes.fill(0, at, Math.min(bytes.length, at + random.below(4096)));
  },
  // Words that mean something to somebody.
  (bytes, random, place) => {
    const at = place(bytes);
    const word = Buffer.from(random.pick(WORDS));
    return Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at + random.pick([0, 1, word.length]))]);
  },
  // A figure in a text, in the neighbourhood where the file is long.
  (bytes, random, place) => {
    const from = Math.max(0, bytes.length > NEIGHBOURHOOD_BYTES ? place(bytes) - NEIGHBOURHOOD_BYTES / 2 : 0);
    const text = bytes.toString('latin1', from, from + NEIGHBOURHOOD_BYTES);
    const figures = [...text.matchAll(/\d+/g)];
    if (figures.length === 0) return bytes;
    const figure = random.pick(figures);
    const start = from + figure.index;
    const other = Buffer.from(random.pick([...NUMBERS.map(String), '-1', '1e308', '0.1']));
    return Buffer.concat([bytes.subarray(0, start), other, bytes.subarray(start + figure[0].length)]);
  },
  // Nesting without end.
  (bytes, random, place) => {
    const at = place(bytes);
    const bomb = Buffer.from(random.pick(BOMBS).repeat(random.pick([3, 40, 200, 20_000])));
    return Buffer.concat([bytes.subarray(0, at), bomb, bytes.subarray(at)]);
  },
];

/** Headers lie at the beginning: most mutations do too. */
export function anywhere(random: Random): Place {
  return (bytes) => {
    const reach = random.pick([16, 256, bytes.length, bytes.length]);
    return random.below(Math.max(1, Math.min(reach, bytes.length)));
  };
}

/**
 * Where structure lies; a mutation before this one may have moved it a little. One in eight goes
 * anywhere.
 */
export function within(spans: readonly (readonly [from: number, to: number])[], random: Random): Place {
  const elsewhere = anywhere(random);
  return (bytes) => {
    if (spans.length === 0 || random.below(8) === 0) return elsewhere(bytes);
    const [from, to] = random.pick(spans);
    return Math.min(from + random.below(to - from), Math.max(0, bytes.length - 1));
  };
}
