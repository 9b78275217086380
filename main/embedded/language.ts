/**
 * Regular languages of single characters: what a text or a number may be, put together from parts, and brought into the notation of llama.cpp's
 * grammars as a deterministic automaton, so that one place of it is open at a time whatever the parts were. By derivatives: J. A. Brzozowski,
 * "Derivatives of Regular Expressions", Journal of the ACM 11 (1964). Pure.
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

/** A part of its own making, such as a comparison of digits with a bound: what it is after a character; null: no such text. */
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

/** More states than this, of one text or number, are refused (I10). */
const MOST_STATES = 6000;
/** Parts looked at in one search: some hundred milliseconds. */
const MOST_WORK = 600_000;

/** Short names for parts, equal for equal ones: what they are made of is compared once. Emptied behind each search. */
const names = new Map<string, string>();
let lastName = 0;
let work = 0;

function nameOf(made: string): string {
  const known = names.get(made);
  if (known !== undefined) return known;
  const name = `#${++lastName}`;
  names.set(made, name);
  return name;
}

function visit(): void {
  if (++work > MOST_WORK) throw new TooManyStates('it takes too long to work out');
}

export class TooManyStates extends RangeError {}

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
  if (first.kind === 'sequence') return followed(first.first, followed(first.then, then));
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
  return [...new Map(all.map((part) => [part.key, part])).values()].toSorted((left, right) => (left.key < right.key ? -1 : 1));
}

function keyOf(sign: string, parts: readonly Language[]): string {
  return nameOf(parts.map(({ key }) => key).join(sign));
}

function isNullable(language: Language): boolean {
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

/** What may follow the character. */
function after(language: Language, character: number): Language {
  visit();
  switch (language.kind) {
    case 'none':
    case 'empty':
      return NONE;
    case 'set':
      return language.set.some(([first, last]) => character >= first && character <= last) ? EMPTY : NONE;
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

/** Sets of characters that lead to the same state. */
function classes(language: Language): readonly Characters[] {
  const cuts = new Set<number>([0]);
  collectCuts(language, cuts);
  const starts = [...cuts].toSorted((left, right) => left - right);
  return starts.map((start, index) => [[start, (starts[index + 1] ?? LAST_CHARACTER + 1) - 1]] as const);
}

/** Where a range of characters begins that may differ from the one in front of it. */
function collectCuts(language: Language, cuts: Set<number>): void {
  const add = (set: Characters) => {
    for (const [first, last] of set) {
      cuts.add(first);
      if (last < LAST_CHARACTER) cuts.add(last + 1);
    }
  };
  switch (language.kind) {
    case 'none':
    case 'empty':
      return;
    case 'set':
      return add(language.set);
    case 'machine':
      for (const set of language.machine.alphabet) add(set);
      return;
    case 'sequence':
      collectCuts(language.first, cuts);
      if (isNullable(language.first)) collectCuts(language.then, cuts);
      return;
    case 'either':
    case 'both':
      for (const part of language.parts) collectCuts(part, cuts);
      return;
    case 'repeat':
      return collectCuts(language.of, cuts);
    default:
      language satisfies never;
  }
}

export interface State {
  readonly accepts: boolean;
  /** Disjoint sets of characters, each with the number of the state behind it. */
  readonly steps: readonly { readonly set: Characters; readonly to: number }[];
}

/**
 * The automaton: its first state comes first, and from each state the end can be reached.
 * @returns null when there is no such text. @throws TooManyStates.
 */
export function automaton(language: Language): readonly State[] | null {
  work = 0;
  try {
    return withoutDeadEnds(search(language));
  } finally {
    names.clear();
  }
}

function search(language: Language): readonly State[] {
  const numbers = new Map<string, number>([[language.key, 0]]);
  const found: Language[] = [language];
  const states: { accepts: boolean; steps: { set: Characters; to: number }[] }[] = [];
  for (let at = 0; at < found.length; at++) {
    const here = found[at] ?? NONE;
    const to = new Map<number, (readonly [number, number])[]>();
    const sets = classes(here);
    for (const set of sets) {
      const next = after(here, set[0]?.[0] ?? 0);
      if (next.kind === 'none') continue;
      let number = numbers.get(next.key);
      if (number === undefined) {
        number = found.push(next) - 1;
        if (number >= MOST_STATES) throw new TooManyStates('it has too many states');
        numbers.set(next.key, number);
      }
      to.set(number, [...(to.get(number) ?? []), ...set]);
    }
    states.push({ accepts: isNullable(here), steps: [...to].map(([number, ranges]) => ({ set: union(ranges), to: number })) });
  }
  return states;
}

function withoutDeadEnds(states: readonly State[]): readonly State[] | null {
  const before: number[][] = states.map(() => []);
  for (const [from, { steps }] of states.entries()) for (const { to } of steps) before[to]?.push(from);
  const alive = new Set<number>(states.flatMap(({ accepts }, at) => (accepts ? [at] : [])));
  for (const at of alive) for (const from of before[at] ?? []) alive.add(from);
  if (!alive.has(0)) return null;
  const kept = new Map([...states.keys()].filter((at) => alive.has(at)).map((at, number) => [at, number]));
  const reached = (steps: State['steps']) =>
    steps.flatMap(({ set, to }) => {
      const number = kept.get(to);
      return number === undefined ? [] : [{ set, to: number }];
    });
  return states.flatMap(({ accepts, steps }, at) => (kept.has(at) ? [{ accepts, steps: reached(steps) }] : []));
}

/** Characters of the shortest and the longest text; the longest is infinite where states lead back to themselves. */
export function lengths(states: readonly State[]): readonly [shortest: number, longest: number] {
  let shortest = Number.POSITIVE_INFINITY;
  let here = new Set([0]);
  // A text of more characters than there are states passes one of them twice.
  for (let length = 0; length < states.length; length++) {
    const next = new Set<number>();
    for (const at of here) {
      if (states[at]?.accepts) shortest = Math.min(shortest, length);
      for (const { to } of states[at]?.steps ?? []) next.add(to);
    }
    if (next.size === 0) return [shortest, length];
    here = next;
  }
  return [shortest, Number.POSITIVE_INFINITY];
}
