/**
 * Reads a chat's messages, the tools that its model may call, and the values for its template.
 * Pure.
 */

import { parseExactly } from '../../core/jinja/exact-json.ts';
import type { Schema } from '../grammar/schema-merge.ts';
import { type Body, flag, invalid, isAbsent, isObject } from './openai-fields.ts';

/** As chat templates know it: a role, a text, and what else the message brings. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  readonly [more: string]: unknown;
}

export interface Tool {
  readonly name: string;
  /** What its arguments must be; absent: any object. */
  readonly parameters: Schema | null;
  /** Its arguments are held to the schema also where the model may answer in words. */
  readonly isStrict: boolean;
  /** As the request has it: what the template shows to the model. */
  readonly given: Body;
}

export interface ToolRequest {
  readonly tools: readonly Tool[];
  /** `auto`: the model decides; `required`: it calls one of them. */
  readonly choice: 'auto' | 'required';
  readonly parallel: boolean;
}

/** The last two are those of OpenAI's responses, which clients send back. */
const TEXT_PARTS = ['text', 'input_text', 'output_text'];
const IMAGE_PARTS = ['image_url', 'input_image', 'image'];
const MOST_TOOLS = 128;
/** What messages carry beside role and content, and templates read. */
const PASSED_ON = ['name', 'tool_call_id', 'reasoning_content'] as const;

/** Several parts are lines of one text, as llama-server and vLLM join them. */
function textOf(content: unknown, at: string): string {
  if (typeof content === 'string') return content;
  if (isAbsent(content)) return '';
  if (!Array.isArray(content)) throw invalid(at, `"${at}" must be a text or a list of text parts.`);
  return content
    .map((part: { type?: unknown; text?: unknown } | null) => {
      if (TEXT_PARTS.includes(String(part?.type)) && typeof part?.text === 'string') return part.text;
      const type = JSON.stringify(part?.type ?? null);
      if (IMAGE_PARTS.includes(String(part?.type)))
        throw invalid(at, `"${at}" holds a part of type ${type}: the embedded llama.cpp reads no images, even if the model could.`);
      throw invalid(at, `"${at}" holds a part of type ${type}; this model takes text only.`);
    })
    .join('\n');
}

/** A call as templates want it: its arguments as an object, where they are one. */
function callOf(call: unknown, at: string): object {
  const given = isObject(call) && isObject(call['function']) ? call['function'] : null;
  const name = given?.['name'];
  if (given === null || typeof name !== 'string')
    throw invalid(at, `"${at}" must be {"id", "type": "function", "function": {"name", "arguments"}}.`);
  return { ...(call as Body), function: { ...given, arguments: parsed(given['arguments']) } };
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value ?? {};
  try {
    const object = parseExactly(value);
    return isObject(object) ? object : value;
  } catch {
    return value;
  }
}

function messageOf(message: unknown, index: number): ChatMessage {
  const at = `messages[${index}]`;
  const given = isObject(message) ? message : {};
  const { role, content, tool_calls: calls } = given as { role?: unknown; content?: unknown; tool_calls?: unknown };
  if (typeof role !== 'string') throw invalid(`${at}.role`, `"${at}.role" must be a text such as "user".`);
  if (!(isAbsent(calls) || Array.isArray(calls))) throw invalid(`${at}.tool_calls`, `"${at}.tool_calls" must be a list.`);
  const more: Record<string, unknown> = {};
  for (const key of PASSED_ON) if (!isAbsent(given[key])) more[key] = given[key];
  // Some clients send thoughts back by their newer name.
  if (typeof given['reasoning'] === 'string') more['reasoning_content'] ??= given['reasoning'];
  if (Array.isArray(calls) && calls.length > 0) more['tool_calls'] = calls.map((call, at_) => callOf(call, `${at}.tool_calls[${at_}]`));
  // OpenAI's newer name for the same role; chat templates know the old one.
  return { role: role === 'developer' ? 'system' : role, content: textOf(content, `${at}.content`), ...more };
}

/** @throws ModeliumError invalid-body. */
export function readMessages(body: Body): readonly ChatMessage[] {
  const messages = body['messages'];
  if (!Array.isArray(messages) || messages.length === 0) throw invalid('messages', '"messages" must be a list with at least one message.');
  return messages.map(messageOf);
}

