/**
 * Scans a JSON text without parsing it: its top-level members, its depth and its number of values,
 * so that a body can be refused before memory is spent on it. Checks the structure only; the parser
 * finds other errors. Pure.
 */

export interface OutlineBounds {
  /** Arrays and objects inside each other. */
  readonly depth: number;
  /** Values of every kind, and the keys of objects. */
  readonly values: number;
}

export interface MemberSize {
  /** Of a list, an empty one counting as one of one item; 0: it is no list. */
  readonly items: number;
  /** In it, of every kind but numbers; keys and commas, also its own, count as well. */
  readonly values: number;
}

/** A member of the object at the top. */
export interface OutlineMember extends MemberSize {
  /** Where its value stands: the first byte, and the one after the last. */
  readonly start: number;
  readonly end: number;
}

export type Outline =
  /**
   * `at`: the member that is too deep, with its place in the list where it is one: `messages.0`.
   */
  | { readonly kind: 'too-deep'; readonly at: string }
  | { readonly kind: 'too-many' }
  /** Not an object, or its brackets and quotes do not close. */
  | { readonly kind: 'broken' }
  /** Of two equal keys the later counts, as it does for JSON.parse. */
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, OutlineMember> };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const BLANK = 0x20;
/** Bytes of numbers: one after another of them changes nothing. */
const MEANS_NOTHING = new Uint8Array(256);
for (const char of '0123456789.+-eE') MEANS_NOTHING[char.charCodeAt(0)] = 1;
/** Keys at the top that anybody reads are shorter; longer ones keep no memory. */
const LONGEST_KEY_BYTES = 200;
const MOST_MEMBERS = 1_000;
/** Scanned in 0.1 to 0.4 ms, whatever is in it. */
const PAUSE_BYTES = 64 * 1024;

/** @param pause called after each part of the text, which takes some tenths of a millisecond. */
export function outlineOf(text: Uint8Array, { depth: mostDepth, values: mostValues }: OutlineBounds, pause = (): void => {}): Outline {
  const members = new Map<string, OutlineMember>();
  let depth = 0;
  let values = 0;
  let at = 0;
  let pauseAt = PAUSE_BYTES;
  let key: string | null = null;
  let valueStart = -1;
  /** In the list that the member is; -1 where it is none. */
  let index = -1;
  /** When the last member ended; at first the object itself. */
  let valuesBefore = 1;
  const endMember = (end: number): void => {
    if (key !== null && valueStart >= 0 && (members.size < MOST_MEMBERS || members.has(key)))
      members.set(key, { start: valueStart, end, items: index + 1, values: values - valuesBefore });
    key = null;
    valueStart = -1;
    index = -1;
    valuesBefore = values;
  };
  while (at < text.length) {
    const byte = text[at] as number;
    if (byte === QUOTE) {
      const end = endOfString(text, at);
      if (end === -1) return { kind: 'broken' };
      if (depth === 0) return { kind: 'broken' };
      values += 1;
      if (depth === 1) {
        if (key === null) key = keyIn(text, at, end);
        else if (valueStart === -1) valueStart = at;
      }
      at = end;
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (depth === 0 && (byte === OPEN_LIST || values > 0)) return { kind: 'broken' };
      if (depth === 1 && valueStart === -1) valueStart = at;
      values += 1;
      depth += 1;
      if (depth === 2) index = byte === OPEN_LIST ? 0 : -1;
      if (depth > mostDepth) return { kind: 'too-deep', at: `${key ?? ''}${index === -1 ? '' : `.${index}`}` };
      at += 1;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      if (depth === 0) return { kind: 'broken' };
      if (depth === 1) endMember(at);
      depth -= 1;
      at += 1;
    } else if (byte === COMMA) {
      values += 1;
      if (depth === 1) endMember(at);
      else if (depth === 2 && index !== -1) index += 1;
      at += 1;
    } else {
      if (depth === 1 && valueStart === -1 && key !== null && byte > BLANK && byte !== COLON) valueStart = at;
      at += 1;
      // Numbers and blanks, the most of a large body that holds no texts.
      if (depth !== 1 || valueStart !== -1) while (MEANS_NOTHING[text[at] as number] === 1) at += 1;
    }
    if (values > mostValues) return { kind: 'too-many' };
    if (at >= pauseAt) {
      pauseAt = at + PAUSE_BYTES;
      pause();
    }
  }
  return depth === 0 && values > 0 ? { kind: 'object', members } : { kind: 'broken' };
}

/** @returns the place after its closing quote; -1 when there is none. */
function endOfString(text: Uint8Array, start: number): number {
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf(QUOTE, from);
    if (quote === -1) return -1;
    let slashes = 0;
    while (text[quote - 1 - slashes] === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
    from = quote + 1;
  }
}

function keyIn(text: Uint8Array, start: number, end: number): string {
  if (end - start > LONGEST_KEY_BYTES) return '';
  try {
    return JSON.parse(new TextDecoder().decode(text.subarray(start, end))) as string;
  } catch {
    return '';
  }
}

/**
 * Can it be deeper than this at all? Counts brackets, within strings too; ordinary texts have few,
 * and pay next to nothing.
 */
export function hasFewBrackets(text: Uint8Array, most: number): boolean {
  return hasFew([OPEN_LIST, OPEN_OBJECT], text, most);
}

/** The same for the keys of its objects: counts colons. */
export function hasFewKeys(text: Uint8Array, most: number): boolean {
  return hasFew([COLON], text, most);
}

function hasFew(signs: readonly number[], text: Uint8Array, most: number): boolean {
  let count = 0;
  for (const sign of signs) {
    for (let at = text.indexOf(sign); at !== -1; at = text.indexOf(sign, at + 1)) {
      count += 1;
      if (count > most) return false;
    }
  }
  return true;
}
