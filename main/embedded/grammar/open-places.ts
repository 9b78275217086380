/**
 * Follows a text through a grammar as llama.cpp does, and counts what llama.cpp holds open: the
 * places at which the text may go on, each with the places behind it. A grammar of some hundred
 * bytes can double them with each rule or character: llama.cpp would then compute without end, and
 * no other answer of its model would go on. No I/O.
 */
import { Recent } from '../llama/recent.ts';
import { spendWork } from './language.ts';
import { type Element, type Elements, type Rule, readNotation } from './notation.ts';

/** A grammar may be a list of some thousands of texts; llama.cpp takes a tenth of a second then. */
const MOST_OPEN = 5_000;
/** Steps from all open places over one character to those behind it: they take a millisecond. */
const MOST_STEPS = 20_000;
/** Growth of the open places after which the next token is looked at again. */
const GROWN = 1.25;
/** Characters of the next token: llama.cpp tries tokens before it takes one. */
const LOOK_AHEAD = 16;
/** Sets of places that are followed side by side, the largest ones. */
const BEAM = 3;
/** Characters that are tried in each of these sets. */
const MOST_TRIED = 12;
/** Of each place. */
const MOST_RANGES = 4;
/** Places and steps that looking ahead may cost: they take some 20 ms. */
const MOST_LOOKED_AT = 200_000;
/** Reading so many takes as long as a part of a schema. */
const CHARACTERS_PER_PART = 10;
/** Grammars that are kept ready: clients send the same one with each request. */
const KEPT_CHARACTERS = 1_000_000;
/** Places are remembered, to know the same ones again; beyond so many, those that are closed go. */
const MOST_REMEMBERED = 100_000;

export class TooManyPlaces extends RangeError {
  constructor() {
    super('it is left-recursive, or the same text may be read in too many ways');
  }
}

interface Place {
  readonly elements: Elements;
  readonly at: number;
  /** Where it goes on behind these elements; null: nowhere. */
  readonly behind: Place | null;
  /** The places that go on here, by their elements. */
  before: Before | null;
}

type Before = Map<Elements, (Place | undefined)[]>;
type Places = ReadonlySet<Place>;
type Repeat = Element & { readonly kind: 'repeat' };

const NOTHING: Elements = [];
const checked = new Recent<Rule>(KEPT_CHARACTERS);

/** Whether llama.cpp can begin with it. @throws TooManyPlaces, NotationError, TooMuchWork. */
export function checkGrammar(grammar: string): void {
  checked.get(grammar, () => {
    spendWork(grammar.length / CHARACTERS_PER_PART);
    const rules = readNotation(grammar);
    new OpenPlaces(rules, spendWork).lookAhead();
    return rules;
  });
}

/** The rules of a grammar that was checked before, here or in the process that prepares. */
export function rulesOf(grammar: string): Rule {
  return checked.get(grammar, () => readNotation(grammar));
}

export class OpenPlaces {
  /** Those behind which nothing comes. */
  #first: Before = new Map();
  readonly #repeats = new WeakMap<Repeat, readonly Elements[]>();
  readonly #spend: (steps: number) => void;
  #remembered = 0;
  #steps = 0;
  #open: Places;
  /** How many were open when the next token was looked at last. */
  #lookedAt: number;

  /** @param spend told of each step. @throws TooManyPlaces. */
  constructor(root: Rule, spend: (steps: number) => void = () => {}) {
    this.#spend = spend;
    const open = new Set<Place>();
    this.#expand(root.alternatives, 0, null, open);
    this.#open = open;
    this.#lookedAt = open.size;
  }

  get count(): number {
    return this.#open.size;
  }

