/**
 * Python's two ways to put values into a text: `"%05.2f" % value` and `"{:>5}".format(value)`.
 * Pure.
 */
import type { Budget } from './budget.ts';
import { numeric } from './compare.ts';
import { TemplateError } from './errors.ts';
import { floatText, repr, textOf } from './text.ts';
import { type Args, Dict, Tuple, textLength, typeName, Undefined, type Value } from './values.ts';

/** Wider than any layout of a text. */
const MOST_WIDTH = 10_000;
const DIRECTIVE = /%(?:\(([^()]*)\))?([-+ #0]*)(\*|[1-9]\d*)?(?:\.(\*|\d*))?[hlL]?([diouxXeEfFgGcrsa%])/g;

/** `text % value`. */
export function printf(text: string, value: Value, budget: Budget): string {
  const values = value instanceof Tuple ? value.items : [value];
  let at = 0;
  const next = (): Value => {
    const found = values[at];
    if (found === undefined) throw new TemplateError('not enough arguments for format string');
    at += 1;
    return found;
  };
  const size = (given: string | undefined) => (given === '*' ? Number(numeric(next())) : Number(given ?? 0));
  if (text.replace(DIRECTIVE, '').includes('%')) throw new TemplateError('unsupported format character');
  const made = text.replace(
    DIRECTIVE,
    (_whole, key: string | undefined, flags: string, width: string | undefined, digits: string | undefined, type: string) => {
      budget.spend();
      if (type === '%') return '%';
      const wide = size(width);
      const precision = digits === undefined ? null : size(digits);
      const item = key === undefined ? next() : mapped(value, key);
      const sign = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '-';
      const style = {
        fill: ' ',
        align: flags.includes('-') ? '<' : '>',
        sign,
        alternate: flags.includes('#'),
        grouping: '',
        precision,
      } as const;
      const isPadded = flags.includes('0') && !flags.includes('-') && !'srca'.includes(type);
      return formatted(
        item,
        { ...style, ...(isPadded ? { fill: '0', align: '=' } : {}), width: wide, type: type === 'i' || type === 'u' ? 'd' : type },
        budget,
      );
    },
  );
  if (at < values.length && !(value instanceof Dict)) throw new TemplateError('not all arguments converted during string formatting');
  budget.text(made.length);
  return made;
}

function mapped(value: Value, key: string): Value {
  if (!(value instanceof Dict)) throw new TemplateError('format requires a mapping');
  const item = value.get(key);
  if (item === undefined) throw new TemplateError(`'${key}'`);
  return item;
}

interface Style {
  readonly fill: string;
  readonly align: string;
  readonly sign: string;
  readonly alternate: boolean;
  readonly width: number;
  readonly grouping: string;
  readonly precision: number | null;
  /** Of the conversion; empty: by the value. */
  readonly type: string;
}

const SPEC = /^(?:([\s\S])?([<>=^]))?([-+ ])?z?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([bcdeEfFgGnosxX%])?$/u;

/** What Python's `format(value, spec)` gives. */
export function formatOf(value: Value, spec: string, budget: Budget): string {
  if (spec === '') return textOf(value, budget);
  const found = SPEC.exec(spec);
  if (found === null) throw new TemplateError(`Invalid format specifier '${spec.slice(0, 40)}'`);
  const [, fill, align, sign, alternate, zero, width, grouping, precision, type] = found;
  const isText = typeof value === 'string';
  return formatted(
    value,
    {
      fill: fill ?? (zero === undefined ? ' ' : '0'),
      align: align ?? (zero !== undefined && !isText ? '=' : isText ? '<' : '>'),
      sign: sign ?? '-',
      alternate: alternate !== undefined,
      width: Number(width ?? 0),
      grouping: grouping ?? '',
      precision: precision === undefined ? null : Number(precision),
      type: type ?? (isText ? 's' : ''),
    },
    budget,
  );
}

function formatted(value: Value, style: Style, budget: Budget): string {
  if (style.width > MOST_WIDTH || (style.precision ?? 0) > MOST_WIDTH) throw new TemplateError(`a width of more than ${MOST_WIDTH}`);
  const { type } = style;
  if (type === 's' || type === 'r' || type === 'a' || (type === '' && numeric(value) === null)) {
    const text = type === 's' || type === '' ? textOf(value, budget) : repr(value, budget);
    return padded('', style.precision === null ? text : [...text].slice(0, style.precision).join(''), {
      ...style,
      align: style.align === '=' ? '<' : style.align,
    });
  }
  const number = numeric(value);
  if (type === 'c') return padded('', number === null ? textOf(value, budget) : String.fromCodePoint(Number(number)), style);
  if (number === null) {
    if (value instanceof Undefined) value.refuse();
    throw new TemplateError(`%${type} format: a real number is required, not ${typeName(value)}`);
  }
  const isNegative = number < 0 || Object.is(number, -0);
  const sign = isNegative ? '-' : style.sign === '-' ? '' : style.sign;
  const size = isNegative ? -number : number;
  return padded(sign, digitsOf(size, style), style);
}

function digitsOf(size: bigint | number, style: Style): string {
  const { type, alternate, precision } = style;
  const prefix = alternate ? ({ b: '0b', o: '0o', x: '0x', X: '0X' }[type] ?? '') : '';
  const integer = typeof size === 'bigint' ? size : BigInt(Number.isFinite(size) ? Math.trunc(size) : 0);
  switch (type) {
    case 'd':
    case 'n':
      return grouped(integer.toString().padStart(precision ?? 0, '0'), style.grouping);
    case 'b':
    case 'o':
    case 'x':
    case 'X': {
      const text = integer.toString({ b: 2, o: 8, x: 16, X: 16 }[type]).padStart(precision ?? 0, '0');
      return prefix + (type === 'X' ? text.toUpperCase() : text);
    }
    case 'f':
    case 'F':
      return grouped(fixed(Number(size), precision ?? 6), style.grouping);
    case '%':
      return `${fixed(Number(size) * 100, precision ?? 6)}%`;
    case 'e':
    case 'E':
      return cased(scientific(Number(size), precision ?? 6), type);
    case 'g':
    case 'G':
      return cased(general(Number(size), precision ?? 6), type);
    default:
      if (typeof size === 'bigint') return grouped(size.toString(), style.grouping);
      return precision === null ? grouped(floatText(size), style.grouping) : general(size, precision);
  }
}

/**
 * A number with so many digits behind the point; exact halves go to the even neighbour, as in
 * Python.
 */
export function fixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return floatText(value);
  if (Math.abs(value) >= 1e21) return BigInt(value).toString() + (digits > 0 ? `.${'0'.repeat(digits)}` : '');
  const most = Math.min(digits, 100);
  const up = value.toFixed(most);
  // A tie has a finite decimal expansion that ends in 5 one place further on.
  const longer = most < 100 ? Math.abs(value).toFixed(most + 1) : '';
  const isTie = most < 100 && longer.endsWith('5') && Number(longer) === Math.abs(value) && isExact(Math.abs(value), most + 1);
  const last = Number(up.at(-1));
  if (!isTie || last % 2 === 0) return up + '0'.repeat(digits - most);
  const cut = `${value < 0 ? '-' : ''}${longer.slice(0, -1).replace(/\.$/, '')}`;
  return cut;
}

/** The decimal with so many places is the float itself, not only its nearest. */
function isExact(value: number, places: number): boolean {
  return (
    value
      .toFixed(Math.min(100, places + 30))
      .slice(value.toFixed(places).length)
      .replace(/0/g, '') === ''
  );
}

function scientific(value: number, digits: number): string {
  if (!Number.isFinite(value)) return floatText(value);
  const [mantissa = '', power = '0'] = value.toExponential(Math.min(digits, 100)).split('e');
  return `${mantissa}e${power.startsWith('-') ? '-' : '+'}${power.replace(/^[-+]/, '').padStart(2, '0')}`;
}

function general(value: number, digits: number): string {
  if (!Number.isFinite(value)) return floatText(value);
  const most = Math.max(1, digits);
  const exponent = value === 0 ? 0 : Number(value.toExponential(Math.min(most - 1, 100)).split('e')[1]);
  const trimmed = (text: string) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
  if (exponent >= -4 && exponent < most) return trimmed(fixed(value, most - 1 - exponent));
  const [mantissa = '', power = ''] = scientific(value, most - 1).split('e');
  return `${trimmed(mantissa)}e${power}`;
}

const cased = (text: string, type: string) => (type === type.toUpperCase() ? text.toUpperCase() : text);

function grouped(text: string, separator: string): string {
  if (separator === '') return text;
  const [whole = '', rest] = text.split('.');
  const parts = whole.replace(/\B(?=(\d{3})+(?!\d))/g, separator);
  return rest === undefined ? parts : `${parts}.${rest}`;
}

function padded(sign: string, text: string, { fill, align, width }: Style): string {
  const missing = width - textLength(sign + text);
  if (missing <= 0) return sign + text;
  if (align === '<') return sign + text + fill.repeat(missing);
  if (align === '=') return sign + fill.repeat(missing) + text;
  if (align === '^') return fill.repeat(Math.floor(missing / 2)) + sign + text + fill.repeat(Math.ceil(missing / 2));
  return fill.repeat(missing) + sign + text;
}

const FIELD = /^([^.[:!]*)((?:\.[^.[:!]+|\[[^\]]*\])*)(?:!([rsa]))?(?::([\s\S]*))?$/u;

/** How a field's path is followed. */
export interface Reach {
  attribute(of: Value, name: string): Value;
  item(of: Value, key: Value): Value;
}

/** `text.format(...)`. */
export function braceFormat(text: string, args: Args, reach: Reach, budget: Budget): string {
  let automatic = 0;
  const field = (inner: string): string => {
    budget.spend();
    const found = FIELD.exec(inner);
    if (found === null) throw new TemplateError(`a field of the format is not understood: '${inner.slice(0, 40)}'`);
    const [, name = '', path = '', conversion, spec = ''] = found;
    let value = fieldValue(name === '' ? String(automatic++) : name, args);
    for (const [, attribute, key] of path.matchAll(/\.([^.[]+)|\[([^\]]*)\]/g))
      value =
        attribute === undefined
          ? reach.item(value, /^\d+$/.test(key ?? '') ? BigInt(key ?? '') : (key ?? ''))
          : reach.attribute(value, attribute);
    const shown = conversion === 'r' || conversion === 'a' ? repr(value, budget) : conversion === 's' ? textOf(value, budget) : value;
    return formatOf(shown, replaceFields(spec, field), budget);
  };
  const made = replaceFields(text, field);
  budget.text(made.length);
  return made;
}

function fieldValue(name: string, { positional, named }: Args): Value {
  const found = /^\d+$/.test(name) ? positional[Number(name)] : named.get(name);
  if (found !== undefined) return found;
  throw new TemplateError(/^\d+$/.test(name) ? `Replacement index ${name} out of range for positional args tuple` : `'${name}'`);
}

/**
 * Braces that are doubled are braces; what stands between single ones is a field, whose format may
 * hold fields again.
 */
function replaceFields(text: string, field: (inner: string) => string): string {
  let made = '';
  for (let at = 0; at < text.length; ) {
    const character = text[at] ?? '';
    if ((character === '{' || character === '}') && text[at + 1] === character) {
      made += character;
      at += 2;
    } else if (character === '}') {
      throw new TemplateError("Single '}' encountered in format string");
    } else if (character === '{') {
      let depth = 1;
      let end = at + 1;
      for (; end < text.length && depth > 0; end++) depth += text[end] === '{' ? 1 : text[end] === '}' ? -1 : 0;
      if (depth > 0) throw new TemplateError("Single '{' encountered in format string");
      made += field(text.slice(at + 1, end - 1));
      at = end;
    } else {
      made += character;
      at += 1;
    }
  }
  return made;
}
