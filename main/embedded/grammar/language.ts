/**
 * Regular languages of single characters: the allowed forms of a text or number, built from parts,
 * and the rest of a language after one character. By derivatives: J. A. Brzozowski, "Derivatives of
 * Regular Expressions", Journal of the ACM 11 (1964). No I/O.
 */

/** Sorted, disjoint ranges of code points, both ends included. */
export type Characters = readonly (readonly [first: number, last: number])[];

export const LAST_CHARACTER = 0x10ffff;
export const ANY_CHARACTER: Characters = [[0, LAST_CHARACTER]];

export function union(ranges: Characters): Characters {
  const whole: [number, number][] = [];
  for (const [first, last] of ranges.toSorted((left, right) => left[0] - right[0])) {
    const end = whole.at(-1);
    if (end !== undefined && first <= end[1] + 1) end[1] = Math.max(end[1], last);
    else whole.push([first, last]);
  }
  return whole;
}

export function complement(ranges: Characters): Characters {
  const whole: [number, number][] = [];
  let next = 0;
  for (const [first, last] of ranges) {
    if (first > next) whole.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST_CHARACTER) whole.push([next, LAST_CHARACTER]);
  return whole;
}

export function intersection(left: Characters, right: Characters): Characters {
  return left.flatMap(([first, last]) =>
    right
      .filter((range) => range[0] <= last && range[1] >= first)
      .map((range) => [Math.max(first, range[0]), Math.min(last, range[1])] as const),
  );
}

/**
 * A part of its own making, such as a comparison of digits with a bound: what it is after a
 * character; null: no such text.
 */
export interface Machine {
  /** Equal for equal states. */
  readonly key: string;
  readonly accepts: boolean;
  /** Characters that lead to different states are in different sets. */
  readonly alphabet: readonly Characters[];
  step(this: Machine, character: number): Machine | null;
}

export type Language =
  | { readonly kind: 'none' | 'empty'; readonly key: string }
  | { readonly kind: 'set'; readonly key: string; readonly set: Characters }
  | { readonly kind: 'machine'; readonly key: string; readonly machine: Machine }
  | { readonly kind: 'sequence'; readonly key: string; readonly first: Language; readonly then: Language }
  | { readonly kind: 'either' | 'both'; readonly key: string; readonly parts: readonly Language[] }
  | { readonly kind: 'repeat'; readonly key: string; readonly of: Language; readonly least: number; readonly most: number | null };

/** Parts that may still be looked at. */
let workLeft = Number.POSITIVE_INFINITY;

/**
 * Short names for parts, equal for equal ones: what they are made of is compared once. Emptied
 * behind each search.
 */
const names = new Map<string, string>();
let lastName = 0;

function nameOf(made: string): string {
  const known = names.get(made);
  if (known !== undefined) return known;
  const name = `#${++lastName}`;
  names.set(made, name);
  return name;
}

/** Bounds the work of what follows, until it is called again: 100,000 parts take some 30 ms. */
export function allowWork(parts: number): void {
  workLeft = parts;
}

/** @throws TooMuchWork where no more is allowed. */
export function spendWork(parts: number): void {
  workLeft -= parts;
  if (workLeft < 0) throw new TooMuchWork('it takes too long to work out');
}

export class TooManyStates extends RangeError {}
export class TooMuchWork extends RangeError {}

/** Why it cannot be carried out: what V8 says where its stack is full are no words for people. */
export function whyRefused({ message }: Error): string {
  return message.includes('call stack') ? 'it has too many parts' : message;
}

export const NONE: Language = { kind: 'none', key: '0' };
export const EMPTY: Language = { kind: 'empty', key: 'e' };

export function characters(set: Characters): Language {
  return set.length === 0 ? NONE : { kind: 'set', key: nameOf(`[${set.join(';')}]`), set };
}

export function text(literal: string): Language {
  const codes = Array.from(literal, (character) => character.codePointAt(0) ?? 0);
  return sequence(codes.map((code) => characters([[code, code]])));
}

export function machine(made: Machine | null): Language {
  return made === null ? NONE : { kind: 'machine', key: nameOf(`m${made.key}`), machine: made };
}

