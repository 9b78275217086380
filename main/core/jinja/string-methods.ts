/** Python's string methods. Pure. */
import { bind, stringOf, wholeOf } from './args.ts';
import type { Budget } from './budget.ts';
import { TemplateError } from './errors.ts';
import { lastSpace, SPACE, withoutLeading, withoutTrailing } from './spaces.ts';
import { joined } from './text.ts';
import { type Args, List, Tuple, textLength, type Value } from './values.ts';

type Method = (text: string, args: Args, budget: Budget) => Value;

const SPACES = new RegExp(`[${SPACE}]+`, 'u');
const LINE_END = '\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029';
const LINE_ENDS = new RegExp(`\\r\\n|[${LINE_END}]`, 'gu');

/** @param characters null: white space. */
export function stripped(text: string, characters: string | null, sides: 'both' | 'left' | 'right'): string {
  if (characters === null) {
    const left = sides === 'right' ? text : withoutLeading(text);
    return sides === 'left' ? left : withoutTrailing(left);
  }
  const set = new Set(characters);
  const points = [...text];
  let start = 0;
  let end = points.length;
  while (sides !== 'right' && start < end && set.has(points[start] ?? '')) start += 1;
  while (sides !== 'left' && end > start && set.has(points[end - 1] ?? '')) end -= 1;
  return points.slice(start, end).join('');
}

export function splitLines(text: string, keepEnds = false): string[] {
  const lines: string[] = [];
  let start = 0;
  for (const end of text.matchAll(LINE_ENDS)) {
    lines.push(text.slice(start, end.index + (keepEnds ? end[0].length : 0)));
    start = end.index + end[0].length;
  }
  if (start < text.length) lines.push(text.slice(start));
  return lines;
}

/** Each tab as the spaces to the next column that is a multiple of `size`. */
function expanded(text: string, size: number, budget: Budget): string {
  const parts: string[] = [];
  let column = 0;
  for (const part of text.split(/([\t\n\r])/)) {
    const spaces = part !== '\t' || size === 0 ? 0 : size - (column % size);
    if (part === '\t') {
      budget.text(spaces);
      parts.push(' '.repeat(spaces));
    } else parts.push(part);
    column = part === '\n' || part === '\r' ? 0 : column + (part === '\t' ? spaces : textLength(part));
  }
  return parts.join('');
}

/** Python's `split`. @param most cuts; negative: all. */
function split(text: string, separator: string | null, most: number): string[] {
  const limit = most < 0 ? Number.POSITIVE_INFINITY : most;
  const parts: string[] = [];
  let rest = separator === null ? withoutLeading(text) : text;
  if (separator === '') throw new TemplateError('empty separator');
  while (parts.length < limit) {
    const found = separator === null ? SPACES.exec(rest) : null;
    const at = separator === null ? (found?.index ?? -1) : rest.indexOf(separator);
    if (at < 0) break;
    parts.push(rest.slice(0, at));
    rest = rest.slice(at + (found?.[0] ?? separator ?? '').length);
  }
  if (separator !== null || rest !== '') parts.push(separator === null && parts.length < limit ? withoutTrailing(rest) : rest);
  return parts;
}

function splitFromRight(text: string, separator: string | null, most: number): string[] {
  if (most < 0) return split(text, separator, most);
  const parts: string[] = [];
  let rest = separator === null ? withoutTrailing(text) : text;
  if (separator === '') throw new TemplateError('empty separator');
  while (parts.length < most) {
    if (separator === null) {
      const at = lastSpace(rest);
      if (at < 0) break;
      parts.push(rest.slice(at + 1));
      rest = withoutTrailing(rest.slice(0, at));
    } else {
      const at = rest.lastIndexOf(separator);
      if (at < 0) break;
      parts.push(rest.slice(at + separator.length));
      rest = rest.slice(0, at);
    }
  }
  if (separator !== null || rest !== '') parts.push(rest);
  // Collected from the right, because putting each in front of the others would move all of them.
  return parts.reverse();
}

function replaced(text: string, old: string, by: string, most: number): string {
  if (most < 0) return text.replaceAll(old, () => by);
  const parts = old === '' ? ['', ...text] : split(text, old, most);
  if (old !== '') return parts.join(by);
  return [...parts.slice(0, most + 1)].join(by) + parts.slice(most + 1).join('');
}

