/**
 * Renders chat templates as transformers does: sandboxed Jinja2 with `trim_blocks`,
 * `lstrip_blocks`, loop controls, `tojson` without escapes, `raise_exception` and `strftime_now`.
 * It is our own engine, because no JavaScript library keeps Python's values (1.0 is not 1, None is
 * not '') or can be bounded, and templates come from untrusted files. No I/O.
 */
import { type Bounds, Budget } from './budget.ts';
import { TemplateBoundError, TemplateError } from './errors.ts';
import { globals } from './globals.ts';
import type { Body } from './nodes.ts';
import { parse } from './parser.ts';
import { Run } from './run.ts';
import { Scope } from './scope.ts';
import { Dict, List, type Value } from './values.ts';

export interface RenderOptions {
  readonly bounds: Bounds;
  /** For `strftime_now`. */
  now(): Date;
}

export class Template {
  readonly #body: Body;

  /** @throws TemplateError that names the line. */
  constructor(text: string) {
    this.#body = parse(text);
  }

  /**
   * @param variables plain JSON values. A whole number that is a float (1.0 in JSON) comes as
   * `new Number(1)`, one beyond 2^53 as a bigint.
   * @throws TemplateError in the template's own words or ours, with the line.
   */
  render(variables: Readonly<Record<string, unknown>>, { bounds, now }: RenderOptions): string {
    const budget = new Budget(bounds);
    try {
      const outermost = new Scope(null);
      for (const [name, value] of globals(budget, now)) outermost.set(name, value);
      const scope = new Scope(outermost);
      for (const [name, value] of Object.entries(variables)) if (value !== undefined) scope.set(name, givenValue(value, budget));
      return new Run(budget).template(this.#body, new Scope(scope));
    } catch (error) {
      // Our own stack: the template nests deeper than it holds.
      if (error instanceof RangeError) throw new TemplateBoundError('it is nested too deeply');
      throw error;
    }
  }
}

function givenValue(value: unknown, budget: Budget): Value {
  budget.spend();
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (value instanceof Number) return value.valueOf();
  if (typeof value !== 'object') throw new TemplateError(`a ${typeof value} is no value of a template`);
  return budget.deeper(() => {
    if (Array.isArray(value)) return new List(value.map((item) => givenValue(item, budget)));
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return new Dict(entries.map(([key, item]) => [key, givenValue(item, budget)] as const));
  });
}
