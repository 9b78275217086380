/** The tests of templates: the words after `is`. Pure. */
import { bind } from './args.ts';
import { binary } from './arithmetic.ts';
import type { Budget } from './budget.ts';
import { compare, numeric } from './compare.ts';
import type { CompareOperator } from './nodes.ts';
import { textOf } from './text.ts';
import { type Args, Callable, Dict, isTrue, Lazy, List, Loop, lengthOf, Range, Tuple, Undefined, type Value, View } from './values.ts';

export type Test = (value: Value, args: Args, budget: Budget) => boolean;

const comparing =
  (operator: CompareOperator): Test =>
  (value, args, budget) =>
    compare(operator, value, bind(operator, args, ['other'], 1)[0] as Value, budget);
const remainder = (value: Value, by: Value, budget: Budget) => binary('%', value, by, budget);
const isText = (value: Value) => typeof value === 'string';

const equal = comparing('==');
const less = comparing('<');
const greater = comparing('>');

export const TESTS: Readonly<Record<string, Test>> = {
  boolean: (value) => typeof value === 'boolean',
  callable: (value) => value instanceof Callable || value instanceof Loop,
  defined: (value) => !(value instanceof Undefined),
  divisibleby: (value, args, budget) => !isTrue(remainder(value, bind('divisibleby', args, ['num'], 1)[0] as Value, budget)),
  eq: equal,
  equalto: equal,
  '==': equal,
  even: (value, _args, budget) => !isTrue(remainder(value, 2n, budget)),
  false: (value) => value === false,
  float: (value) => typeof value === 'number',
  ge: comparing('>='),
  '>=': comparing('>='),
  greaterthan: greater,
  gt: greater,
  '>': greater,
  in: comparing('in'),
  integer: (value) => typeof value === 'bigint',
  iterable: (value) =>
    isText(value) ||
    [List, Tuple, Dict, View, Range, Lazy, Undefined, Loop].some(
      (type) => value instanceof (type as abstract new (...args: never[]) => object),
    ),
  le: comparing('<='),
  '<=': comparing('<='),
  lessthan: less,
  lower: (value, _args, budget) => isLower(textOf(value, budget)),
  lt: less,
  '<': less,
  mapping: (value) => value instanceof Dict,
  ne: comparing('!='),
  '!=': comparing('!='),
  none: (value) => value === null,
  number: (value) => numeric(value) !== null,
  odd: (value, _args, budget) => compare('==', remainder(value, 2n, budget), 1n, budget),
  sameas: (value, args) => value === bind('sameas', args, ['other'], 1)[0],
  sequence: (value) => !(value instanceof View) && lengthOf(value) !== null,
  string: isText,
  true: (value) => value === true,
  undefined: (value) => value instanceof Undefined,
  upper: (value, _args, budget) => isLower(textOf(value, budget), true),
};

function isLower(text: string, upper = false): boolean {
  const cased = upper ? text.toUpperCase() : text.toLowerCase();
  return text === cased && text.toLowerCase() !== text.toUpperCase();
}
