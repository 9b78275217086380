/**
 * Parses the expressions of templates by precedence: conditional, or, and, not, comparison, + -, ~,
 * * / // %, **, signs, filters.
 */
import { Cursor } from './cursor.ts';
import type { BinaryOperator, Call, CompareOperator, Expression } from './nodes.ts';

const COMPARISONS: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];
const NO_CALL: Call = { args: [], named: [], rest: null, namedRest: null };

export class ExpressionReader extends Cursor {
  expression(hasCondition = true): Expression {
    return this.deeper(() => (hasCondition ? this.#conditional() : this.#or()));
  }

  /** An expression, or several with commas between them, which are a tuple. */
  tuple(hasCondition = true, isEnd: () => boolean = () => false): Expression {
    return this.#tuple(() => this.expression(hasCondition), isEnd, false);
  }

  #tuple(read: () => Expression, isEnd: () => boolean, isInParentheses: boolean): Expression {
    const { line } = this.token;
    const items: Expression[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) this.expect('operator', ',');
      if (this.is('close') || this.is('end') || this.isOperator(')') || isEnd()) break;
      items.push(read());
      if (!this.isOperator(',')) break;
      isTuple = true;
    }
    const [only] = items;
    if (!isTuple && only !== undefined) return only;
    if (!isTuple && !isInParentheses) this.fail(`Expected an expression, got ${this.described()}`);
    return { kind: 'tuple', items, line };
  }

  #conditional(): Expression {
    let then = this.#or();
    while (this.isName('if')) {
      const { line } = this.next();
      const test = this.#or();
      const otherwise = this.skipIf('name', 'else') ? this.deeper(() => this.#conditional()) : null;
      then = { kind: 'if', test, then, otherwise, line };
    }
    return then;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.isName('or')) left = { kind: 'or', left, line: this.next().line, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.isName('and')) left = { kind: 'and', left, line: this.next().line, right: this.#not() };
    return left;
  }

  #not(): Expression {
    if (!this.isName('not')) return this.#comparison();
    const { line } = this.next();
    return { kind: 'not', of: this.deeper(() => this.#not()), line };
  }

  #comparison(): Expression {
    const { line } = this.token;
    const left = this.#sum();
    const rest: { operator: CompareOperator; right: Expression }[] = [];
    for (;;) {
      const operator = this.#comparisonOperator();
      if (operator === null) return rest.length === 0 ? left : { kind: 'compare', left, rest, line };
      rest.push({ operator, right: this.#sum() });
    }
  }

  #comparisonOperator(): CompareOperator | null {
    if (this.isOperator(...COMPARISONS)) return this.next().text as CompareOperator;
    if (this.skipIf('name', 'in')) return 'in';
    const after = this.peek(1);
    if (!this.isName('not') || after.kind !== 'name' || after.text !== 'in') return null;
    this.at += 2;
    return 'not in';
  }

  #sum(): Expression {
    return this.#binary(['+', '-'], () => this.#concat());
  }

  #concat(): Expression {
    const { line } = this.token;
    const items = [this.#product()];
    while (this.skipIf('operator', '~')) items.push(this.#product());
    return items.length === 1 ? (items[0] as Expression) : { kind: 'concat', items, line };
  }

  #product(): Expression {
    return this.#binary(['*', '/', '//', '%'], () => this.#binary(['**'], () => this.#signed(true)));
  }

