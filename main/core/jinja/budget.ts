/**
 * The limits of one rendering: steps, characters and time. A template is a program from an
 * untrusted file and may loop for ever, so each evaluation and each copied character or item is
 * counted before it happens. No I/O but the clock that is passed in.
 */
import { TemplateBoundError } from './errors.ts';

export interface Bounds {
  /** Evaluations, and items of lists. */
  readonly steps: number;
  /** Of all texts that are made on the way, in UTF-16 units. */
  readonly characters: number;
  /** Of one text. */
  readonly longestText: number;
  readonly milliseconds: number;
  /** Monotonic, in milliseconds. */
  now(): number;
  /** Lists and dictionaries can be changed in place, which jinja2's sandbox refuses. */
  readonly mayChange?: boolean;
}

/** Calls of macros, loops and filters inside each other, and lists inside lists. */
const MOST_DEPTH = 200;
const CLOCK_EVERY = 2048;
/** Characters are copied much faster than nodes are evaluated. */
const CHARACTERS_A_STEP = 64;

export class Budget {
  readonly #bounds: Bounds;
  readonly #endsAt: number;
  #steps = 0;
  #characters = 0;
  #untilClock = CLOCK_EVERY;
  #depth = 0;
  readonly mayChange: boolean;

  constructor(bounds: Bounds) {
    this.mayChange = bounds.mayChange === true;
    this.#bounds = bounds;
    this.#endsAt = bounds.now() + bounds.milliseconds;
  }

  spend(steps = 1): void {
    this.#steps += steps;
    if (this.#steps > this.#bounds.steps) throw new TemplateBoundError(`it does not end: more than ${this.#bounds.steps} steps`);
    this.#untilClock -= steps;
    if (this.#untilClock > 0) return;
    this.#untilClock = CLOCK_EVERY;
    if (this.#bounds.now() > this.#endsAt) throw new TemplateBoundError(`it does not end: more than ${this.#bounds.milliseconds} ms`);
  }

  /** Before a text of this length is made. */
  text(length: number): void {
    this.#characters += length;
    this.longest(length);
    if (this.#characters > this.#bounds.characters)
      throw new TemplateBoundError(`it makes texts of more than ${this.#bounds.characters} characters in all`);
    this.read(length);
  }

  /** Before a text is read from end to end. */
  read(length: number): void {
    this.spend(Math.ceil(length / CHARACTERS_A_STEP));
  }

  /** A text that is put together without being copied. */
  longest(length: number): void {
    if (length > this.#bounds.longestText)
      throw new TemplateBoundError(`it makes a text of more than ${this.#bounds.longestText} characters`);
  }

  /** Runs something one level deeper. */
  deeper<Result>(run: () => Result): Result {
    this.#depth += 1;
    if (this.#depth > MOST_DEPTH) throw new TemplateBoundError(`it is more than ${MOST_DEPTH} levels deep`);
    try {
      return run();
    } finally {
      this.#depth -= 1;
    }
  }
}
