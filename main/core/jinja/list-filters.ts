/**
 * The filters over lists: selecting, sorting and splitting. Some call other filters and tests.
 * Pure.
 */
import { bind, stringOf, wholeOf } from './args.ts';
import { binary } from './arithmetic.ts';
import { itemOf } from './attributes.ts';
import type { Budget } from './budget.ts';
import { isEqual, order } from './compare.ts';
import { TemplateError } from './errors.ts';
import type { Filter } from './filters.ts';
import { joined, textOf } from './text.ts';
import { type Args, Dict, isTrue, iterate, Lazy, List, orElse, Tuple, typeName, Undefined, type Value, View } from './values.ts';

/** What `map`, `select` and the others call by name. */
export interface Named {
  filter(name: string, value: Value, args: Args): Value;
  test(name: string, value: Value, args: Args): boolean;
}

export type ListFilter = (value: Value, args: Args, budget: Budget, named: Named) => Value;

/** `name.other.0`: attributes of attributes. */
function reached(value: Value, path: Value, budget: Budget, fallback?: Value): Value {
  let found = value;
  const parts = typeof path === 'string' ? path.split('.').map((part) => (/^\d+$/.test(part) ? BigInt(part) : part)) : [path];
  for (const part of parts) {
    // As a template's own `value[part]`: items before attributes.
    found = itemOf(found, part, budget);
    if (found instanceof Undefined && fallback !== undefined) return fallback;
  }
  return found;
}

function caseless(value: Value, budget: Budget): Value {
  if (typeof value !== 'string') return value;
  budget.text(value.length);
  return value.toLowerCase();
}

/** By which an item is ordered or told from others. */
function keyOf(attribute: Value | undefined, caseSensitive: Value | undefined, budget: Budget): (item: Value) => Value {
  const isCaseless = caseSensitive === undefined || !isTrue(caseSensitive);
  return (item) => {
    const key = attribute === undefined || attribute === null ? item : reached(item, attribute, budget);
    return isCaseless ? caseless(key, budget) : key;
  };
}

function all(value: Value, budget: Budget): Value[] {
  const items: Value[] = [];
  for (const item of iterate(value)) {
    budget.spend();
    items.push(item);
  }
  return items;
}

function sorted(items: readonly Value[], keys: readonly ((item: Value) => Value)[], isReversed: boolean, budget: Budget): Value[] {
  const keyed = items.map((item) => ({ item, keys: keys.map((key) => key(item)) }));
  keyed.sort((left, right) => {
    for (const [at, key] of left.keys.entries()) {
      const other = right.keys[at] as Value;
      const sign = isEqual(key, other, budget) ? 0 : order(key, other, budget);
      if (sign !== 0) return isReversed ? -sign : sign;
    }
    return 0;
  });
  return keyed.map(({ item }) => item);
}

const sort: ListFilter = (value, args, budget) => {
  const [reverse, caseSensitive, attribute] = bind('sort', args, ['reverse', 'case_sensitive', 'attribute']);
  const paths: readonly (Value | undefined)[] = typeof attribute === 'string' ? attribute.split(',') : [attribute];
  const keys = paths.map((path) => keyOf(path, caseSensitive, budget));
  return new List(sorted(all(value, budget), keys, reverse !== undefined && isTrue(reverse), budget));
};

const dictSort: ListFilter = (value, args, budget) => {
  const [caseSensitive, by, reverse] = bind('dictsort', args, ['case_sensitive', 'by', 'reverse']);
  if (!(value instanceof Dict)) throw new TemplateError(`'${typeName(value)}' object has no attribute 'items'`);
  const place = { key: 0n, value: 1n }[stringOf(by, 'key')];
  if (place === undefined) throw new TemplateError('You can only sort by either "key" or "value"');
  const pairs = all(new View(value, 'items'), budget);
  return new List(sorted(pairs, [keyOf(place, caseSensitive ?? false, budget)], reverse !== undefined && isTrue(reverse), budget));
};

function* unique(value: Value, key: (item: Value) => Value): Generator<Value> {
  const seen = new Dict();
  for (const item of iterate(value)) {
    const by = key(item);
    if (!seen.has(by)) {
      seen.set(by, true);
      yield item;
    }
  }
}

const extreme =
  (sign: 1 | -1): ListFilter =>
  (value, args, budget) => {
    const [caseSensitive, attribute] = bind('min', args, ['case_sensitive', 'attribute']);
    const key = keyOf(attribute, caseSensitive, budget);
    const items = all(value, budget);
    const [first] = items;
    if (first === undefined) return new Undefined('No aggregated item, sequence was empty.');
    return items.reduce((best, item) => (order(key(item), key(best), budget) * sign < 0 ? item : best));
  };

const groupBy: ListFilter = (value, args, budget) => {
  const [attribute, fallback, caseSensitive] = bind('groupby', args, ['attribute', 'default', 'case_sensitive'], 1);
  const plain = (item: Value) => reached(item, attribute as Value, budget, fallback);
  const isCaseless = caseSensitive === undefined || !isTrue(caseSensitive);
  const key = (item: Value) => (isCaseless ? caseless(plain(item), budget) : plain(item));
  const groups: { key: Value; first: Value; items: Value[] }[] = [];
  for (const item of sorted(all(value, budget), [key], false, budget)) {
    const last = groups.at(-1);
    if (last !== undefined && isEqual(last.key, key(item), budget)) last.items.push(item);
    else groups.push({ key: key(item), first: plain(item), items: [item] });
  }
  return new List(groups.map(({ first, items }) => new Tuple([first, new List(items)], ['grouper', 'list'])));
};

