/** Converts values to text: as Python's str() and repr(), and as JSON. No I/O. */
import type { Budget } from './budget.ts';
import { TemplateError } from './errors.ts';
import {
  Callable,
  Dict,
  iterate,
  Lazy,
  List,
  Loop,
  Markup,
  Namespace,
  plain,
  Range,
  Slice,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from './values.ts';

/** Python's shortest text that reads back as the same float. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  if (value === 0) return '0.0';
  const [digits = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  const plain = value.toString();
  // JavaScript writes small numbers with an exponent from 1e-7 on, Python from 1e-5 on: between
  // them and 1e16 both write digits.
  return plain.includes('.') ? plain : `${plain}.0`;
}

/** As it is printed. */
export function textOf(value: Value, budget: Budget): string {
  if (typeof value === 'string') return value;
  if (value instanceof Markup) return value.text;
  if (value instanceof Undefined) return '';
  return repr(value, budget);
}

/** As it is written in Python's code. */
export function repr(value: Value, budget: Budget): string {
  budget.spend();
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'bigint') return integerText(value);
  if (typeof value === 'number') return floatText(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value === null) return 'None';
  return budget.deeper(() => objectText(value, budget));
}

function objectText(value: Exclude<Value, string | bigint | number | boolean | null>, budget: Budget): string {
  const list = (items: Iterable<Value>) => Array.from(items, (item) => repr(item, budget)).join(', ');
  const made = () => {
    if (value instanceof List) return `[${list(value.items)}]`;
    if (value instanceof Tuple) return `(${list(value.items)}${value.items.length === 1 ? ',' : ''})`;
    if (value instanceof Dict)
      return `{${Array.from(value.entries(), ([key, item]) => `${repr(key, budget)}: ${repr(item, budget)}`).join(', ')}}`;
    if (value instanceof View) return `dict_${value.part}([${list(value.items())}])`;
    if (value instanceof Range) return `range(${value.start}, ${value.stop}${value.step === 1 ? '' : `, ${value.step}`})`;
    if (value instanceof Undefined) return 'Undefined';
    if (value instanceof Markup) return `Markup(${quoted(value.text)})`;
    if (value instanceof Slice) return `slice(${list([value.start, value.stop, value.step])})`;
    if (value instanceof Namespace) return '<Namespace>';
    if (value instanceof Callable) return `<function ${value.name}>`;
    return value instanceof Lazy || value instanceof Loop ? `<${typeName(value)} object>` : '';
  };
  const text = made();
  budget.text(text.length);
  return text;
}

/** Digits of an int; the time for that grows with their square. */
function integerText(value: bigint): string {
  if (value > -(2n ** 14_000n) && value < 2n ** 14_000n) return value.toString();
  throw new TemplateError('Exceeds the limit (4300 digits) for integer string conversion');
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inner = text.replace(/[\\\p{C}\p{Z}'"]/gu, (character) => {
    if (character === ' ' || character === '"' || character === "'") return character === quote ? `\\${character}` : character;
    const point = character.codePointAt(0) ?? 0;
    const hex = point.toString(16);
    return (
      SHORT[character] ??
      (point < 0x100 ? `\\x${hex.padStart(2, '0')}` : point < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`)
    );
  });
  return quote + inner + quote;
}

export interface JsonStyle {
  readonly asciiOnly: boolean;
  /** Null: all in one line. */
  readonly indent: string | null;
  readonly itemSeparator: string;
  readonly keySeparator: string;
  readonly sortKeys: boolean;
}

/** As Python's `json.dumps` writes it. @throws TemplateError for what JSON does not have. */
export function jsonText(value: Value, style: JsonStyle, budget: Budget): string {
  const text = new JsonWriter(style, budget).value(value, '\n');
  budget.text(text.length);
  return text;
}

class JsonWriter {
  readonly #style: JsonStyle;
  readonly #budget: Budget;

  constructor(style: JsonStyle, budget: Budget) {
    this.#style = style;
    this.#budget = budget;
  }

  /** @param feed the line feed and indentation of what it stands in. */
  value(given: Value, feed: string): string {
    this.#budget.spend();
    const value = plain(given);
    if (typeof value === 'string') return this.#string(value);
    if (value === null) return 'null';
    if (typeof value === 'boolean') return String(value);
    if (typeof value === 'bigint') return integerText(value);
    if (typeof value === 'number') return jsonFloat(value);
    return this.#budget.deeper(() => this.#container(value, feed));
  }

  #container(value: Exclude<Value, string | bigint | number | boolean | null>, feed: string): string {
    const inner = this.#style.indent === null ? '' : feed + this.#style.indent;
    const whole = (open: string, parts: readonly string[], close: string) => {
      if (parts.length === 0) return open + close;
      const [before, after] = this.#style.indent === null ? ['', ''] : [inner, feed];
      return open + before + parts.join(this.#style.itemSeparator + inner) + after + close;
    };
    if (value instanceof List || value instanceof Tuple) {
      return whole(
        '[',
        value.items.map((item) => this.value(item, inner)),
        ']',
      );
    }
    if (value instanceof Dict) {
      const entries = Array.from(value.entries());
      if (this.#style.sortKeys) entries.sort(([left], [right]) => (String(left) < String(right) ? -1 : 1));
      return whole(
        '{',
        entries.map(([key, item]) => this.#key(key) + this.#style.keySeparator + this.value(item, inner)),
        '}',
      );
    }
    throw new TemplateError(`Object of type ${typeName(value)} is not JSON serializable`);
  }

  #key(given: Value): string {
    const key = plain(given);
    if (typeof key === 'string') return this.#string(key);
    if (key === null || typeof key === 'boolean' || typeof key === 'bigint' || typeof key === 'number') return `"${this.value(key, '')}"`;
    throw new TemplateError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
  }

  #string(text: string): string {
    const plain = JSON.stringify(text);
    if (!this.#style.asciiOnly) return plain;
    return plain.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  }
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return floatText(value);
}

/** The items as texts, with something between them. */
export function joined(items: Value, between: string, budget: Budget): string {
  const texts: string[] = [];
  let length = 0;
  for (const item of iterate(items)) {
    budget.spend();
    const text = textOf(item, budget);
    length += text.length + between.length;
    texts.push(text);
    budget.text(text.length);
  }
  budget.text(length);
  return texts.join(between);
}
