/** Parses a template's statements. Owns the list of tags and how each one ends. No I/O. */
import { TemplateError } from './errors.ts';
import { ExpressionReader } from './expressions.ts';
import { tokens } from './lexer.ts';
import type { Body, Expression, Parameter, Statement, Target } from './nodes.ts';

/** @throws TemplateError that names the line. */
export function parse(template: string): Body {
  try {
    const reader = new StatementReader(new ExpressionReader(tokens(template)));
    return reader.body(null);
  } catch (error) {
    if (error instanceof RangeError) throw new TemplateError('nested too deeply');
    throw error;
  }
}

/** Tags that need other templates beside this one. */
const FOREIGN: readonly string[] = ['include', 'import', 'from', 'extends'];

class StatementReader {
  readonly #read: ExpressionReader;

  constructor(read: ExpressionReader) {
    this.#read = read;
  }

  /**
   * @param ends tags that end it, whose name is left as the next token; null: the template's end
   * does.
   */
  body(ends: readonly string[] | null): Body {
    const read = this.#read;
    const statements: Statement[] = [];
    for (;;) {
      const { kind, text, line } = read.token;
      if (kind === 'eof') {
        if (ends === null) return statements;
        read.fail(`Unexpected end of template. Jinja was looking for the following tags: ${ends.map((end) => `'${end}'`).join(' or ')}.`);
      }
      read.next();
      if (kind === 'data') statements.push({ kind: 'data', text, line });
      else if (kind === 'open') {
        statements.push({ kind: 'print', value: read.tuple(), line });
        read.expect('close');
      } else {
        if (ends !== null && read.isName(...ends)) return statements;
        statements.push(...read.deeper(() => this.#statement()));
        read.expect('end');
      }
    }
  }

  /** The body of a statement, up to one of the tags. @returns the tag, which is read. */
  #inner(...ends: readonly string[]): { readonly body: Body; readonly end: string } {
    this.#read.skipIf('operator', ':');
    this.#read.expect('end');
    const body = this.body(ends);
    return { body, end: this.#read.next().text };
  }

  #statement(): readonly Statement[] {
    const read = this.#read;
    const { text: tag, line } = read.expect('name');
    switch (tag) {
      case 'for':
        return [this.#for(line)];
      case 'if':
        return [this.#if(line)];
      case 'set':
        return [this.#set(line)];
      case 'macro': {
        const name = read.expect('name').text;
        return [{ kind: 'macro', name, parameters: this.#parameters(), body: this.#inner('endmacro').body, line }];
      }
      case 'call':
        return [this.#call(line)];
      case 'filter': {
        const filter = read.filters(null, true);
        return filter === null ? [] : [{ kind: 'filter', filter, body: this.#inner('endfilter').body, line }];
      }
      case 'with':
        return [this.#with(line)];
      case 'print':
        return this.#print(line);
      case 'break':
      case 'continue':
        return [{ kind: tag, line }];
      default:
        return [this.#scope(tag, line)];
    }
  }

  #scope(tag: string, line: number): Statement {
    const read = this.#read;
    if (FOREIGN.includes(tag)) read.fail(`{% ${tag} %} needs another template, but a chat template is a single file`, line);
    if (tag !== 'generation' && tag !== 'autoescape' && tag !== 'block') read.fail(`Encountered unknown tag '${tag}'.`, line);
    if (tag === 'autoescape') read.expression();
    const name = tag === 'block' ? read.expect('name').text : '';
    while (tag === 'block' && (read.skipIf('name', 'scoped') || read.skipIf('name', 'required')));
    const { body } = this.#inner(`end${tag}`);
    if (tag === 'block') read.skipIf('name', name);
    return { kind: 'scope', body, line };
  }

  #for(line: number): Statement {
    const read = this.#read;
    const target = this.#target(false, () => read.isName('in'));
    read.expect('name', 'in');
    const over = read.tuple(false, () => read.isName('recursive'));
    const only = read.skipIf('name', 'if') ? read.expression() : null;
    const isRecursive = read.skipIf('name', 'recursive');
    const { body, end } = this.#inner('endfor', 'else');
    return { kind: 'for', target, over, only, isRecursive, body, otherwise: end === 'else' ? this.#inner('endfor').body : [], line };
  }

  #if(line: number): Statement {
    const branches: { test: Expression; body: Body }[] = [];
    for (;;) {
      const test = this.#read.tuple(false);
      const { body, end } = this.#inner('elif', 'else', 'endif');
      branches.push({ test, body });
      if (end !== 'elif') return { kind: 'if', branches, otherwise: end === 'else' ? this.#inner('endif').body : [], line };
    }
  }

  #set(line: number): Statement {
    const read = this.#read;
    const target = this.#target(true, () => false);
    if (read.skipIf('operator', '=')) return { kind: 'set', target, value: read.tuple(), line };
    return { kind: 'set-block', target, filter: read.filters(null), body: this.#inner('endset').body, line };
  }

  #call(line: number): Statement {
    const parameters = this.#read.isOperator('(') ? this.#parameters() : [];
    const call = this.#read.expression();
    if (call.kind !== 'call') this.#read.fail('expected call', line);
    return { kind: 'call', call, parameters, body: this.#inner('endcall').body, line };
  }

  #with(line: number): Statement {
    const read = this.#read;
    const values: { target: Target; value: Expression }[] = [];
    while (!read.is('end') && !read.is('eof')) {
      if (values.length > 0) read.expect('operator', ',');
      const target = this.#target(false, () => false);
      read.expect('operator', '=');
      values.push({ target, value: read.expression() });
    }
    return { kind: 'with', values, body: this.#inner('endwith').body, line };
  }

  #print(line: number): readonly Statement[] {
    const read = this.#read;
    const printed: Statement[] = [];
    while (!read.is('end') && !read.is('eof')) {
      if (printed.length > 0) read.expect('operator', ',');
      printed.push({ kind: 'print', value: read.expression(), line });
    }
    return printed;
  }

  #parameters(): readonly Parameter[] {
    const read = this.#read;
    const parameters: Parameter[] = [];
    read.expect('operator', '(');
    while (!read.isOperator(')')) {
      if (parameters.length > 0) read.expect('operator', ',');
      const { text: name, line } = read.expect('name');
      const fallback = read.skipIf('operator', '=') ? read.expression() : null;
      if (fallback === null && parameters.some((each) => each.fallback !== null))
        read.fail('non-default argument follows default argument', line);
      parameters.push({ name, fallback });
    }
    read.next();
    return parameters;
  }

  /** One target, or several with commas between them, also in parentheses. */
  #target(withNamespace: boolean, isEnd: () => boolean): Target {
    const read = this.#read;
    const { line } = read.token;
    const items: Target[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) read.expect('operator', ',');
      if (isEnd() || read.isOperator('=', ')') || read.is('end')) break;
      items.push(this.#oneTarget(withNamespace));
      if (!read.isOperator(',')) break;
      isTuple = true;
    }
    const [only] = items;
    if (!isTuple && only !== undefined) return only;
    if (!isTuple) read.fail(`Expected a name to assign to, got ${read.described()}`);
    return { kind: 'tuple', items, line };
  }

  #oneTarget(withNamespace: boolean): Target {
    const read = this.#read;
    const { line } = read.token;
    if (read.skipIf('operator', '(')) {
      const inner = read.deeper(() => this.#target(withNamespace, () => false));
      read.expect('operator', ')');
      return inner;
    }
    const name = read.expect('name').text;
    if (['true', 'false', 'none', 'True', 'False', 'None'].includes(name)) read.fail(`can't assign to '${name}'`, line);
    if (!(withNamespace && read.skipIf('operator', '.'))) return { kind: 'name', name, line };
    return { kind: 'namespace', name, attribute: read.expect('name').text, line };
  }
}