export function sequence(parts: readonly Language[]): Language {
  return parts.reduceRight((then, first) => followed(first, then), EMPTY);
}

function followed(first: Language, then: Language): Language {
  if (first.kind === 'none' || then.kind === 'none') return NONE;
  if (first.kind === 'empty') return then;
  if (then.kind === 'empty') return first;
  if (first.kind === 'sequence') {
    spendWork(1);
    return followed(first.first, followed(first.then, then));
  }
  return { kind: 'sequence', key: nameOf(`(${first.key}${then.key})`), first, then };
}

export function either(parts: readonly Language[]): Language {
  const distinct = flattened('either', parts).filter(({ kind }) => kind !== 'none');
  return distinct.length < 2 ? (distinct[0] ?? NONE) : { kind: 'either', key: keyOf('|', distinct), parts: distinct };
}

export function both(parts: readonly Language[]): Language {
  const distinct = flattened('both', parts);
  if (distinct.some(({ kind }) => kind === 'none')) return NONE;
  return distinct.length < 2 ? (distinct[0] ?? NONE) : { kind: 'both', key: keyOf('&', distinct), parts: distinct };
}

/** @param most null: any number. */
export function repeated(of: Language, least: number, most: number | null): Language {
  if (most === 0 || of.kind === 'empty') return EMPTY;
  if (of.kind === 'none') return least === 0 ? EMPTY : NONE;
  if (least === 1 && most === 1) return of;
  // What may be empty may be left out.
  const fewest = isNullable(of) ? 0 : least;
  return { kind: 'repeat', key: nameOf(`{${of.key},${fewest},${most ?? ''}}`), of, least: fewest, most };
}

export const ANY_TEXT = repeated(characters(ANY_CHARACTER), 0, null);

function flattened(kind: 'either' | 'both', parts: readonly Language[]): readonly Language[] {
  const all = parts.flatMap((part) => (part.kind === kind ? part.parts : [part]));
  // Who made `parts` has spent work on each, but not on the parts of these.
  spendWork(Math.max(0, all.length - parts.length));
  return [...new Map(all.map((part) => [part.key, part])).values()].toSorted((left, right) => (left.key < right.key ? -1 : 1));
}

function keyOf(sign: string, parts: readonly Language[]): string {
  return nameOf(parts.map(({ key }) => key).join(sign));
}

export function isNullable(language: Language): boolean {
  switch (language.kind) {
    case 'none':
    case 'set':
      return false;
    case 'empty':
      return true;
    case 'machine':
      return language.machine.accepts;
    case 'sequence':
      return isNullable(language.first) && isNullable(language.then);
    case 'either':
      return language.parts.some(isNullable);
    case 'both':
      return language.parts.every(isNullable);
    case 'repeat':
      return language.least === 0;
    default:
      return language satisfies never;
  }
}

function has(set: Characters, character: number): boolean {
  let [low, high] = [0, set.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((set[middle]?.[1] ?? 0) < character) low = middle + 1;
    else high = middle;
  }
  return (set[low]?.[0] ?? Number.POSITIVE_INFINITY) <= character;
}

/** What may follow the character. */
export function after(language: Language, character: number): Language {
  spendWork(1);
  switch (language.kind) {
    case 'none':
    case 'empty':
      return NONE;
    case 'set':
      return has(language.set, character) ? EMPTY : NONE;
    case 'machine':
      return machine(language.machine.step(character));
    case 'sequence': {
      const inside = followed(after(language.first, character), language.then);
      return isNullable(language.first) ? either([inside, after(language.then, character)]) : inside;
    }
    case 'either':
      return either(language.parts.map((part) => after(part, character)));
    case 'both':
      return both(language.parts.map((part) => after(part, character)));
    case 'repeat': {
      const { of, least, most } = language;
      return followed(after(of, character), repeated(of, Math.max(0, least - 1), most === null ? null : most - 1));
    }
    default:
      return language satisfies never;
  }
}

/** Behind a search: what was compared is forgotten. */
export function forgetNames(): void {
  names.clear();
}
