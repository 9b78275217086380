/** Equality and order as Python has them. Pure. */
import type { Budget } from './budget.ts';
import { TemplateError } from './errors.ts';
import type { CompareOperator } from './nodes.ts';
import { Dict, iterate, List, plain, Range, Tuple, typeName, Undefined, type Value, View } from './values.ts';

/** Texts are compared unit by unit, which takes longer than to copy them. */
const SLOWER = 8;

/** Numbers and truth values as numbers; null for what is none. */
export function numeric(value: Value): bigint | number | null {
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  return typeof value === 'boolean' ? BigInt(value) : null;
}

export function isEqual(left: Value, right: Value, budget: Budget): boolean {
  budget.spend();
  if (typeof left === 'string' && typeof right === 'string' && left.length === right.length) budget.read(left.length);
  if (left === right) return true;
  const [one, other] = [numeric(left), numeric(right)];
  // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number of the same value are equal by == alone.
  if (one !== null && other !== null) return one == other;
  if (left instanceof Undefined) return right instanceof Undefined;
  return budget.deeper(() => {
    if (left instanceof List) return right instanceof List && areEqual(left.items, right.items, budget);
    if (left instanceof Tuple) return right instanceof Tuple && areEqual(left.items, right.items, budget);
    if (left instanceof Range) return right instanceof Range && areEqual([...iterate(left)], [...iterate(right)], budget);
    if (left instanceof Dict) return right instanceof Dict && hasSame(left, right, budget);
    return false;
  });
}

function areEqual(left: readonly Value[], right: readonly Value[], budget: Budget): boolean {
  return left.length === right.length && left.every((item, at) => isEqual(item, right[at] as Value, budget));
}

function hasSame(left: Dict, right: Dict, budget: Budget): boolean {
  if (left.size !== right.size) return false;
  for (const [key, value] of left.entries()) {
    const other = right.get(key);
    if (other === undefined || !isEqual(value, other, budget)) return false;
  }
  return true;
}

/**
 * Negative, 0 or positive. @param sign for the message. @throws TemplateError for what has no
 * order.
 */
export function order(left: Value, right: Value, budget: Budget, sign = '<'): number {
  budget.spend();
  if (typeof left === 'string' && typeof right === 'string') {
    budget.read(SLOWER * Math.min(left.length, right.length));
    return compareTexts(left, right);
  }
  const [one, other] = [numeric(left), numeric(right)];
  if (one !== null && other !== null)
    return one < other ? -1 : one > other ? 1 : one === other || Number(one) === Number(other) ? 0 : Number.NaN;
  const isPair = (left instanceof List && right instanceof List) || (left instanceof Tuple && right instanceof Tuple);
  if (isPair) {
    for (const [at, item] of left.items.entries()) {
      const against = right.items[at];
      if (against === undefined) return 1;
      if (!isEqual(item, against, budget)) return budget.deeper(() => order(item, against, budget, sign));
    }
    return left.items.length - right.items.length;
  }
  for (const value of [left, right]) if (value instanceof Undefined) value.refuse();
  throw new TemplateError(`'${sign}' not supported between instances of '${typeName(left)}' and '${typeName(right)}'`);
}

/** By code points: units of UTF-16 sort otherwise where characters take two. */
function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  let at = 0;
  while (at < left.length && left.charCodeAt(at) === right.charCodeAt(at)) at += 1;
  const one = left.codePointAt(at) ?? -1;
  return one - (right.codePointAt(at) ?? -1);
}

export function contains(container: Value, item: Value, budget: Budget): boolean {
  if (typeof container === 'string') {
    if (item instanceof Undefined) item.refuse();
    if (typeof item !== 'string') throw new TemplateError(`'in <string>' requires string as left operand, not ${typeName(item)}`);
    budget.spend(1 + container.length / 64);
    return container.includes(item);
  }
  if (container instanceof Dict) return container.has(item);
  if (container instanceof View && container.part === 'keys') return container.of.has(item);
  const integer = numeric(item);
  if (container instanceof Range && typeof integer === 'bigint') {
    const at = (Number(integer) - container.start) / container.step;
    return Number.isInteger(at) && at >= 0 && at < container.length;
  }
  if (typeof container !== 'object' || container === null) throw notIterable(container);
  for (const each of iterate(container)) if (isEqual(each, item, budget)) return true;
  return false;
}

function notIterable(value: Value): TemplateError {
  return new TemplateError(`argument of type '${typeName(value)}' is not iterable`);
}

export function compare(operator: CompareOperator, one: Value, other: Value, budget: Budget): boolean {
  const [left, right] = [plain(one), plain(other)];
  switch (operator) {
    case '==':
      return isEqual(left, right, budget);
    case '!=':
      return !isEqual(left, right, budget);
    case '<':
      return order(left, right, budget, '<') < 0;
    case '<=':
      return order(left, right, budget, '<=') <= 0;
    case '>':
      return order(left, right, budget, '>') > 0;
    case '>=':
      return order(left, right, budget, '>=') >= 0;
    case 'in':
      return contains(right, left, budget);
    case 'not in':
      return !contains(right, left, budget);
    default:
      return operator satisfies never;
  }
}
