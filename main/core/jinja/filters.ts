/**
 * The filters that turn one value into another, including `tojson` as chat templates expect it.
 * Filters over lists are in `list-filters.ts`. Pure.
 */
import { bind, stringOf, wholeOf } from './args.ts';
import { attributeOf } from './attributes.ts';
import type { Budget } from './budget.ts';
import { numeric } from './compare.ts';
import { TemplateError } from './errors.ts';
import { fixed, printf } from './format.ts';
import { capitalized, replaceIn, splitLines, stripped } from './string-methods.ts';
import { type JsonStyle, jsonText, repr, textOf } from './text.ts';
import {
  type Args,
  Dict,
  escapedText,
  isTrue,
  lengthOf,
  Markup,
  orElse,
  Tuple,
  textLength,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

export type Filter = (value: Value, args: Args, budget: Budget) => Value;

const onText =
  (make: (text: string) => string): Filter =>
  (value, args, budget) => {
    bind('filter', args, []);
    const text = textOf(value, budget);
    budget.text(text.length);
    return make(text);
  };

/** Python's `int(text)`; null where it raises. */
function integerIn(text: string, base: number): bigint | null {
  const trimmed = stripped(text, null, 'both').replace(/(?<=[\da-z])_(?=[\da-z])/gi, '');
  const found = /^([+-]?)(?:0([xob]))?([\da-z]+)$/i.exec(trimmed);
  const prefixed = { x: 16, o: 8, b: 2 }[found?.[2]?.toLowerCase() ?? ''];
  const digits = found?.[3] ?? '';
  if (found === null || digits.length > 4300 || (prefixed !== undefined && prefixed !== base)) return null;
  let value = 0n;
  for (const digit of digits.toLowerCase()) {
    const worth = Number.parseInt(digit, 36);
    if (!(worth < base)) return null;
    value = value * BigInt(base) + BigInt(worth);
  }
  return found[1] === '-' ? -value : value;
}

function floatIn(text: string): number | null {
  const trimmed = stripped(text, null, 'both')
    .toLowerCase()
    .replace(/(?<=\d)_(?=\d)/g, '');
  if (/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/.test(trimmed)) return Number(trimmed);
  const special = /^([+-]?)(inf|infinity|nan)$/.exec(trimmed);
  return special === null
    ? null
    : special[2] === 'nan'
      ? Number.NaN
      : special[1] === '-'
        ? Number.NEGATIVE_INFINITY
        : Number.POSITIVE_INFINITY;
}

const toInteger: Filter = (value, args) => {
  const [fallback, base] = bind('int', args, ['default', 'base']);
  const number = numeric(value);
  const parsed = typeof value === 'string' ? (integerIn(value, wholeOf(base, 10)) ?? floatIn(value)) : number;
  if (typeof parsed === 'bigint') return parsed;
  return parsed !== null && Number.isFinite(parsed) ? BigInt(Math.trunc(parsed)) : orElse(fallback, 0n);
};

const toFloat: Filter = (value, args) => {
  const [fallback] = bind('float', args, ['default']);
  const number = typeof value === 'string' ? floatIn(value) : numeric(value);
  return number === null ? orElse(fallback, 0) : Number(number);
};

/** To tens, hundreds and so on; halves go to the even neighbour. */
function roundedInteger(value: bigint, digits: number): bigint {
  if (digits >= 0) return value;
  const unit = 10n ** BigInt(Math.min(-digits, 400));
  const size = value < 0n ? -value : value;
  const down = size / unit;
  const twice = (size % unit) * 2n;
  const up = twice > unit || (twice === unit && down % 2n === 1n) ? down + 1n : down;
  return (value < 0n ? -up : up) * unit;
}

const round: Filter = (value, args) => {
  const [digits, method] = bind('round', args, ['precision', 'method']);
  const number = numeric(value);
  const precision = wholeOf(digits, 0);
  const how = stringOf(method, 'common');
  if (!['common', 'ceil', 'floor'].includes(how)) throw new TemplateError('method must be common, ceil or floor');
  if (number === null) throw new TemplateError(`type ${typeName(value)} doesn't define __round__ method`);
  if (how === 'common' && typeof number === 'bigint') return roundedInteger(number, precision);
  const scale = 10 ** precision;
  if (how !== 'common') return (how === 'ceil' ? Math.ceil : Math.floor)(Number(number) * scale) / scale;
  return precision >= 0 ? Number(fixed(Number(number), precision)) : Math.round(Number(number) * scale) / scale;
};

const indent: Filter = (value, args, budget) => {
  const [width, first, blank] = bind('indent', args, ['width', 'first', 'blank']);
  const by = typeof width === 'string' ? width : ' '.repeat(Math.min(10_000, wholeOf(width, 4)));
  const lines = splitLines(`${stringOf(value)}\n`);
  budget.text(lines.length * by.length + stringOf(value).length);
  const withBlank = blank !== undefined && isTrue(blank);
  const indented = lines.map((line, at) => (at > 0 && (withBlank || line !== '') ? by + line : line)).join('\n');
  return first !== undefined && isTrue(first) ? by + indented : indented;
};

function jsonStyle(args: Args): JsonStyle {
  const [ascii, indented, separators, sort] = bind('tojson', args, ['ensure_ascii', 'indent', 'separators', 'sort_keys']);
  const none = indented === undefined || indented === null;
  const pair =
    separators instanceof Tuple || (typeof separators === 'object' && separators !== null && 'items' in separators) ? separators : null;
  const [item, key] = pair !== null && Array.isArray(pair.items) ? (pair.items as readonly Value[]) : [none ? ', ' : ',', ': '];
  return {
    asciiOnly: ascii !== undefined && isTrue(ascii),
    indent: none ? null : typeof indented === 'string' ? indented : ' '.repeat(Math.min(64, Math.max(0, wholeOf(indented, 0)))),
    itemSeparator: stringOf(item),
    keySeparator: stringOf(key),
    sortKeys: sort !== undefined && isTrue(sort),
  };
}

const title = (text: string) => text.replace(/[^-\s({[<]+/gu, (word) => (word[0] ?? '').toUpperCase() + word.slice(1).toLowerCase());

/** A mark that is not closed stays, and so do those behind it that could only end with it. */
function withoutTags(text: string): string {
  const lastComment = text.lastIndexOf('-->');
  let made = '';
  let at = 0;
  for (let start = text.indexOf('<'); start >= 0; start = text.indexOf('<', at)) {
    const isComment = text.startsWith('<!--', start) && lastComment >= start + 4;
    const end = isComment ? text.indexOf('-->', start + 4) + 3 : text.indexOf('>', start) + 1;
    if (end === 0) break;
    made += text.slice(at, start);
    at = end;
  }
  return made + text.slice(at);
}

const truncate: Filter = (value, args, budget) => {
  const [length, killWords, end, leeway] = bind('truncate', args, ['length', 'killwords', 'end', 'leeway']);
  const points = [...textOf(value, budget)];
  const tail = stringOf(end, '...');
  const most = wholeOf(length, 255);
  if (points.length <= most + wholeOf(leeway === null ? undefined : leeway, 5)) return points.join('');
  const cut = points.slice(0, Math.max(0, most - textLength(tail))).join('');
  if (killWords !== undefined && isTrue(killWords)) return cut + tail;
  const space = cut.lastIndexOf(' ');
  return (space < 0 ? cut : cut.slice(0, space)) + tail;
};

const forceEscape: Filter = (value, _args, budget) => {
  const text = escapedText(textOf(value, budget));
  budget.text(text.length);
  return new Markup(text);
};

export const FILTERS: Readonly<Record<string, Filter>> = {
  abs: (value) => {
    const number = numeric(value);
    if (number === null) throw new TemplateError(`bad operand type for abs(): '${typeName(value)}'`);
    return number < 0 ? -number : number;
  },
  attr: (value, args, budget) => {
    const name = stringOf(bind('attr', args, ['name'], 1)[0]);
    // Attributes alone, not what a dictionary holds under the name.
    return value instanceof Dict && value.has(name)
      ? new Undefined(`'dict object' has no attribute '${name}'`)
      : attributeOf(value, name, budget);
  },
  capitalize: onText(capitalized),
  center: (value, args, budget) => {
    const missing = Math.max(0, wholeOf(bind('center', args, ['width'])[0], 80) - textLength(textOf(value, budget)));
    budget.text(missing);
    return ' '.repeat(Math.floor(missing / 2)) + textOf(value, budget) + ' '.repeat(Math.ceil(missing / 2));
  },
  default: (value, args) => {
    const [fallback, boolean] = bind('default', args, ['default_value', 'boolean']);
    const isAbsent = value instanceof Undefined || (boolean !== undefined && isTrue(boolean) && !isTrue(value));
    return isAbsent ? orElse(fallback, '') : value;
  },
  escape: (value, args, budget) => (value instanceof Markup ? value : forceEscape(value, args, budget)),
  filesizeformat: (value, args) => {
    const binaryUnits = isTrue(bind('filesizeformat', args, ['binary'])[0] ?? false);
    const bytes = Number(numeric(value) ?? 0);
    const base = binaryUnits ? 1024 : 1000;
    if (bytes === 1) return '1 Byte';
    if (bytes < base) return `${Math.trunc(bytes)} Bytes`;
    const units = binaryUnits ? ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'] : ['kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
    const power = Math.min(units.length, Math.floor(Math.log(bytes) / Math.log(base) + 1e-12));
    return `${fixed(bytes / base ** power, 1)} ${units[power - 1]}`;
  },
  float: toFloat,
  forceescape: forceEscape,
  format: (value, args, budget) => {
    if (args.named.size > 0 && args.positional.length > 0)
      throw new TemplateError("can't handle positional and keyword arguments at the same time");
    const values = args.named.size > 0 ? new Dict(args.named) : new Tuple(args.positional);
    return printf(textOf(value, budget), values, budget);
  },
  indent,
  int: toInteger,
  length: (value, args, budget) => {
    bind('length', args, []);
    if (typeof value === 'string') budget.text(value.length);
    const length = lengthOf(value);
    if (length === null) throw new TemplateError(`object of type '${typeName(value)}' has no len()`);
    return BigInt(length);
  },
  lower: onText((text) => text.toLowerCase()),
  pprint: (value, _args, budget) => repr(value, budget),
  replace: (value, args, budget) => {
    const [old, by, most] = bind('replace', args, ['old', 'new', 'count'], 2);
    const count = most === undefined || most === null ? -1 : wholeOf(most, -1);
    return replaceIn(textOf(value, budget), textOf(old as Value, budget), textOf(by as Value, budget), count, budget);
  },
  round,
  safe: (value, _args, budget) => new Markup(textOf(value, budget)),
  string: (value, _args, budget) => (value instanceof Markup ? value : textOf(value, budget)),
  striptags: onText((text) =>
    withoutTags(text)
      .split(/\s+/u)
      .filter((word) => word !== '')
      .join(' '),
  ),
  title: onText(title),
  tojson: (value, args, budget) => jsonText(value, jsonStyle(args), budget),
  trim: (value, args, budget) => {
    const [characters] = bind('trim', args, ['chars']);
    const text = textOf(value, budget);
    budget.text(text.length);
    return stripped(text, characters === undefined || characters === null ? null : stringOf(characters), 'both');
  },
  truncate,
  upper: onText((text) => text.toUpperCase()),
  urlencode: onText((text) =>
    encodeURIComponent(text)
      .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll('%2F', '/'),
  ),
  wordcount: (value, _args, budget) => {
    budget.text(textOf(value, budget).length);
    return BigInt(textOf(value, budget).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0);
  },
};