/** Before a text is replaced in: how long it becomes at most is counted. */
export function replaceIn(text: string, old: string, by: string, most: number, budget: Budget): string {
  if (by.length > old.length) {
    const places = old === '' ? text.length + 1 : text.split(old, most < 0 ? undefined : most + 1).length;
    budget.text(text.length + places * (by.length - old.length));
  }
  budget.text(text.length);
  return replaced(text, old, by, most);
}

/** Where it is found, in code points from the beginning; -1: nowhere. */
function find(text: string, args: Args, isLast: boolean): number {
  const [sought, start, end] = bind('find', args, ['sub', 'start', 'end'], 1);
  if (start === undefined && end === undefined) {
    const at = isLast ? text.lastIndexOf(stringOf(sought)) : text.indexOf(stringOf(sought));
    return at < 0 ? -1 : textLength(text.slice(0, at));
  }
  const points = [...text];
  const [from, to] = limits(points.length, start, end);
  const inside = points.slice(from, to).join('');
  const at = isLast ? inside.lastIndexOf(stringOf(sought)) : inside.indexOf(stringOf(sought));
  return at < 0 || from > to ? -1 : from + textLength(inside.slice(0, at));
}

function limits(length: number, start: Value | undefined, end: Value | undefined): readonly [number, number] {
  const place = (value: Value | undefined, fallback: number) => {
    const at = wholeOf(value === null ? undefined : value, fallback);
    return Math.min(length, at < 0 ? Math.max(0, at + length) : at);
  };
  return [place(start, 0), place(end, length)];
}

function beginsOrEnds(name: 'startsWith' | 'endsWith'): Method {
  return (text, args) => {
    const [sought, start, end] = bind(name.toLowerCase(), args, ['prefix', 'start', 'end'], 1);
    const whole = start === undefined && end === undefined ? text : [...text].slice(...limits(textLength(text), start, end)).join('');
    const any: readonly (Value | undefined)[] = sought instanceof Tuple ? sought.items : [sought];
    return any.some((each) => whole[name](stringOf(each)));
  };
}

function padding(side: 'left' | 'right' | 'both'): Method {
  return (text, args, budget) => {
    const [width, fill] = bind('just', args, ['width', 'fillchar'], 1);
    const missing = Math.max(0, wholeOf(width, 0) - textLength(text));
    budget.text(missing);
    const before = side === 'left' ? 0 : side === 'right' ? missing : Math.floor(missing / 2) + (missing & wholeOf(width, 0) & 1);
    return stringOf(fill, ' ').repeat(before) + text + stringOf(fill, ' ').repeat(missing - before);
  };
}

const plain =
  (make: (text: string) => Value): Method =>
  (text, args, budget) => {
    bind('method', args, []);
    budget.text(text.length);
    return make(text);
  };
const all = (pattern: RegExp): Method => plain((text) => pattern.test(text));
const listOf = (texts: readonly string[], budget: Budget) => {
  budget.spend(texts.length);
  return new List([...texts]);
};

export const capitalized = (text: string) => {
  const [first = '', ...rest] = text;
  return first.toUpperCase() + rest.join('').toLowerCase();
};
const titled = (text: string) => text.replace(/\p{L}+/gu, capitalized);
const hasCase = (text: string) => text.toLowerCase() !== text.toUpperCase();

const stripping =
  (sides: 'both' | 'left' | 'right'): Method =>
  (text, args, budget) => {
    const [characters] = bind('strip', args, ['chars']);
    budget.text(text.length);
    return stripped(text, characters === undefined || characters === null ? null : stringOf(characters), sides);
  };

const splitting =
  (cut: typeof split): Method =>
  (text, args, budget) => {
    const [separator, most] = bind('split', args, ['sep', 'maxsplit']);
    budget.text(text.length);
    return listOf(cut(text, separator === undefined || separator === null ? null : stringOf(separator), wholeOf(most, -1)), budget);
  };

