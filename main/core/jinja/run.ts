/** Executes the statements of a template and collects its output. */
import type { Budget } from './budget.ts';
import { TemplateError } from './errors.ts';
import { Evaluator } from './evaluate.ts';
import { ForLoop } from './loop.ts';
import { mentions } from './mentions.ts';
import type { Body, Expression, Parameter, Statement, Target } from './nodes.ts';
import { Scope } from './scope.ts';
import { textOf } from './text.ts';
import { type Args, Callable, Dict, isTrue, iterate, Namespace, orElse, Tuple, Undefined, type Value } from './values.ts';

/** How a body ended. */
type End = 'break' | 'continue' | null;

/** What is printed, until it is asked for as one text. */
class Printed {
  readonly #budget: Budget;
  readonly #parts: string[] = [];
  #length = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  add(text: string): void {
    this.#length += text.length;
    this.#budget.longest(this.#length);
    this.#budget.spend(1 + text.length / 64);
    this.#parts.push(text);
  }

  text(): string {
    this.#budget.text(this.#length);
    return this.#parts.join('');
  }
}

export class Run {
  readonly #evaluator: Evaluator;
  readonly #budget: Budget;

  constructor(budget: Budget) {
    this.#budget = budget;
    this.#evaluator = new Evaluator(budget);
  }

