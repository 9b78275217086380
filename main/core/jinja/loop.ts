/** The variable `loop` inside of a for statement. No I/O. */
import type { Budget } from './budget.ts';
import { isEqual } from './compare.ts';
import { TemplateError } from './errors.ts';
import { Callable, Loop, orElse, Tuple, Undefined, type Value } from './values.ts';

export class ForLoop extends Loop {
  at = 0;
  readonly #items: readonly Value[];
  readonly #depth: number;
  readonly #budget: Budget;
  readonly #recurse: (over: Value) => Value;
  #lastChange: Value | null = null;

  constructor(items: readonly Value[], depth: number, budget: Budget, recurse: (over: Value) => Value) {
    super();
    this.#items = items;
    this.#depth = depth;
    this.#budget = budget;
    this.#recurse = recurse;
  }

  recurse(over: Value): Value {
    return this.#recurse(over);
  }

  attribute(name: string): Value | undefined {
    const { length } = this.#items;
    switch (name) {
      case 'index':
        return BigInt(this.at + 1);
      case 'index0':
        return BigInt(this.at);
      case 'revindex':
        return BigInt(length - this.at);
      case 'revindex0':
        return BigInt(length - this.at - 1);
      case 'first':
        return this.at === 0;
      case 'last':
        return this.at === length - 1;
      case 'length':
        return BigInt(length);
      case 'depth':
        return BigInt(this.#depth + 1);
      case 'depth0':
        return BigInt(this.#depth);
      case 'previtem':
        return orElse(this.#items[this.at - 1], new Undefined('there is no previous item'));
      case 'nextitem':
        return orElse(this.#items[this.at + 1], new Undefined('there is no next item'));
      case 'cycle':
        return new Callable(name, ({ positional }) => {
          if (positional.length === 0) throw new TemplateError('no items for cycling given');
          return positional[this.at % positional.length] ?? null;
        });
      case 'changed':
        return new Callable(name, ({ positional }) => {
          const now = new Tuple(positional);
          const isNew = this.#lastChange === null || !isEqual(this.#lastChange, now, this.#budget);
          this.#lastChange = now;
          return isNew;
        });
      default:
        return undefined;
    }
  }
}
