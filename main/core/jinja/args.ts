/** Assigns the arguments of a call to the parameters of the called function. Pure. */
import { numeric } from './compare.ts';
import { TemplateError } from './errors.ts';
import { type Args, Markup, typeName, Undefined, type Value } from './values.ts';

/**
 * The values by the order of the names; undefined where one was left out.
 * @param required how many must be there.
 */
export function bind(called: string, { positional, named }: Args, names: readonly string[], required = 0): readonly (Value | undefined)[] {
  if (positional.length > names.length)
    throw new TemplateError(`${called}() takes at most ${names.length} arguments, ${positional.length} are given`);
  for (const name of named.keys()) {
    const at = names.indexOf(name);
    if (at < 0) throw new TemplateError(`${called}() got an unexpected keyword argument '${name}'`);
    if (at < positional.length) throw new TemplateError(`${called}() got multiple values for argument '${name}'`);
  }
  const values = names.map((name, at) => (at < positional.length ? positional[at] : named.get(name)));
  const missing = values.findIndex((value, at) => at < required && value === undefined);
  if (missing >= 0) throw new TemplateError(`${called}() missing a required argument: '${names[missing]}'`);
  return values;
}

/** A whole number that an argument must be. */
export function wholeOf(value: Value | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  const number = numeric(value);
  if (typeof number === 'bigint') return Number(number);
  if (value instanceof Undefined) value.refuse();
  throw new TemplateError(`'${typeName(value)}' object cannot be interpreted as an integer`);
}

/** A text that an argument must be. */
export function stringOf(value: Value | undefined, fallback = ''): string {
  if (value === undefined) return fallback;
  if (typeof value === 'string') return value;
  if (value instanceof Markup) return value.text;
  if (value instanceof Undefined) value.refuse();
  throw new TemplateError(`must be str, not ${typeName(value)}`);
}
