/**
 * The formats in which models write tool calls. Each family has its own, which its chat template
 * shows: the text that begins a call, and the grammar for a required call. `tool-reader.ts` parses
 * the calls. Pure.
 */

import { automaton } from '../grammar/automaton.ts';
import { automatonRules } from '../grammar/automaton-rules.ts';
import { GrammarText, literal } from '../grammar/grammar-text.ts';
import { ANY_OBJECT, JsonRules } from '../grammar/json-grammar.ts';
import { ANY_TEXT, sequence, text } from '../grammar/language.ts';
import type { Schema } from '../grammar/schema-merge.ts';
import type { Tool, ToolRequest } from '../requests/openai-messages.ts';

/**
 * `hermes`: <tool_call>{json}</tool_call>, also Qwen's; `mistral`: [TOOL_CALLS][{json}];
 * `mistral-named`: [TOOL_CALLS]name[ARGS]{json}; `llama`: {"name", "parameters"} as the whole
 * answer, perhaps behind <|python_tag|>.
 */
export type ToolFormat = 'hermes' | 'mistral' | 'mistral-named' | 'llama';

/**
 * Texts that begin or divide calls. In some vocabularies they are control tokens, which are no text
 * of an answer otherwise.
 */
export const MARKS: Readonly<Record<ToolFormat, readonly string[]>> = {
  hermes: ['<tool_call>', '</tool_call>'],
  mistral: ['[TOOL_CALLS]'],
  'mistral-named': ['[TOOL_CALLS]', '[ARGS]'],
  llama: ['<|python_tag|>'],
};

/**
 * The format of a model by its template; null: it knows no tools, or writes calls in a way that is
 * not read here.
 */
export function toolFormatOf(template: string): ToolFormat | null {
  if (!/\btools\b/.test(template)) return null;
  // Same mark, other contents: Qwen3-Coder's <function=name> and GLM's <arg_key>.
  if (template.includes('<function=') || template.includes('<arg_key>')) return null;
  if (template.includes('<tool_call>')) return 'hermes';
  if (template.includes('[TOOL_CALLS]')) return template.includes('[ARGS]') ? 'mistral-named' : 'mistral';
  if (template.includes('<|python_tag|>') || /Environment: ipython/.test(template)) return 'llama';
  return null;
}

/**
 * Whether a tool takes nothing: its arguments are then an empty object, whatever the model would
 * like to write.
 */
export function takesNothing({ parameters }: Pick<Tool, 'parameters'>): boolean {
  if (parameters === null) return true;
  const { properties = {}, additionalProperties = false, type = 'object', ...more } = parameters;
  const isEmpty = typeof properties === 'object' && properties !== null && Object.keys(properties).length === 0;
  const hasMore = ['$ref', 'anyOf', 'oneOf', 'allOf', 'patternProperties', 'minProperties'].some((key) => more[key] !== undefined);
  return type === 'object' && isEmpty && additionalProperties === false && !hasMore;
}

/**
 * A grammar for answers of a model with tools; null: anything may come, and calls are read out of
 * it.
 * @param answer what an answer in words must be; null: anything.
 * @throws SchemaRefusal for schemas that cannot be enforced.
 */
export function answerGrammar(format: ToolFormat, request: ToolRequest, answer: Schema | boolean | null): string | null {
  const { tools, choice } = request;
  const isStrict = tools.some((tool) => tool.isStrict);
  if (choice === 'auto' && answer === null && !isStrict) return null;
  const grammar = new GrammarText();
  const isBound = choice === 'required' || isStrict;
  const { mark, rest } = callRules(grammar, format, request, isBound);
  const calls = `${mark === '' ? '' : literal(mark)} ${rest}`;
  if (choice === 'required') return grammar.text(calls);
  if (answer !== null) return grammar.text(`${new JsonRules(grammar, answer).value(answer, '#')} | ${calls}`);
  return grammar.text(mark === '' ? `${rest} | [^{] [\\U00000000-\\U0010FFFF]* | ""` : wordsThen(grammar, mark, rest));
}

/** Any words; where the mark of a call stands in them, the call follows, and nothing else. */
function wordsThen(grammar: GrammarText, mark: string, call: string): string {
  const states = automaton(sequence([ANY_TEXT, text(mark)])) ?? [];
  const behind = grammar.add(call);
  const ended = states.map(({ accepts, steps }) => ({ accepts: !accepts, steps: accepts ? [] : steps }));
  return automatonRules(grammar, ended, false, (at) => (states[at]?.accepts === true ? behind : null));
}

/**
 * At least one call of these tools: what begins it, and the rest. @param isBound arguments as each
 * tool wants them; else any object.
 */
function callRules(grammar: GrammarText, format: ToolFormat, { tools, parallel, choice }: ToolRequest, isBound: boolean) {
  const calls = tools.map((tool) => {
    const isHeld = isBound && (choice === 'required' || tool.isStrict);
    const schema = isHeld ? (tool.parameters ?? ANY_OBJECT) : ANY_OBJECT;
    const value = takesNothing(tool) ? '"{}"' : new JsonRules(grammar, schema).value(schema, `#/${tool.name}`);
    return { name: tool.name, value };
  });
  const key = format === 'llama' ? 'parameters' : 'arguments';
  const json = calls.map(({ name, value }) => `${literal(`{"name": ${JSON.stringify(name)}, "${key}": `)} ${value} "}"`);
  const named = calls.map(({ name, value }) => `${literal(`${name}[ARGS]`)} ${value}`);
  const call = grammar.add((format === 'mistral-named' ? named : json).join(' | '));
  const more = (between: string, body: string) => (parallel ? `(${literal(between)} ${body})*` : '');
  const [mark = ''] = format === 'llama' ? [] : MARKS[format];
  switch (format) {
    case 'hermes': {
      const rest = `"\\n" ${call} ${literal('\n</tool_call>')}`;
      return { mark, rest: `${rest} ${more('\n<tool_call>', rest)}` };
    }
    case 'mistral':
      return { mark, rest: `"[" ${call} ${more(', ', call)} "]"` };
    case 'mistral-named':
      return { mark, rest: `${call} ${more(mark, call)}` };
    case 'llama':
      return { mark, rest: `${call} ${more('; ', call)}` };
    default:
      return format satisfies never;
  }
}