  #binary(operators: readonly string[], read: () => Expression): Expression {
    let left = read();
    while (this.isOperator(...operators)) {
      const { text, line } = this.next();
      left = { kind: 'binary', operator: text as BinaryOperator, left, right: read(), line };
    }
    return left;
  }

  #signed(withFilters: boolean): Expression {
    const { line } = this.token;
    let value: Expression;
    if (this.skipIf('operator', '-')) value = { kind: 'negative', of: this.deeper(() => this.#signed(false)), line };
    else if (this.skipIf('operator', '+')) value = { kind: 'positive', of: this.deeper(() => this.#signed(false)), line };
    else value = this.primary();
    value = this.postfix(value);
    return withFilters ? this.#filtersAndTests(value) : value;
  }

  primary(): Expression {
    const { kind, text, line } = this.token;
    switch (kind) {
      case 'name':
        this.next();
        return nameOrConstant(text, line);
      case 'text': {
        let value = '';
        while (this.is('text')) value += this.next().text;
        return { kind: 'constant', value, line };
      }
      case 'integer':
        this.next();
        return { kind: 'constant', value: BigInt(text.replaceAll('_', '')), line };
      case 'float':
        this.next();
        return { kind: 'constant', value: Number(text.replaceAll('_', '')), line };
      default:
        return this.#bracketed();
    }
  }

  #bracketed(): Expression {
    const { line } = this.token;
    if (this.skipIf('operator', '(')) {
      const value = this.#tuple(
        () => this.expression(),
        () => false,
        true,
      );
      this.expect('operator', ')');
      return value;
    }
    if (this.skipIf('operator', '[')) return { kind: 'list', items: this.#until(']', () => this.expression()), line };
    if (this.skipIf('operator', '{')) return { kind: 'dict', pairs: this.#until('}', () => this.#pair()), line };
    return this.fail(`unexpected ${this.described()}`);
  }

  #pair(): readonly [Expression, Expression] {
    const key = this.expression();
    this.expect('operator', ':');
    return [key, this.expression()];
  }

  /** What stands between commas, up to a closing bracket; a last comma is allowed. */
  #until<Item>(closer: string, read: () => Item): Item[] {
    const items: Item[] = [];
    while (!this.isOperator(closer)) {
      if (items.length > 0) this.expect('operator', ',');
      if (this.isOperator(closer)) break;
      items.push(read());
    }
    this.expect('operator', closer);
    return items;
  }

  postfix(value: Expression): Expression {
    let whole = value;
    while (this.isOperator('.', '[', '(')) whole = this.isOperator('(') ? this.#called(whole) : this.#subscript(whole);
    return whole;
  }

  #called(callee: Expression): Expression {
    const { line } = this.token;
    return { kind: 'call', callee, call: this.call(), line };
  }

  #subscript(of: Expression): Expression {
    const { text, line } = this.next();
    if (text === '[') {
      const keys = this.#until(']', () => this.#subscribed());
      const [only] = keys;
      return { kind: 'item', of, key: keys.length === 1 && only !== undefined ? only : { kind: 'tuple', items: keys, line }, line };
    }
    const name = this.next();
    if (name.kind === 'name') return { kind: 'attribute', of, name: name.text, line };
    if (name.kind !== 'integer') this.fail('expected name or number', name.line);
    return { kind: 'item', of, key: { kind: 'constant', value: BigInt(name.text), line }, line };
  }

  #subscribed(): Expression {
    const { line } = this.token;
    const isAbsent = () => this.isOperator(':', ']', ',');
    const start = this.isOperator(':') ? null : this.expression();
    if (start !== null && !this.isOperator(':')) return start;
    this.expect('operator', ':');
    const stop = isAbsent() ? null : this.expression();
    const step = this.skipIf('operator', ':') && !isAbsent() ? this.expression() : null;
    return { kind: 'slice', start, stop, step, line };
  }

  #filtersAndTests(value: Expression): Expression {
    let whole = value;
    for (;;) {
      if (this.isOperator('|')) whole = this.filters(whole) ?? whole;
      else if (this.isName('is')) whole = this.#test(whole);
      else if (this.isOperator('(')) whole = this.#called(whole);
      else return whole;
    }
  }

  /** @param isBegun the first filter's name comes at once, without a bar. */
  filters(of: Expression | null, isBegun = false): Expression | null {
    let value = of;
    for (let begun = isBegun; begun || this.isOperator('|'); begun = false) {
      if (!begun) this.next();
      const { line } = this.token;
      value = { kind: 'filter', of: value, name: this.#dotted(), call: this.isOperator('(') ? this.call() : NO_CALL, line };
    }
    return value;
  }

  #dotted(): string {
    let name = this.expect('name').text;
    while (this.skipIf('operator', '.')) name += `.${this.expect('name').text}`;
    return name;
  }

  #test(of: Expression): Expression {
    const { line } = this.next();
    const isNegated = this.skipIf('name', 'not');
    const test: Expression = { kind: 'test', of, name: this.#dotted(), call: this.#testCall(), line };
    return isNegated ? { kind: 'not', of: test, line } : test;
  }

  #testCall(): Call {
    if (this.isOperator('(')) return this.call();
    const begins = this.is('name') || this.is('text') || this.is('integer') || this.is('float') || this.isOperator('[', '{');
    if (!begins || this.isName('else', 'or', 'and')) return NO_CALL;
    if (this.isName('is')) this.fail('You cannot chain multiple tests with is');
    return { ...NO_CALL, args: [this.postfix(this.primary())] };
  }

  call(): Call {
    const { line } = this.expect('operator', '(');
    const args: Expression[] = [];
    const byName: { name: string; value: Expression }[] = [];
    let rest: Expression | null = null;
    let namedRest: Expression | null = null;
    this.#until(')', () => {
      const isNamed = this.is('name') && this.peek(1).kind === 'operator' && this.peek(1).text === '=';
      const isInOrder =
        namedRest === null && (isNamed || this.isOperator('**') || (rest === null && (this.isOperator('*') || byName.length === 0)));
      if (!isInOrder) this.fail('invalid syntax for function call expression', line);
      if (this.skipIf('operator', '*')) rest = this.expression();
      else if (this.skipIf('operator', '**')) namedRest = this.expression();
      else if (!isNamed) args.push(this.expression());
      else {
        const name = this.next().text;
        this.next();
        byName.push({ name, value: this.expression() });
      }
    });
    return { args, named: byName, rest, namedRest };
  }
}

function nameOrConstant(text: string, line: number): Expression {
  if (text === 'true' || text === 'True') return { kind: 'constant', value: true, line };
  if (text === 'false' || text === 'False') return { kind: 'constant', value: false, line };
  if (text === 'none' || text === 'None') return { kind: 'constant', value: null, line };
  return { kind: 'name', name: text, line };
}
