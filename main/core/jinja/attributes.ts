/**
 * Evaluates `value.name`, `value[key]` and `value[from:to]`, and gives access to nothing else.
 * Lists and dictionaries can be changed only where that is allowed. Pure.
 */
import { bind, wholeOf } from './args.ts';
import type { Budget } from './budget.ts';
import { changeOf } from './changes.ts';
import { isEqual, numeric } from './compare.ts';
import { TemplateError } from './errors.ts';
import { braceFormat } from './format.ts';
import { STRING_METHODS } from './string-methods.ts';
import { repr } from './text.ts';
import {
  type Args,
  Callable,
  Dict,
  iterate,
  List,
  Loop,
  Markup,
  Namespace,
  orElse,
  plain,
  Range,
  Slice,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from './values.ts';

type Bound = (args: Args) => Value;

/** What would change a value that the template was given: sandboxed templates may not. */
const CHANGES: Readonly<Record<string, readonly string[]>> = {
  list: ['append', 'clear', 'pop', 'reverse', 'insert', 'sort', 'extend', 'remove'],
  dict: ['clear', 'pop', 'popitem', 'setdefault', 'update'],
};

export function attributeOf(value: Value, name: string, budget: Budget): Value {
  budget.spend();
  if (value instanceof Undefined) value.refuse();
  if (value instanceof Markup) return markupMethod(value, name, budget);
  if (value instanceof Namespace) return known(value.values.get(name), value, name, budget);
  if (value instanceof Loop) return known(value.attribute(name), value, name, budget);
  const type = typeName(value);
  if ((!budget.mayChange && CHANGES[type]?.includes(name) === true) || name.startsWith('__'))
    return new Undefined(`access to attribute '${name}' of '${type}' object is unsafe.`);
  const method = methodOf(value, name, budget);
  if (method !== null) return new Callable(name, method);
  if (value instanceof Callable) return known(value.attributes.get(name), value, name, budget);
  if (value instanceof Tuple && value.names.includes(name)) return value.items[value.names.indexOf(name)] as Value;
  return known(value instanceof Dict ? value.get(name) : undefined, value, name, budget);
}

function known(found: Value | undefined, of: Value, key: Value, budget: Budget): Value {
  return found === undefined ? missing(of, key, budget) : found;
}

/** A safe text stays one, whatever is cut off it. */
function markupMethod(value: Markup, name: string, budget: Budget): Value {
  const method = attributeOf(value.text, name, budget);
  if (!(method instanceof Callable)) return method;
  return new Callable(name, (args) => {
    const result = method.call(args);
    return typeof result === 'string' ? new Markup(result) : result;
  });
}

function methodOf(value: Value, name: string, budget: Budget): Bound | null {
  if (typeof value === 'string') {
    if (name === 'format') {
      const reach = {
        attribute: (of: Value, part: string) => attributeOf(of, part, budget),
        item: (of: Value, key: Value) => itemOf(of, key, budget),
      };
      return (args) => braceFormat(value, args, reach, budget);
    }
    const method = Object.hasOwn(STRING_METHODS, name) ? STRING_METHODS[name] : undefined;
    if (method === undefined) return null;
    return (args) => {
      budget.read(value.length);
      return method(value, args, budget);
    };
  }
  if (budget.mayChange && (value instanceof Dict || value instanceof List)) {
    const change = changeOf(value, name, budget);
    if (change !== null) return change;
  }
  if (value instanceof Dict) return dictMethod(value, name);
  if (value instanceof List || value instanceof Tuple || value instanceof Range) return listMethod(value, name, budget);
  return null;
}

function dictMethod(dict: Dict, name: string): Bound | null {
  switch (name) {
    case 'get':
      return (args) => {
        const [key, fallback] = bind('get', args, ['key', 'default'], 1);
        return orElse(dict.get(key as Value), orElse(fallback, null));
      };
    case 'keys':
    case 'values':
    case 'items':
      return (args) => {
        bind(name, args, []);
        return new View(dict, name);
      };
    case 'copy':
      return () => new Dict(dict.entries());
    default:
      return null;
  }
}

function listMethod(list: List | Tuple | Range, name: string, budget: Budget): Bound | null {
  const items = () => [...iterate(list)];
  switch (name) {
    case 'count':
      return (args) => {
        const [item] = bind(name, args, ['value'], 1);
        return BigInt(items().filter((each) => isEqual(each, item as Value, budget)).length);
      };
    case 'index':
      return (args) => {
        const [item, start] = bind(name, args, ['value', 'start'], 1);
        const from = wholeOf(start, 0);
        const at = items().findIndex((each, index) => index >= from && isEqual(each, item as Value, budget));
        if (at < 0) throw new TemplateError(`${repr(item as Value, budget)} is not in list`);
        return BigInt(at);
      };
    case 'copy':
      return list instanceof List ? () => new List([...list.items]) : null;
    default:
      return null;
  }
}

function missing(value: Value, key: Value, budget: Budget): Undefined {
  const of = value === null ? 'None' : `'${typeName(value)} object'`;
  return new Undefined(typeof key === 'string' ? `${of} has no attribute '${key}'` : `${of} has no element ${repr(key, budget)}`);
}

export function itemOf(of: Value, at: Value, budget: Budget): Value {
  budget.spend();
  const [value, key] = [plain(of), plain(at)];
  if (value instanceof Undefined) value.refuse();
  if (value instanceof Dict) {
    const isHashable = !(key instanceof List || key instanceof Dict || key instanceof Slice);
    const found = isHashable ? value.get(key) : undefined;
    if (found !== undefined) return found;
  } else if (key instanceof Slice) {
    const cut = sliced(value, key, budget);
    if (cut !== null) return cut;
  } else {
    const index = numeric(key);
    if (typeof value === 'string') budget.read(value.length);
    if (typeof index === 'bigint') return known(elementAt(value, Number(index)), value, key, budget);
  }
  return typeof key === 'string' ? attributeOf(value, key, budget) : missing(value, key, budget);
}

function elementAt(value: Value, index: number): Value | undefined {
  if (typeof value === 'string') {
    if (/[\ud800-\udbff]/.test(value)) return [...value].at(index);
    return value.at(index);
  }
  if (value instanceof List || value instanceof Tuple) return value.items.at(index);
  if (value instanceof Range) {
    const at = index < 0 ? index + value.length : index;
    return at >= 0 && at < value.length ? value.at(at) : undefined;
  }
  return undefined;
}

/** Null for what has no slices. */
function sliced(value: Value, slice: Slice, budget: Budget): Value | null {
  if (typeof value === 'string') {
    budget.text(value.length);
    const hasPairs = /[\ud800-\udbff]/.test(value);
    const simple = plainSlice(slice, value.length);
    if (!hasPairs && simple !== null) return value.slice(...simple);
    return places(slice, hasPairs ? [...value].length : value.length)
      .map(
        (
          (points) => (at: number) =>
            points[at] ?? ''
        )(hasPairs ? [...value] : value),
      )
      .join('');
  }
  if (value instanceof List || value instanceof Tuple) {
    budget.spend(value.items.length);
    const items = places(slice, value.items.length).map((at) => value.items[at] as Value);
    return value instanceof List ? new List(items) : new Tuple(items);
  }
  if (value instanceof Range) return new List(places(slice, value.length).map((at) => value.at(at)));
  return null;
}

function limit(value: Value, fallback: number): number {
  return value === null ? fallback : wholeOf(value, fallback);
}

/** Where JavaScript's own slice does the same. */
function plainSlice({ start, stop, step }: Slice, length: number): readonly [number, number] | null {
  return limit(step, 1) === 1 ? [limit(start, 0), limit(stop, length)] : null;
}

function places({ start, stop, step }: Slice, length: number): readonly number[] {
  const by = limit(step, 1);
  if (by === 0) throw new TemplateError('slice step cannot be zero');
  const clamp = (at: number) => (by > 0 ? Math.max(0, Math.min(length, at)) : Math.max(-1, Math.min(length - 1, at)));
  const place = (value: Value, fallback: number) => {
    if (value === null) return fallback;
    const at = limit(value, 0);
    return clamp(at < 0 ? at + length : at);
  };
  const from = place(start, by > 0 ? 0 : length - 1);
  const to = place(stop, by > 0 ? length : -1);
  const chosen: number[] = [];
  for (let at = from; by > 0 ? at < to : at > to; at += by) chosen.push(at);
  return chosen;
}