  /** @throws TemplateError with the line. */
  template(body: Body, scope: Scope): string {
    try {
      const printed = new Printed(this.#budget);
      this.#body(body, scope, printed);
      return printed.text();
    } catch (error) {
      if (error instanceof TemplateError) throw error.at(this.#evaluator.line);
      throw error;
    }
  }

  #body(body: Body, scope: Scope, printed: Printed): End {
    for (const statement of body) {
      const end = this.#statement(statement, scope, printed);
      if (end !== null) return end;
    }
    return null;
  }

  #captured(body: Body, scope: Scope): string {
    const printed = new Printed(this.#budget);
    this.#body(body, scope, printed);
    return printed.text();
  }

  #statement(node: Statement, scope: Scope, printed: Printed): End {
    this.#budget.spend();
    this.#evaluator.line = node.line;
    switch (node.kind) {
      case 'data':
        printed.add(node.text);
        return null;
      case 'print':
        printed.add(textOf(this.#value(node.value, scope), this.#budget));
        return null;
      case 'if':
        return this.#if(node, scope, printed);
      case 'for':
        this.#for(node, scope, printed, this.#value(node.over, scope), 0);
        return null;
      case 'set':
        this.#assign(node.target, this.#value(node.value, scope), scope);
        return null;
      case 'break':
      case 'continue':
        return node.kind;
      case 'scope':
        return this.#body(node.body, new Scope(scope), printed);
      default:
        this.#definition(node, scope, printed);
        return null;
    }
  }

  #definition(
    node: Extract<Statement, { kind: 'set-block' | 'macro' | 'call' | 'filter' | 'with' }>,
    scope: Scope,
    printed: Printed,
  ): void {
    switch (node.kind) {
      case 'set-block': {
        const text = this.#captured(node.body, new Scope(scope));
        this.#assign(node.target, node.filter === null ? text : this.#filtered(node.filter, text, scope), scope);
        return;
      }
      case 'filter':
        printed.add(textOf(this.#filtered(node.filter, this.#captured(node.body, new Scope(scope)), scope), this.#budget));
        return;
      case 'macro':
        scope.set(node.name, this.#macro(node.name, node.parameters, node.body, scope));
        return;
      case 'call': {
        const { callee, call } = node.call as Extract<Expression, { kind: 'call' }>;
        const args = this.#evaluator.args(call, scope);
        const caller = this.#macro('caller', node.parameters, node.body, scope);
        const called = this.#value(callee, scope);
        const result = this.#evaluator.call(called, { ...args, named: new Map([...args.named, ['caller', caller]]) });
        printed.add(textOf(result, this.#budget));
        return;
      }
      case 'with': {
        const values = node.values.map(({ target, value }) => ({ target, value: this.#value(value, scope) }));
        const inner = new Scope(scope);
        for (const { target, value } of values) this.#assign(target, value, inner);
        this.#body(node.body, inner, printed);
        return;
      }
      default:
        node satisfies never;
    }
  }

  #value(node: Expression, scope: Scope): Value {
    return this.#evaluator.value(node, scope);
  }

  /** A filter whose innermost value is this text. */
  #filtered(filter: Expression, text: string, scope: Scope): Value {
    if (filter.kind !== 'filter') return text;
    const of = filter.of === null ? text : this.#filtered(filter.of, text, scope);
    return this.#evaluator.filter(filter.name, of, this.#evaluator.args(filter.call, scope));
  }

  #if(node: Extract<Statement, { kind: 'if' }>, scope: Scope, printed: Printed): End {
    for (const { test, body } of node.branches) if (isTrue(this.#value(test, scope))) return this.#body(body, scope, printed);
    return this.#body(node.otherwise, scope, printed);
  }

  #for(node: Extract<Statement, { kind: 'for' }>, scope: Scope, printed: Printed, over: Value, depth: number): void {
    const items: Value[] = [];
    for (const item of iterate(over)) {
      this.#budget.spend();
      if (node.only !== null) {
        const inner = new Scope(scope);
        this.#assign(node.target, item, inner);
        if (!isTrue(this.#value(node.only, inner))) continue;
      }
      items.push(item);
    }
    const recurse = (deeper: Value): Value => {
      if (!node.isRecursive) throw new TemplateError("Tried to call non recursive loop. Maybe you forgot the 'recursive' modifier.");
      const inner = new Printed(this.#budget);
      this.#for(node, scope, inner, deeper, depth + 1);
      return inner.text();
    };
    const loop = new ForLoop(items, depth, this.#budget, recurse);
    for (const [at, item] of items.entries()) {
      loop.at = at;
      const inner = new Scope(scope);
      inner.set('loop', loop);
      this.#assign(node.target, item, inner);
      if (this.#body(node.body, inner, printed) === 'break') break;
    }
    if (items.length === 0) this.#body(node.otherwise, new Scope(scope), printed);
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    switch (target.kind) {
      case 'name':
        scope.set(target.name, value);
        return;
      case 'namespace': {
        const namespace = scope.get(target.name);
        if (!(namespace instanceof Namespace)) throw new TemplateError('cannot assign attribute on non-namespace object');
        namespace.values.set(target.attribute, value);
        return;
      }
      case 'tuple': {
        const items = [...iterate(value)];
        this.#budget.spend(items.length);
        const wanted = target.items.length;
        if (items.length < wanted) throw new TemplateError(`not enough values to unpack (expected ${wanted}, got ${items.length})`);
        if (items.length > wanted) throw new TemplateError(`too many values to unpack (expected ${wanted})`);
        for (const [at, each] of target.items.entries()) this.#assign(each, items[at] as Value, scope);
        return;
      }
      default:
        target satisfies never;
    }
  }

  #macro(name: string, parameters: readonly Parameter[], body: Body, scope: Scope): Callable {
    const takes = { rest: mentions(body, 'varargs'), named: mentions(body, 'kwargs'), caller: mentions(body, 'caller') };
    return new Callable(
      name,
      (args) => {
        const inner = new Scope(scope);
        this.#bindMacro(name, parameters, args, takes, inner);
        return this.#captured(body, inner);
      },
      new Map([['name', name]]),
    );
  }

  #bindMacro(
    name: string,
    parameters: readonly Parameter[],
    { positional, named }: Args,
    takes: { readonly rest: boolean; readonly named: boolean; readonly caller: boolean },
    inner: Scope,
  ): void {
    const more = new Map(named);
    const takesCaller = takes.caller || parameters.some((each) => each.name === 'caller');
    const caller = more.get('caller');
    if (takesCaller) inner.set('caller', orElse(caller, new Undefined('No caller defined')));
    if (takesCaller || name === 'caller') more.delete('caller');
    for (const [at, parameter] of parameters.entries()) {
      const given = orElse(positional[at], more.get(parameter.name));
      if (positional[at] !== undefined && more.has(parameter.name))
        throw new TemplateError(`macro '${name}' got multiple values for argument '${parameter.name}'`);
      more.delete(parameter.name);
      const absent = () =>
        parameter.fallback === null
          ? new Undefined(`parameter '${parameter.name}' was not provided`)
          : this.#value(parameter.fallback, inner);
      inner.set(parameter.name, given === undefined ? absent() : given);
    }
    if (takes.rest) inner.set('varargs', new Tuple(positional.slice(parameters.length)));
    else if (positional.length > parameters.length)
      throw new TemplateError(`macro '${name}' takes not more than ${parameters.length} argument(s)`);
    if (takes.named) inner.set('kwargs', new Dict(more));
    else if (more.size > 0) throw new TemplateError(`macro '${name}' takes no keyword argument '${[...more.keys()][0]}'`);
  }
}