/**
 * An answer that the client began: the last message where it is the assistant's, as llama-server
 * reads it, or only where it is asked for.
 * @returns the messages in front of it, and its text; an empty text where nothing was begun.
 */
export function readPrefill(body: Body, messages: readonly ChatMessage[]): { messages: readonly ChatMessage[]; prefill: string } {
  const last = messages.at(-1);
  const isBegun = last?.role === 'assistant' && last['tool_calls'] === undefined;
  const begins = flag(body, 'add_generation_prompt');
  const isAsked = flag(body, 'continue_final_message', isBegun && !begins);
  if (isAsked && begins)
    throw invalid('continue_final_message', '"continue_final_message" and "add_generation_prompt" exclude each other: leave one out.');
  if (!isAsked) return { messages, prefill: '' };
  if (messages.at(-2)?.role === 'assistant' && isBegun)
    throw invalid('messages', "The last two messages are both the assistant's: which of them is the beginning of the answer? Join them.");
  if (last === undefined || !isBegun)
    throw invalid(
      'continue_final_message',
      '"continue_final_message" needs a last message of the role "assistant", without calls of tools.',
    );
  return { messages: messages.slice(0, -1), prefill: last.content };
}

/** A tool as chats have it; as OpenAI's responses have it, its fields lie one level higher. */
export function nestedTool(tool: unknown): Body | null {
  if (!isObject(tool) || tool['type'] !== 'function') return null;
  if (isObject(tool['function'])) return tool;
  const { type, ...own } = tool;
  return typeof own['name'] === 'string' ? { type, function: own } : null;
}

function toolOf(written: unknown, index: number): Tool {
  const tool = nestedTool(written);
  const given = tool?.['function'] as Body | undefined;
  const name = given?.['name'];
  if (tool === null || given === undefined || typeof name !== 'string')
    throw invalid(`tools[${index}]`, `"tools[${index}]" must be {"type": "function", "function": {"name", "parameters"}}.`);
  if (!/^[\w.-]{1,128}$/.test(name))
    throw invalid(
      `tools[${index}].function.name`,
      `The name of a tool may have up to 128 letters from a to z, digits, and _ . -, and ${JSON.stringify(name).slice(0, 140)} has others.`,
    );
  const parameters = given['parameters'];
  if (!(isAbsent(parameters) || isObject(parameters)))
    throw invalid(`tools[${index}]`, `"tools[${index}].function.parameters" must be a JSON schema.`);
  return { name, parameters: parameters ?? null, isStrict: given['strict'] === true, given: tool };
}

/** Null where no tool may be called. @throws ModeliumError invalid-body. */
export function readTools(body: Body): ToolRequest | null {
  const { tools: given, tool_choice: choice } = body as { tools?: unknown; tool_choice?: unknown };
  const parallel = flag(body, 'parallel_tool_calls', true);
  if (!(isAbsent(given) || Array.isArray(given)) || (Array.isArray(given) && given.length > MOST_TOOLS))
    throw invalid('tools', `"tools" must be a list of at most ${MOST_TOOLS} tools.`);
  const tools = ((given ?? []) as readonly unknown[]).map(toolOf);
  // In OpenAI's responses the name lies one level higher.
  const named = isObject(choice) ? (isObject(choice['function']) ? choice['function']['name'] : choice['name']) : null;
  if (!isAbsent(named)) {
    const tool = tools.find((each) => each.name === named);
    if (tool === undefined)
      throw invalid('tool_choice', `"tool_choice" names ${JSON.stringify(named).slice(0, 80)}, which is not among the tools.`);
    return { tools: [tool], choice: 'required', parallel };
  }
  if (!(isAbsent(choice) || ['none', 'auto', 'required', 'any'].some((known) => known === choice)))
    throw invalid('tool_choice', '"tool_choice" must be "none", "auto", "required", or {"type": "function", "function": {"name"}}.');
  // Mistral's and Anthropic's word for it.
  const isRequired = choice === 'required' || choice === 'any';
  if (isRequired && tools.length === 0) throw invalid('tool_choice', `"tool_choice" is "${choice}", and there are no tools.`);
  if (choice === 'none' || tools.length === 0) return null;
  return { tools, choice: isRequired ? 'required' : 'auto', parallel };
}