  /**
   * The text went on. A text that the grammar does not know is followed no more. @throws
   * TooManyPlaces.
   */
  accept(text: string): void {
    for (const character of text) this.#open = this.#after(this.#open, character.codePointAt(0) ?? 0);
    if (this.#remembered > MOST_REMEMBERED) this.#forgetClosed();
    if (this.#open.size <= this.#lookedAt * GROWN) return;
    this.#lookedAt = this.#open.size;
    this.lookAhead();
  }

  /** @throws TooManyPlaces where a next token could open too many. */
  lookAhead(): void {
    let beam: readonly Places[] = [this.#open];
    let left = MOST_LOOKED_AT;
    for (let ahead = 0; ahead < LOOK_AHEAD; ahead++) {
      const next: Places[] = [];
      for (const places of beam) {
        for (const character of charactersOf(places)) {
          left -= places.size;
          this.#spend(places.size);
          if (left < 0) return;
          next.push(this.#after(places, character));
          left -= this.#steps;
        }
      }
      beam = next.toSorted((one, other) => other.size - one.size).slice(0, BEAM);
    }
  }

  #after(places: Places, character: number): Places {
    const open = new Set<Place>();
    this.#steps = 0;
    for (const { elements, at, behind } of places) {
      const element = elements[at];
      if (element?.kind === 'set' && element.set.some(([first, last]) => character >= first && character <= last))
        this.#expand([elements], at + 1, behind, open);
    }
    return open;
  }

  /** Adds the places at which a character must come next. @param from where the elements go on. */
  #expand(alternatives: readonly Elements[], from: number, behind: Place | null, open: Set<Place>): void {
    const todo: [elements: Elements, at: number, behind: Place | null][] = alternatives.map((elements) => [elements, from, behind]);
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      this.#spend(1);
      const [elements, at, last] = next;
      const element = elements[at];
      if (element === undefined) {
        if (last !== null) todo.push([last.elements, last.at, last.behind]);
      } else if (element.kind === 'set') open.add(this.#place(elements, at, last));
      else {
        const then = at + 1 < elements.length ? this.#place(elements, at + 1, last) : last;
        for (const each of element.kind === 'rule' ? element.rule.alternatives : this.#repeated(element)) todo.push([each, 0, then]);
      }
      if (++this.#steps > MOST_STEPS || open.size > MOST_OPEN) throw new TooManyPlaces();
    }
  }

  /** As llama.cpp writes a repetition out: one and the rest, or nothing. */
  #repeated(element: Repeat): readonly Elements[] {
    const known = this.#repeats.get(element);
    if (known !== undefined) return known;
    const { of, least, most } = element;
    const isEndless = least === 0 && most === null;
    const rest: Repeat = isEndless ? element : { kind: 'repeat', of, least: Math.max(0, least - 1), most: most === null ? null : most - 1 };
    const more = [...of, rest];
    const made = most === 0 ? [NOTHING] : least > 0 ? [more] : [more, NOTHING];
    this.#repeats.set(element, made);
    return made;
  }

  #place(elements: Elements, at: number, behind: Place | null): Place {
    const places = this.#beside(elements, behind);
    const known = places[at];
    if (known !== undefined) return known;
    const made: Place = { elements, at, behind, before: null };
    places[at] = made;
    this.#remembered += 1;
    return made;
  }

  #beside(elements: Elements, behind: Place | null): (Place | undefined)[] {
    if (behind !== null && behind.before === null) behind.before = new Map();
    const all = behind?.before ?? this.#first;
    const known = all.get(elements);
    if (known !== undefined) return known;
    const made: (Place | undefined)[] = [];
    all.set(elements, made);
    return made;
  }

  #forgetClosed(): void {
    const kept = new Set<Place>();
    for (const open of this.#open) for (let each: Place | null = open; each !== null && !kept.has(each); each = each.behind) kept.add(each);
    this.#first = new Map();
    for (const place of kept) place.before = null;
    for (const place of kept) this.#beside(place.elements, place.behind)[place.at] = place;
    this.#remembered = kept.size;
  }
}

/** One of each range of characters that may come, those of the most places first. */
function charactersOf(places: Places): readonly number[] {
  const counts = new Map<number, number>();
  for (const { elements, at } of places) {
    const element = elements[at];
    for (const [first] of element?.kind === 'set' ? element.set.slice(0, MOST_RANGES) : []) counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  const sorted = [...counts].toSorted((one, other) => other[1] - one[1]);
  return sorted.slice(0, MOST_TRIED).map(([character]) => character);
}
