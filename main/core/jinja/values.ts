/**
 * The values of a template, which follow Python: a JavaScript `bigint` is an int, a `number` a
 * float, `null` None. Lists, dictionaries and the rest have their own classes, so that a template
 * cannot reach JavaScript's objects. No I/O.
 */
import { TemplateError } from './errors.ts';
import { tupleText } from './tuple-text.ts';

export type Value =
  | null
  | boolean
  | string
  | bigint
  | number
  | List
  | Tuple
  | Dict
  | Range
  | Lazy
  | View
  | Undefined
  | Namespace
  | Callable
  | Loop
  | Slice
  | Markup;

/**
 * A text that is called safe: what is added to it is escaped for HTML, because that is what jinja2
 * does, also where nobody means HTML.
 */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', "'": '&#39;', '"': '&#34;' };

export function escapedText(text: string): string {
  return text.replace(/[&<>'"]/g, (character) => ESCAPES[character] ?? character);
}

/** The same without being called safe. */
export function plain(value: Value): Exclude<Value, Markup> {
  return value instanceof Markup ? value.text : value;
}

/** An absent value's place taken by another; None is a value. */
export function orElse<Other>(value: Value | undefined, fallback: Other): Value | Other {
  return value === undefined ? fallback : value;
}

export class List {
  readonly items: Value[];

  constructor(items: Value[]) {
    this.items = items;
  }
}

export class Tuple {
  readonly items: readonly Value[];
  /** Of the items, where they can also be reached by name. */
  readonly names: readonly string[];

  constructor(items: readonly Value[], names: readonly string[] = []) {
    this.items = items;
    this.names = names;
  }
}

export class Slice {
  readonly start: Value;
  readonly stop: Value;
  readonly step: Value;

  constructor(start: Value, stop: Value, step: Value) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

/** Keeps the order in which keys came; 1, 1.0 and true are one key. */
export class Dict {
  readonly #entries = new Map<unknown, readonly [Value, Value]>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(typeof key === 'string' ? key : hash(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(hash(key));
  }

  set(key: Value, value: Value): void {
    const place = hash(key);
    const known = this.#entries.get(place);
    this.#entries.set(place, [known === undefined ? key : known[0], value]);
  }

  delete(key: Value): void {
    this.#entries.delete(hash(key));
  }

  entries(): Iterable<readonly [Value, Value]> {
    return this.#entries.values();
  }
}

export class Range {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
  readonly length: number;

  constructor(start: number, stop: number, step: number) {
    this.start = start;
    this.stop = stop;
    this.step = step;
    this.length = Math.max(0, Math.ceil((stop - start) / step));
  }

  at(index: number): bigint {
    return BigInt(this.start + index * this.step);
  }
}

/**
 * What Python computes only when it is asked, and gives once: the results of `map`, `select` and
 * others.
 */
export class Lazy {
  readonly type: string;
  readonly #items: Iterator<Value>;

  constructor(items: Iterable<Value>, type = 'generator') {
    this.type = type;
    this.#items = items[Symbol.iterator]();
  }

  *rest(): Generator<Value> {
    for (let next = this.#items.next(); next.done !== true; next = this.#items.next()) yield next.value;
  }
}

/** `keys()`, `values()` and `items()` of a dictionary. */
export class View {
  readonly of: Dict;
  readonly part: 'keys' | 'values' | 'items';

  constructor(of: Dict, part: 'keys' | 'values' | 'items') {
    this.of = of;
    this.part = part;
  }

  *items(): Generator<Value> {
    for (const [key, value] of this.of.entries())
      yield this.part === 'keys' ? key : this.part === 'values' ? value : new Tuple([key, value]);
  }
}

/** What is not there. Printed it is nothing; whoever asks it for anything is told the message. */
export class Undefined {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }

  refuse(): never {
    throw new TemplateError(this.message);
  }
}

export class Namespace {
  readonly values = new Map<string, Value>();
}

export interface Args {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

export class Callable {
  readonly name: string;
  readonly call: (args: Args) => Value;
  /** Further things that can be asked of it. */
  readonly attributes: ReadonlyMap<string, Value>;

  constructor(name: string, call: (args: Args) => Value, attributes: ReadonlyMap<string, Value> = new Map()) {
    this.name = name;
    this.call = call;
    this.attributes = attributes;
  }
}

/** What a loop knows about itself. */
export abstract class Loop {
  abstract attribute(name: string): Value | undefined;
  abstract recurse(over: Value): Value;
}

export function typeName(value: Value): string {
  switch (typeof value) {
    case 'string':
      return 'str';
    case 'bigint':
      return 'int';
    case 'number':
      return 'float';
    case 'boolean':
      return 'bool';
    default:
      return objectType(value);
  }
}

function objectType(value: Exclude<Value, string | bigint | number | boolean>): string {
  if (value === null) return 'NoneType';
  if (value instanceof List) return 'list';
  if (value instanceof Tuple) return 'tuple';
  if (value instanceof Dict) return 'dict';
  if (value instanceof Range) return 'range';
  if (value instanceof Lazy) return value.type;
  if (value instanceof View) return `dict_${value.part}`;
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Namespace) return 'Namespace';
  if (value instanceof Slice) return 'slice';
  if (value instanceof Markup) return 'Markup';
  return value instanceof Loop ? 'LoopContext' : 'function';
}

/**
 * Where a key is kept: equal keys at the same place. @throws TemplateError for what has no fixed
 * value.
 */
function hash(given: Value): unknown {
  const key = plain(given);
  if (typeof key === 'string' || key === null) return key;
  if (typeof key === 'boolean') return Number(key);
  if (typeof key === 'bigint') return BigInt(Number(key)) === key ? Number(key) : key;
  if (typeof key === 'number') return key;
  if (key instanceof Tuple) return Symbol.for(tupleText(key.items, partsOf, hash));
  if (key instanceof List || key instanceof Dict) throw new TemplateError(`unhashable type: '${typeName(key)}'`);
  return key;
}

function partsOf(value: Value): readonly Value[] | null {
  return value instanceof Tuple ? value.items : null;
}

export function isTrue(value: Value): boolean {
  if (value === null || value === false || value === '' || value === 0n || value === 0) return false;
  if (typeof value !== 'object') return true;
  if (value instanceof List || value instanceof Tuple) return value.items.length > 0;
  if (value instanceof Dict) return value.size > 0;
  if (value instanceof View) return value.of.size > 0;
  if (value instanceof Range) return value.length > 0;
  if (value instanceof Markup) return value.text !== '';
  if (value instanceof Undefined) return false;
  return true;
}

/** @throws TemplateError where Python says that it is not iterable. */
export function iterate(value: Value): Iterable<Value> {
  if (typeof value === 'string') return value;
  if (value instanceof Markup) return value.text;
  if (value instanceof List || value instanceof Tuple) return value.items;
  if (value instanceof Dict) return new View(value, 'keys').items();
  if (value instanceof View) return value.items();
  if (value instanceof Lazy) return value.rest();
  if (value instanceof Range)
    return (function* () {
      for (let at = 0; at < value.length; at++) yield value.at(at);
    })();
  if (value instanceof Undefined) return [];
  throw new TemplateError(`'${typeName(value)}' object is not iterable`);
}

/** Characters of a text as Python counts them: code points. */
export function textLength(text: string): number {
  let pairs = 0;
  for (const _ of text.matchAll(/[\ud800-\udbff][\udc00-\udfff]/g)) pairs += 1;
  return text.length - pairs;
}

/** Null where Python says that it has no length. */
export function lengthOf(value: Value): number | null {
  if (typeof value === 'string') return textLength(value);
  if (value instanceof Markup) return textLength(value.text);
  if (value instanceof List || value instanceof Tuple) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof View) return value.of.size;
  if (value instanceof Range) return value.length;
  if (value instanceof Undefined) return 0;
  return null;
}
