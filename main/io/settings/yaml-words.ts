/** Plain data in words of YAML, for `yaml-edit.ts`. Pure. */
import { visibleJson } from '../../../shared/visible.ts';
import type { DataPath } from './yaml-change.ts';

/** Columns that a section's keys stand deeper than its name. */
export const INDENT = 2;

/** `{a: {b: value}}` for the path `a.b`. */
export function nested(path: DataPath, value: unknown): unknown {
  return path.reduceRight<unknown>((inner, step) => ({ [step]: inner }), value);
}

/** `a:`, below it `b: value`; each line begins at `column` or deeper. */
export function asLines(path: DataPath, value: unknown, column: number): readonly string[] {
  return path.map((step, depth) => {
    const key = `${' '.repeat(column + depth * INDENT)}${inFlow(String(step), false)}:`;
    return depth === path.length - 1 ? `${key} ${inFlow(value, false)}` : key;
  });
}

/** Texts that no YAML reads as anything else, in any place. */
const PLAIN = /^(?:~?\/)?[A-Za-z][\w.]*(?:[/-][\w.]+)*$/;
const NOT_A_TEXT = /^(?:true|false|yes|no|on|off|y|n|null|inf|nan)$/i;

/** A value on one line. @param isJson quotes every text, as the rest of the line does. */
export function inFlow(value: unknown, isJson: boolean): string {
  if (Array.isArray(value)) return `[${value.map((item) => inFlow(item, isJson)).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([key, inner]) => `${inFlow(key, isJson)}: ${inFlow(inner, isJson)}`);
    const pad = isJson || pairs.length === 0 ? '' : ' ';
    return `{${pad}${pairs.join(', ')}${pad}}`;
  }
  return typeof value === 'string' && !isJson && PLAIN.test(value) && !NOT_A_TEXT.test(value) ? value : visibleJson(JSON.stringify(value));
}