const parting =
  (isLast: boolean): Method =>
  (text, args) => {
    const separator = stringOf(bind('partition', args, ['sep'], 1)[0]);
    const at = isLast ? text.lastIndexOf(separator) : text.indexOf(separator);
    if (at < 0) return new Tuple(isLast ? ['', '', text] : [text, '', '']);
    return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)]);
  };

function found(text: string, args: Args, isLast: boolean): Value {
  const at = find(text, args, isLast);
  if (at < 0) throw new TemplateError('substring not found');
  return BigInt(at);
}

export const STRING_METHODS: Readonly<Record<string, Method>> = {
  capitalize: plain(capitalized),
  casefold: plain((text) => text.toLowerCase().replaceAll('ß', 'ss')),
  center: padding('both'),
  count: (text, args, budget) => {
    budget.text(text.length);
    const sought = stringOf(bind('count', args, ['sub', 'start', 'end'], 1)[0]);
    return BigInt(sought === '' ? textLength(text) + 1 : text.split(sought).length - 1);
  },
  endswith: beginsOrEnds('endsWith'),
  expandtabs: (text, args, budget) => expanded(text, Math.max(0, wholeOf(bind('expandtabs', args, ['tabsize'])[0], 8)), budget),
  find: (text, args) => BigInt(find(text, args, false)),
  index: (text, args) => found(text, args, false),
  isalnum: all(/^[\p{L}\p{N}]+$/u),
  isalpha: all(/^\p{L}+$/u),
  isascii: plain((text) => !/[\u0080-\uffff]/.test(text)),
  isdecimal: all(/^\p{Nd}+$/u),
  isdigit: all(/^[\p{Nd}²³¹⁰⁴-⁹₀-₉]+$/u),
  isidentifier: all(/^[\p{ID_Start}_][\p{ID_Continue}]*$/u),
  islower: plain((text) => hasCase(text) && text === text.toLowerCase()),
  isnumeric: all(/^\p{N}+$/u),
  isprintable: plain((text) => !/[\p{C}\p{Z}]/u.test(text.replaceAll(' ', ''))),
  isspace: plain((text) => text !== '' && stripped(text, null, 'both') === ''),
  istitle: plain((text) => hasCase(text) && text === titled(text)),
  isupper: plain((text) => hasCase(text) && text === text.toUpperCase()),
  join: (text, args, budget) => {
    const [items] = bind('join', args, ['iterable'], 1);
    const list = items as Value;
    if (list instanceof List || list instanceof Tuple) for (const item of list.items) stringOf(item);
    return joined(list, text, budget);
  },
  ljust: padding('left'),
  lower: plain((text) => text.toLowerCase()),
  lstrip: stripping('left'),
  partition: parting(false),
  removeprefix: (text, args) => {
    const prefix = stringOf(bind('removeprefix', args, ['prefix'], 1)[0]);
    return text.startsWith(prefix) ? text.slice(prefix.length) : text;
  },
  removesuffix: (text, args) => {
    const suffix = stringOf(bind('removesuffix', args, ['suffix'], 1)[0]);
    return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
  },
  replace: (text, args, budget) => {
    const [old, by, most] = bind('replace', args, ['old', 'new', 'count'], 2);
    return replaceIn(text, stringOf(old), stringOf(by), wholeOf(most, -1), budget);
  },
  rfind: (text, args) => BigInt(find(text, args, true)),
  rindex: (text, args) => found(text, args, true),
  rjust: padding('right'),
  rpartition: parting(true),
  rsplit: splitting(splitFromRight),
  rstrip: stripping('right'),
  split: splitting(split),
  splitlines: (text, args, budget) => {
    budget.text(text.length);
    return listOf(splitLines(text, bind('splitlines', args, ['keepends'])[0] === true), budget);
  },
  startswith: beginsOrEnds('startsWith'),
  strip: stripping('both'),
  swapcase: plain((text) =>
    text.replace(/\p{L}/gu, (letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase())),
  ),
  title: plain(titled),
  upper: plain((text) => text.toUpperCase()),
  zfill: (text, args, budget) => {
    const missing = Math.max(0, wholeOf(bind('zfill', args, ['width'], 1)[0], 0) - textLength(text));
    budget.text(missing);
    const sign = /^[+-]/.exec(text)?.[0] ?? '';
    return sign + '0'.repeat(missing) + text.slice(sign.length);
  },
};
