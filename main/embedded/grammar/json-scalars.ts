/** Texts and numbers of a JSON schema as rules of a grammar. Pure. */

import { automaton, lengths, type State } from './automaton.ts';
import { automatonRules } from './automaton-rules.ts';
import { FORMAT_LENGTHS, FORMATS, MEANINGLESS_FORMATS } from './formats.ts';
import type { GrammarText } from './grammar-text.ts';
import { ANY_CHARACTER, both, characters, type Language, repeated, TooManyStates, TooMuchWork, whyRefused } from './language.ts';
import { numberLanguage } from './number-language.ts';
import { PatternRefusal, patternLanguage } from './regex.ts';
import { count, Patterns, type Schema, SchemaRefusal } from './schema-merge.ts';

const CHARACTER = '[^"\\\\\\x7F\\x00-\\x1F] | "\\\\" (["\\\\/bfnrt] | "u" [0-9a-fA-F]{4})';
const MOST_COUNTED_STATES = 4000;
const LEAST_COUNTED = 64;
/** Far above any text that a model writes. */
const LONGEST_TEXT = 1_000_000;

/** @throws SchemaRefusal. */
export function textRule(grammar: GrammarText, schema: Schema, at: string): string {
  const least = count(schema, 'minLength', at) ?? 0;
  const most = count(schema, 'maxLength', at);
  if (most !== null && most < least) throw new SchemaRefusal(`"maxLength" at ${at} is less than "minLength"`);
  const languages = [...patternsOf(schema, at), ...formatOf(schema, at)];
  if (languages.length > 0) return grammar.add(`"\\"" ${boundedRule(grammar, both(languages), least, most, at)} "\\""`);
  const character = grammar.shared('character', () => CHARACTER);
  if (least === 0 && most === null) return grammar.shared('string', () => `"\\"" ${character}* "\\""`);
  if (Math.max(least, most ?? 0) > LONGEST_TEXT) throw new SchemaRefusal(`"minLength" and "maxLength" at ${at} go up to ${LONGEST_TEXT}`);
  return grammar.add(`"\\"" ${grammar.times(character, least, most)} "\\""`);
}

function patternsOf(schema: Schema, at: string): readonly Language[] {
  const given = schema['pattern'];
  const patterns = given instanceof Patterns ? given.all : given === undefined ? [] : [given];
  return patterns.map((pattern) => {
    if (typeof pattern !== 'string') throw new SchemaRefusal(`"pattern" at ${at} must be a text`);
    try {
      return patternLanguage(pattern);
    } catch (error) {
      if (error instanceof TooMuchWork || !(error instanceof PatternRefusal || error instanceof RangeError)) throw error;
      throw new SchemaRefusal(`"pattern" at ${at} cannot be enforced: ${whyRefused(error)}`);
    }
  });
}

function formatOf(schema: Schema, at: string): readonly Language[] {
  const format = schema['format'];
  if (format === undefined || MEANINGLESS_FORMATS.has(String(format))) return [];
  const pattern = typeof format === 'string' && Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  const length = FORMAT_LENGTHS[String(format)];
  const counted = length === undefined ? [] : [repeated(characters(ANY_CHARACTER), 0, length)];
  if (pattern !== undefined) return [patternLanguage(pattern), ...counted];
  throw new SchemaRefusal(`"format" at ${at} cannot be enforced: it may be one of ${Object.keys(FORMATS).join(', ')}`);
}

/**
 * A text of a language, within bounds of its length. Where counting would take too many states,
 * shorter ones than allowed are written.
 */
function boundedRule(grammar: GrammarText, language: Language, least: number, most: number | null, at: string): string {
  const states = automatonOf(language, 'pattern" or "format', at);
  const [shortest, longest] = lengths(states);
  if (shortest >= least && (most === null || longest <= most)) return automatonRules(grammar, states, true);
  const countable = Math.max(least, shortest, LEAST_COUNTED, Math.floor(MOST_COUNTED_STATES / states.length));
  const length = repeated(characters(ANY_CHARACTER), least, most === null ? null : Math.min(most, countable));
  return automatonRules(grammar, automatonOf(both([language, length]), 'pattern", "format" or "maxLength', at), true);
}

function automatonOf(language: Language, keyword: string, at: string): readonly State[] {
  try {
    const states = automaton(language);
    if (states !== null) return states;
  } catch (error) {
    if (error instanceof TooManyStates) throw new SchemaRefusal(`"${keyword}" at ${at} cannot be enforced: ${error.message}`);
    throw error;
  }
  throw new SchemaRefusal(`no value is allowed by all keywords at ${at}`);
}

/** @throws SchemaRefusal. */
export function numberRule(grammar: GrammarText, schema: Schema, type: 'integer' | 'number', at: string): string {
  const bound = (name: string): number | null => {
    const value = schema[name];
    if (value === undefined || typeof value === 'boolean') return null;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw new SchemaRefusal(`"${name}" at ${at} must be a number`);
  };
  const [least, isLeastOpen] = stricter(bound('minimum'), bound('exclusiveMinimum'), schema['exclusiveMinimum'] === true, 1);
  const [most, isMostOpen] = stricter(bound('maximum'), bound('exclusiveMaximum'), schema['exclusiveMaximum'] === true, -1);
  const multipleOf = bound('multipleOf');
  if (multipleOf !== null && multipleOf <= 0) throw new SchemaRefusal(`"multipleOf" at ${at} must be more than 0`);
  if (least === null && most === null && multipleOf === null) {
    const whole = '"-"? ("0" | [1-9] [0-9]{0,14})';
    return grammar.shared(type, () => (type === 'integer' ? whole : `${whole} ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?`));
  }
  const isInteger = type === 'integer';
  try {
    const language = numberLanguage({ isInteger, least, most, isLeastOpen, isMostOpen, multipleOf });
    return automatonRules(grammar, automatonOf(language, 'minimum", "maximum" or "multipleOf', at), false);
  } catch (error) {
    if (error instanceof RangeError && !(error instanceof TooMuchWork))
      throw new SchemaRefusal(`"multipleOf" at ${at} cannot be enforced: it ${error.message}`);
    throw error;
  }
}

/**
 * Of two bounds the one that allows less. @param isOpen the first draft's way: a flag beside the
 * bound.
 */
function stricter(closed: number | null, open: number | null, isOpen: boolean, sign: 1 | -1): readonly [number | null, boolean] {
  if (open === null || (closed !== null && (closed - open) * sign > 0)) return [closed, isOpen];
  return [open, true];
}
