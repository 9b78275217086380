/**
 * Reads the required format of an answer: a JSON schema in one of the forms that clients send, or a
 * llama.cpp grammar. Pure.
 */
import { ANY_OBJECT } from '../grammar/json-grammar.ts';
import { TooMuchWork, whyRefused } from '../grammar/language.ts';
import { checkGrammar } from '../grammar/open-places.ts';
import { type Schema, SchemaRefusal } from '../grammar/schema-merge.ts';
import { type Body, invalid, isAbsent, isEmpty, isObject } from './openai-fields.ts';

/**
 * @throws ModeliumError invalid-body, with the keyword that cannot be enforced, or where llama.cpp
 * could not follow an answer through the grammar.
 */
export function grammarOf<Made extends string | null>(param: string, make: () => Made): Made {
  try {
    const made = make();
    if (made !== null) checkGrammar(made);
    return made;
  } catch (error) {
    if (error instanceof TooMuchWork || !(error instanceof SchemaRefusal || error instanceof RangeError)) throw error;
    throw invalid(param, `The JSON schema in "${param}" cannot be carried out: ${whyRefused(error)}.`);
  }
}

export function answerSchema(body: Body): { readonly param: string; readonly schema: Schema | boolean } | null {
  const format = body['response_format'];
  const own = body['json_schema'];
  if (!isAbsent(own) && !isEmpty(own)) return { param: 'json_schema', schema: own as Schema };
  if (isAbsent(format)) return null;
  const type = isObject(format) ? format['type'] : undefined;
  if (type === 'text') return null;
  // llama-server's clients put a schema beside this type.
  if (type === 'json_object') return { param: 'response_format', schema: ((format as Body)['schema'] as Schema | undefined) ?? ANY_OBJECT };
  const wrapped = type === 'json_schema' ? (format as Body)['json_schema'] : undefined;
  const schema = isObject(wrapped) ? wrapped['schema'] : undefined;
  if (schema !== undefined) return { param: 'response_format', schema: schema as Schema };
  throw invalid(
    'response_format',
    '"response_format.type" must be "text", "json_object", or "json_schema" with "json_schema": {"schema": {...}}.',
  );
}

/** Deeper groups would exhaust the stack of llama.cpp's parser. */
const MOST_GRAMMAR_DEPTH = 100;
const MOST_GRAMMAR_CHARACTERS = 100_000;
const MOST_GRAMMAR_RULES = 5000;

/**
 * A grammar in llama.cpp's notation, as llama-server takes it; null: none. @throws ModeliumError
 * invalid-body.
 */
export function ownGrammar(body: Body): string | null {
  const value = body['grammar'];
  if (isAbsent(value) || value === '') return null;
  if (typeof value !== 'string') throw invalid('grammar', '"grammar" must be a text in the notation of llama.cpp (GBNF).');
  let depth = 0;
  let deepest = 0;
  for (const character of value) {
    if (character === '(') deepest = Math.max(deepest, ++depth);
    else if (character === ')') depth -= 1;
  }
  const rules = value.split('::=').length - 1;
  if (value.length > MOST_GRAMMAR_CHARACTERS || rules > MOST_GRAMMAR_RULES || deepest > MOST_GRAMMAR_DEPTH) {
    const most = `${MOST_GRAMMAR_CHARACTERS} characters, ${MOST_GRAMMAR_RULES} rules and groups ${MOST_GRAMMAR_DEPTH} deep`;
    throw invalid('grammar', `"grammar" may have at most ${most}.`);
  }
  try {
    checkGrammar(value);
  } catch (error) {
    if (error instanceof TooMuchWork || !(error instanceof RangeError)) throw error;
    throw invalid('grammar', `"grammar" cannot be carried out: ${whyRefused(error)}.`);
  }
  return value;
}
