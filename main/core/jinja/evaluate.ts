/** Evaluates expressions, in Python's order of evaluation. */
import { binary, negative, positive } from './arithmetic.ts';
import { attributeOf, itemOf } from './attributes.ts';
import type { Budget } from './budget.ts';
import { compare } from './compare.ts';
import { TemplateError } from './errors.ts';
import { FILTERS } from './filters.ts';
import { LIST_FILTERS, type Named } from './list-filters.ts';
import type { Call, Expression } from './nodes.ts';
import type { Scope } from './scope.ts';
import { TESTS } from './tests.ts';
import { textOf } from './text.ts';
import {
  type Args,
  Callable,
  Dict,
  isTrue,
  iterate,
  List,
  Loop,
  Markup,
  plain,
  Slice,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

/** These tell a safe text from others. */
const KEEPS_MARKUP: readonly string[] = ['escape', 'string', 'default'];
const TRIMS: readonly string[] = ['capitalize', 'indent', 'lower', 'title', 'trim', 'upper'];
const ALIASES: Readonly<Record<string, string>> = { d: 'default', e: 'escape', count: 'length' };

export class Evaluator implements Named {
  readonly budget: Budget;
  /** Of what is evaluated: where a refusal comes from. */
  line = 1;

  constructor(budget: Budget) {
    this.budget = budget;
  }

  value(node: Expression, scope: Scope): Value {
    this.budget.spend();
    switch (node.kind) {
      case 'constant':
        return node.value;
      case 'name':
        return scope.get(node.name);
      case 'attribute':
        return attributeOf(this.value(node.of, scope), node.name, this.budget);
      case 'item': {
        const of = this.value(node.of, scope);
        return itemOf(of, this.value(node.key, scope), this.budget);
      }
      case 'call':
        return this.#called(node.callee, node.call, node.line, scope);
      case 'filter': {
        const of = node.of === null ? new Undefined('nothing to filter') : this.value(node.of, scope);
        const args = this.args(node.call, scope);
        this.line = node.line;
        return this.filter(node.name, of, args);
      }
      case 'test': {
        const of = this.value(node.of as Expression, scope);
        return this.test(node.name, of, this.args(node.call, scope));
      }
      default:
        return this.#operation(node, scope);
    }
  }

  #operation(node: Expression, scope: Scope): Value {
    switch (node.kind) {
      case 'and': {
        const left = this.value(node.left, scope);
        return isTrue(left) ? this.value(node.right, scope) : left;
      }
      case 'or': {
        const left = this.value(node.left, scope);
        return isTrue(left) ? left : this.value(node.right, scope);
      }
      case 'not':
        return !isTrue(this.value(node.of, scope));
      case 'compare':
        return this.#compared(node, scope);
      case 'if':
        if (isTrue(this.value(node.test, scope))) return this.value(node.then, scope);
        if (node.otherwise !== null) return this.value(node.otherwise, scope);
        return new Undefined(`the inline if-expression on line ${node.line} evaluated to false and no else section was defined.`);
      case 'binary': {
        const left = this.value(node.left, scope);
        return binary(node.operator, left, this.value(node.right, scope), this.budget);
      }
      case 'negative':
        return negative(this.value(node.of, scope));
      case 'positive':
        return positive(this.value(node.of, scope));
      default:
        return this.#made(node, scope);
    }
  }

  #made(node: Expression, scope: Scope): Value {
    switch (node.kind) {
      case 'list':
        return new List(node.items.map((item) => this.value(item, scope)));
      case 'tuple':
        return new Tuple(node.items.map((item) => this.value(item, scope)));
      case 'dict':
        return new Dict(node.pairs.map(([key, value]) => [this.value(key, scope), this.value(value, scope)] as const));
      case 'concat': {
        const texts = node.items.map((item) => textOf(this.value(item, scope), this.budget));
        this.budget.longest(texts.reduce((length, text) => length + text.length, 0));
        return texts.reduce((whole, text) => whole + text, '');
      }
      case 'slice': {
        const part = (each: Expression | null) => (each === null ? null : this.value(each, scope));
        return new Slice(part(node.start), part(node.stop), part(node.step));
      }
      default:
        throw new TemplateError(`a ${node.kind} cannot stand here`);
    }
  }

  #compared(node: Extract<Expression, { kind: 'compare' }>, scope: Scope): boolean {
    let left = this.value(node.left, scope);
    for (const { operator, right } of node.rest) {
      const value = this.value(right, scope);
      if (!compare(operator, left, value, this.budget)) return false;
      left = value;
    }
    return true;
  }

  #called(callee: Expression, call: Call, line: number, scope: Scope): Value {
    const called = this.value(callee, scope);
    const args = this.args(call, scope);
    this.line = line;
    return this.budget.deeper(() => this.call(called, args));
  }

  call(called: Value, args: Args): Value {
    const { line } = this;
    if (called instanceof Undefined) called.refuse();
    if (!(called instanceof Callable || called instanceof Loop)) throw new TemplateError(`'${typeName(called)}' object is not callable`);
    const result = called instanceof Loop ? called.recurse(args.positional[0] ?? null) : called.call(args);
    this.line = line;
    return result;
  }

  args({ args, named, rest, namedRest }: Call, scope: Scope): Args {
    const positional = args.map((arg) => this.value(arg, scope));
    const byName = new Map(named.map(({ name, value }) => [name, this.value(value, scope)]));
    if (rest !== null) for (const item of iterate(this.value(rest, scope))) positional.push(item);
    if (namedRest !== null) {
      const more = this.value(namedRest, scope);
      if (!(more instanceof Dict)) throw new TemplateError(`argument after ** must be a mapping, not ${typeName(more)}`);
      for (const [name, value] of more.entries()) byName.set(textOf(name, this.budget), value);
    }
    return { positional, named: byName };
  }

  filter(name: string, value: Value, args: Args): Value {
    const known = ALIASES[name] ?? name;
    this.#reads(value);
    const one = Object.hasOwn(FILTERS, known) ? FILTERS[known] : undefined;
    if (one !== undefined)
      return this.#keepingSafe(known, value, one(KEEPS_MARKUP.includes(known) ? value : plain(value), args, this.budget));
    const list = Object.hasOwn(LIST_FILTERS, known) ? LIST_FILTERS[known] : undefined;
    if (list !== undefined) return this.budget.deeper(() => list(plain(value), args, this.budget, this));
    throw new TemplateError(`No filter named '${name}'.`);
  }

  #reads(value: Value): void {
    if (typeof value === 'string') this.budget.read(value.length);
  }

  /** What only trims a safe text, or changes its letters, leaves it safe. */
  #keepingSafe(name: string, value: Value, result: Value): Value {
    return value instanceof Markup && typeof result === 'string' && TRIMS.includes(name) ? new Markup(result) : result;
  }

  test(name: string, given: Value, args: Args): boolean {
    if (name === 'escaped') return given instanceof Markup;
    const value = plain(given);
    this.#reads(value);
    if (name === 'filter') return [FILTERS, LIST_FILTERS].some((table) => Object.hasOwn(table, ALIASES[String(value)] ?? String(value)));
    if (name === 'test') return Object.hasOwn(TESTS, String(value));
    const test = Object.hasOwn(TESTS, name) ? TESTS[name] : undefined;
    if (test === undefined) throw new TemplateError(`No test named '${name}'.`);
    return test(value, args, this.budget);
  }
}
