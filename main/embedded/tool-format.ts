/**
 * How models write calls of tools. Each family has a format of its own, which its chat template shows: what begins a call, and what a grammar
 * must allow where a call is demanded. Reading calls is `tool-reader.ts`. Pure.
 */
import { GrammarText, literal } from './grammar-text.ts';
import { ANY_OBJECT, JsonRules } from './json-grammar.ts';
import type { ToolRequest } from './openai-messages.ts';

/**
 * `hermes`: <tool_call>{json}</tool_call>, also Qwen's; `mistral`: [TOOL_CALLS][{json}]; `mistral-named`: [TOOL_CALLS]name[ARGS]{json};
 * `llama`: {"name", "parameters"} as the whole answer, perhaps behind <|python_tag|>.
 */
export type ToolFormat = 'hermes' | 'mistral' | 'mistral-named' | 'llama';

/** Texts that begin or divide calls. In some vocabularies they are control tokens, which are no text of an answer otherwise. */
export const MARKS: Readonly<Record<ToolFormat, readonly string[]>> = {
  hermes: ['<tool_call>', '</tool_call>'],
  mistral: ['[TOOL_CALLS]'],
  'mistral-named': ['[TOOL_CALLS]', '[ARGS]'],
  llama: ['<|python_tag|>'],
};

/** The format of a model by its template; null: it knows no tools, or writes calls in a way that is not read here. */
export function toolFormatOf(template: string): ToolFormat | null {
  if (!/\btools\b/.test(template)) return null;
  // Same mark, other contents: Qwen3-Coder's <function=name> and GLM's <arg_key>.
  if (template.includes('<function=') || template.includes('<arg_key>')) return null;
  if (template.includes('<tool_call>')) return 'hermes';
  if (template.includes('[TOOL_CALLS]')) return template.includes('[ARGS]') ? 'mistral-named' : 'mistral';
  if (template.includes('<|python_tag|>') || /Environment: ipython/.test(template)) return 'llama';
  return null;
}

/** A grammar for at least one call of these tools, and nothing else. @throws SchemaRefusal for parameters that cannot be enforced. */
export function callGrammar(format: ToolFormat, { tools, parallel }: ToolRequest): string {
  const grammar = new GrammarText();
  const calls = tools.map(({ name, parameters }) => {
    const schema = parameters ?? ANY_OBJECT;
    const value = new JsonRules(grammar, schema).value(schema, `#/${name}`);
    return { name, value };
  });
  const key = format === 'llama' ? 'parameters' : 'arguments';
  const json = calls.map(({ name, value }) => `${literal(`{"name": ${JSON.stringify(name)}, "${key}": `)} ${value} "}"`);
  const named = calls.map(({ name, value }) => `${literal(`${name}[ARGS]`)} ${value}`);
  const call = grammar.add((format === 'mistral-named' ? named : json).join(' | '));
  const more = (between: string, body: string) => (parallel ? `(${literal(between)} ${body})*` : '');
  switch (format) {
    case 'hermes': {
      const whole = `${literal('<tool_call>\n')} ${call} ${literal('\n</tool_call>')}`;
      return grammar.text(`${whole} ${more('\n', whole)}`);
    }
    case 'mistral':
      return grammar.text(`${literal('[TOOL_CALLS][')} ${call} ${more(', ', call)} "]"`);
    case 'mistral-named': {
      const whole = `${literal('[TOOL_CALLS]')} ${call}`;
      return grammar.text(`${whole} ${parallel ? `(${whole})*` : ''}`);
    }
    case 'llama':
      return grammar.text(`${call} ${more('; ', call)}`);
    default:
      return format satisfies never;
  }
}
