/**
 * Turns a language into a deterministic automaton, which has one active state at a time, whatever
 * its parts were. Pure.
 */
import { after, type Characters, forgetNames, isNullable, LAST_CHARACTER, type Language, NONE, TooManyStates, union } from './language.ts';

/** More states than this, of one text or number, are refused (I10). */
const MOST_STATES = 6000;

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
  try {
    return withoutDeadEnds(search(language));
  } finally {
    forgetNames();
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
      const known = to.get(number);
      if (known === undefined) to.set(number, [...set]);
      else known.push(...set);
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

/**
 * Characters of the shortest and the longest text; the longest is infinite where states lead back
 * to themselves.
 */
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
