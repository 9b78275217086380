/**
 * Python's arithmetic: unbounded ints, floor division and remainders with the divisor's sign, and
 * repetition of texts and lists. Pure.
 */
import type { Budget } from './budget.ts';
import { numeric } from './compare.ts';
import { TemplateBoundError, TemplateError } from './errors.ts';
import { printf } from './format.ts';
import type { BinaryOperator } from './nodes.ts';
import { escapedText, List, Markup, Tuple, typeName, Undefined, type Value } from './values.ts';

/** More than any int of a chat; beyond it each step takes noticeable time. */
const MOST_BITS = 65_536;

export function binary(operator: BinaryOperator, left: Value, right: Value, budget: Budget): Value {
  budget.spend();
  if (left instanceof Markup || right instanceof Markup) return withMarkup(operator, left, right, budget);
  if (operator === '%' && typeof left === 'string') return printf(left, right, budget);
  const [one, other] = [numeric(left), numeric(right)];
  if (one !== null && other !== null) return calculate(operator, one, other);
  if (operator === '+') {
    const sum = joinedOf(left, right, budget);
    if (sum !== null) return sum;
  }
  if (operator === '*') {
    if (typeof other === 'bigint') return repeated(left, other, budget) ?? unsupported(operator, left, right);
    if (typeof one === 'bigint') return repeated(right, one, budget) ?? unsupported(operator, left, right);
  }
  return unsupported(operator, left, right);
}

function withMarkup(operator: BinaryOperator, left: Value, right: Value, budget: Budget): Value {
  const text = (value: Value) =>
    value instanceof Markup ? value.text : operator === '+' && typeof value === 'string' ? escapedText(value) : value;
  const result = binary(operator, text(left), text(right), budget);
  return typeof result === 'string' ? new Markup(result) : result;
}

function unsupported(operator: string, left: Value, right: Value): never {
  for (const value of [left, right]) if (value instanceof Undefined) value.refuse();
  if (operator === '+' && typeof left === 'string') throw new TemplateError(`can only concatenate str (not "${typeName(right)}") to str`);
  throw new TemplateError(`unsupported operand type(s) for ${operator}: '${typeName(left)}' and '${typeName(right)}'`);
}

function joinedOf(left: Value, right: Value, budget: Budget): Value | null {
  if (typeof left === 'string' && typeof right === 'string') {
    // Two texts are put together without copying them: only their length counts.
    budget.longest(left.length + right.length);
    return left + right;
  }
  if (left instanceof List && right instanceof List) return new List(together(left.items, right.items, budget));
  if (left instanceof Tuple && right instanceof Tuple) return new Tuple(together(left.items, right.items, budget));
  return null;
}

function together(left: readonly Value[], right: readonly Value[], budget: Budget): Value[] {
  budget.spend(left.length + right.length);
  return [...left, ...right];
}

function repeated(value: Value, times: bigint, budget: Budget): Value | null {
  const length = typeof value === 'string' ? value.length : value instanceof List || value instanceof Tuple ? value.items.length : null;
  if (length === null) return null;
  const count = Math.max(0, Number(times));
  if (typeof value === 'string') {
    budget.text(length * count);
    return value.repeat(length === 0 ? 0 : count);
  }
  budget.spend(length * count);
  const { items } = value as List | Tuple;
  const all = length === 0 ? [] : Array.from({ length: length * count }, (_, at) => items[at % length] as Value);
  return value instanceof List ? new List(all) : new Tuple(all);
}

function calculate(operator: BinaryOperator, left: bigint | number, right: bigint | number): bigint | number {
  if (right === 0n || right === 0) {
    if (operator === '/' || operator === '//' || operator === '%') throw new TemplateError('division by zero');
  }
  if (typeof left === 'bigint' && typeof right === 'bigint' && operator !== '/') {
    if (operator !== '**') return bounded(integers(operator, left, right));
    if (right >= 0n) return power(left, right);
  }
  const [one, other] = [Number(left), Number(right)];
  switch (operator) {
    case '+':
      return one + other;
    case '-':
      return one - other;
    case '*':
      return one * other;
    case '/':
      return one / other;
    case '//':
      return Math.floor((one - floatRemainder(one, other)) / other);
    case '%':
      return floatRemainder(one, other);
    case '**':
      return one ** other;
    default:
      return operator satisfies never;
  }
}

function floatRemainder(left: number, right: number): number {
  const rest = left % right;
  return rest !== 0 && rest < 0 !== right < 0 ? rest + right : rest;
}

function integers(operator: Exclude<BinaryOperator, '/' | '**'>, left: bigint, right: bigint): bigint {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '//':
      return left / right - (left % right !== 0n && left < 0n !== right < 0n ? 1n : 0n);
    case '%': {
      const rest = left % right;
      return rest !== 0n && rest < 0n !== right < 0n ? rest + right : rest;
    }
    default:
      return operator satisfies never;
  }
}

function power(base: bigint, exponent: bigint): bigint {
  const bits = BigInt((base < 0n ? -base : base).toString(2).length);
  if (base !== 0n && base !== 1n && base !== -1n && bits * exponent > BigInt(MOST_BITS)) throw tooLarge();
  return base ** exponent;
}

function bounded(value: bigint): bigint {
  const most = 1n << BigInt(MOST_BITS);
  if (value > most || value < -most) throw tooLarge();
  return value;
}

function tooLarge(): TemplateBoundError {
  return new TemplateBoundError(`it computes a number of more than ${MOST_BITS} bits`);
}

export function negative(value: Value): Value {
  const number = numeric(value);
  if (number !== null) return -number;
  if (value instanceof Undefined) value.refuse();
  throw new TemplateError(`bad operand type for unary -: '${typeName(value)}'`);
}

export function positive(value: Value): Value {
  const number = numeric(value);
  if (number !== null) return number;
  if (value instanceof Undefined) value.refuse();
  throw new TemplateError(`bad operand type for unary +: '${typeName(value)}'`);
}