const map: ListFilter = (value, args, budget, named) => {
  const attribute = args.named.get('attribute');
  const fallback = args.named.get('default');
  const [name, ...positional] = args.positional;
  const items = function* (): Generator<Value> {
    // As jinja2: None and other nothings are an empty list here.
    for (const item of isTrue(value) ? iterate(value) : []) {
      budget.spend();
      if (attribute !== undefined) yield reached(item, attribute, budget, fallback);
      else yield named.filter(stringOf(name), item, { positional, named: args.named });
    }
  };
  if (attribute === undefined && name === undefined) throw new TemplateError('map requires a filter argument');
  return new Lazy(items());
};

/** @param isWanted what the test must say. */
const choosing =
  (isWanted: boolean, byAttribute: boolean): ListFilter =>
  (value, args, budget, named) => {
    const [attribute, rest] = byAttribute ? [args.positional[0], args.positional.slice(1)] : [undefined, args.positional];
    if (byAttribute && attribute === undefined) throw new TemplateError('Missing parameter for attribute name');
    const [name, ...positional] = rest;
    const items = function* (): Generator<Value> {
      for (const item of isTrue(value) ? iterate(value) : []) {
        budget.spend();
        const tested = attribute === undefined ? item : reached(item, attribute, budget);
        const isChosen = name === undefined ? isTrue(tested) : named.test(stringOf(name), tested, { positional, named: args.named });
        if (isChosen === isWanted) yield item;
      }
    };
    return new Lazy(items());
  };

const reverse: Filter = (value, _args, budget) => {
  if (typeof value === 'string') return [...value].reverse().join('');
  return new Lazy(all(value, budget).reverse(), 'list_reverseiterator');
};

function* batches(items: readonly Value[], size: number, fill: Value | undefined): Generator<Value> {
  for (let at = 0; at < items.length; at += size) {
    const batch = items.slice(at, at + size);
    while (fill !== undefined && fill !== null && batch.length < size) batch.push(fill);
    yield new List(batch);
  }
}

function* columns(items: readonly Value[], count: number, fill: Value | undefined): Generator<Value> {
  const each = Math.floor(items.length / count);
  const longer = items.length % count;
  for (let column = 0, at = 0; column < count; column++) {
    const length = each + (column < longer ? 1 : 0);
    const part = items.slice(at, at + length);
    if (fill !== undefined && fill !== null && column >= longer && longer > 0) part.push(fill);
    yield new List(part);
    at += length;
  }
}

const dividing =
  (divide: typeof batches): ListFilter =>
  (value, args, budget) => {
    const [count, fill] = bind('slice', args, ['count', 'fill_with'], 1);
    const size = wholeOf(count, 1);
    if (size < 1) throw new TemplateError('must be at least 1');
    budget.spend(size);
    return new Lazy(divide(all(value, budget), size, fill));
  };

export const LIST_FILTERS: Readonly<Record<string, ListFilter>> = {
  batch: dividing(batches),
  dictsort: dictSort,
  first: (value) => {
    for (const item of iterate(value)) return item;
    return new Undefined('No first item, sequence was empty.');
  },
  groupby: groupBy,
  items: (value) => {
    if (value instanceof Undefined) return new Lazy([]);
    if (!(value instanceof Dict)) throw new TemplateError('Can only get item pairs from a mapping.');
    return new Lazy(new View(value, 'items').items());
  },
  join: (value, args, budget) => {
    const [between, attribute] = bind('join', args, ['d', 'attribute']);
    const items =
      attribute === undefined || attribute === null ? value : new List(all(value, budget).map((item) => reached(item, attribute, budget)));
    return joined(items, between === undefined ? '' : textOf(between, budget), budget);
  },
  last: (value, _args, budget) => {
    if (value instanceof Lazy) throw new TemplateError(`'${typeName(value)}' object is not reversible`);
    return orElse(all(value, budget).at(-1), new Undefined('No last item, sequence was empty.'));
  },
  list: (value, _args, budget) => new List(all(value, budget)),
  map,
  max: extreme(-1),
  min: extreme(1),
  reject: choosing(false, false),
  rejectattr: choosing(false, true),
  reverse,
  select: choosing(true, false),
  selectattr: choosing(true, true),
  slice: dividing(columns),
  sort,
  sum: (value, args, budget) => {
    const [attribute, start] = bind('sum', args, ['attribute', 'start']);
    const items = all(value, budget).map((item) =>
      attribute === undefined || attribute === null ? item : reached(item, attribute, budget),
    );
    return items.reduce((total, item) => binary('+', total, item, budget), orElse(start, 0n));
  },
  unique: (value, args, budget) => {
    const [caseSensitive, attribute] = bind('unique', args, ['case_sensitive', 'attribute']);
    return new Lazy(unique(value, keyOf(attribute, caseSensitive, budget)));
  },
};
