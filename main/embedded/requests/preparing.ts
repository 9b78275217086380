/**
 * Turns the bytes of a request into the tokens that a model reads: all work on a body before it
 * needs a sequence. Every input is bounded or refused: bytes before tokenizing, parts and states
 * before a schema becomes a grammar. It uses no context, so that it can run in this process for
 * small bodies and in a separate one for large ones (`preparer.ts`).
 */
import { randomInt } from 'node:crypto';
import { ModeliumError } from '../../../shared/errors.ts';
import type { Generation } from '../llama/generation.ts';
import type { LoadedModel } from '../llama/llama.ts';
import { tooLong } from '../routes/replies.ts';
import { closedAtOnce, isThoughtOpen, thinkingMarksOf, withoutThoughts } from '../tools/thinking.ts';
import { answerGrammar, takesNothing, toolFormatOf } from '../tools/tool-format.ts';
import { grammarOf } from './answer-format.ts';
import { exactBody, rememberText } from './exact-body.ts';
import { type Body, invalid } from './openai-fields.ts';
import { readEmbedding, readRerank } from './openai-inputs.ts';
import { nestedTool, readMessages, readPrefill, readTools, type ToolRequest } from './openai-messages.ts';
import { type GenerationRequest, type Route, readGeneration, readPrompts } from './openai-request.ts';
import type { Prepared, PreparedEmbedding, PreparedGeneration, PreparedRanking, PreparedRoute, TextSide } from './prepared.ts';
import { chatText, chatTokens, checkBytes, checkForeign, checkMessages, checkPieces, checkTokens } from './prompt.ts';
import { knowsThinking, readTemplateValues, unknownToTemplate } from './template-values.ts';
import { textOf, tokensOf } from './tokenizing.ts';

const SEEDS = 2 ** 32;
/** llama-server's words: `none` leaves thoughts in the answer. */
const REASONING_FORMATS = ['auto', 'deepseek', 'none'] as const;

/** @throws ModeliumError invalid-json, invalid-body, context_length_exceeded. */
export async function prepare(route: PreparedRoute, bytes: Uint8Array, side: TextSide, signal: AbortSignal): Promise<Prepared> {
  const body = parsed(bytes);
  switch (route) {
    case 'chat':
    case 'completion':
      return await generation(route, body, side, signal);
    case 'embedding':
      return embedding(body, side.model, side.alias);
    case 'ranking':
      return ranking(body, side.model);
    case 'tokens':
      return await tokensOf(body, side, (asked) => chatPrompt(side, body, asked, false, signal).then(({ prompt }) => prompt));
    case 'text':
      return textOf(body, side);
    default:
      return route satisfies never;
  }
}

function parsed(bytes: Uint8Array): Body {
  const text = new TextDecoder().decode(bytes);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ModeliumError('invalid-json', 'The body is not JSON.', { origin: 'llama' });
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid(null, 'The body must be a JSON object.');
  rememberText(body as Record<string, unknown>, text);
  return body as Body;
}

async function generation(route: Route, body: Body, side: TextSide, signal: AbortSignal): Promise<PreparedGeneration> {
  const { model, alias } = side;
  const request = readGeneration(body, route, randomInt(SEEDS));
  const bias = biasOf(model, alias, request.bias);
  // What the schema was is said by the grammar from here on.
  const plain = { ...request, answer: null, bias: [] };
  if (route === 'completion') {
    const prompts = readPrompts(body).map((prompt) => checkTokens(model, alias, prompt));
    return { request: plain, bias, tools: null, thinking: null, ignored: unknownToTemplate(body, ''), prompts };
  }
  const asked = readTools(body);
  const tools = asked === null ? null : toolsOf(side, asked, request);
  const isHeld = (tools === null ? request.grammar : tools.grammar) !== null;
  const { thinking, prompt, isQuieted } = await chatPrompt(side, body, asked, isHeld, signal);
  const ignored = unknownToTemplate(body, side.template.text, isQuieted);
  return { request: plain, bias, tools, thinking, ignored, prompts: [chatTokens(model, prompt)] };
}

function embedding(body: Body, model: LoadedModel, alias: string): PreparedEmbedding {
  const { inputs, base64, dimensions, cutAt } = readEmbedding(body);
  const texts = inputs.map((given, index) => {
    const param = Array.isArray(body['input']) && inputs.length > 1 ? `input[${index}]` : 'input';
    // What is cut need not be read beyond what could be kept.
    const input = cutAt === null || typeof given !== 'string' ? given : given.slice(0, model.mostBytes(model.contextTokens));
    checkPieces(model, alias, input, param);
    const whole = model.embeddingTokens(input);
    const tokens = cutAt === null ? whole : model.cutTokens(whole, Math.min(cutAt, model.contextTokens));
    if (tokens.length === 0) throw invalid(param, `"${param}" is empty for "${alias}": the model's tokenizer makes no token of it.`);
    if (tokens.length > model.contextTokens) throw tooLong(param, tokens.length, model.contextTokens);
    return tokens;
  });
  return { texts, base64, dimensions };
}

function ranking(body: Body, model: LoadedModel): PreparedRanking {
  const request = readRerank(body);
  const name = request.isTei ? 'texts' : 'documents';
  return {
    ...request,
    queryTokens: rankedTokens(model, request.query, 'query'),
    documentTokens: request.documents.map((document, index) => rankedTokens(model, document, `${name}[${index}]`)),
  };
}

function rankedTokens(model: LoadedModel, text: string, param: string): readonly number[] {
  checkBytes(model, text, param);
  const tokens = model.rankedTokens(text);
  if (tokens.length > model.contextTokens) throw tooLong(param, tokens.length, model.contextTokens);
  return tokens;
}

/** The tools that may be called, as the request has them. */
function shownTools(exact: Body, { tools }: ToolRequest): readonly unknown[] {
  const given = (exact['tools'] as readonly unknown[]).map(nestedTool);
  return given.filter((tool) => tools.some(({ name }) => name === (tool?.['function'] as Body | undefined)?.['name']));
}

interface ChatPrompt {
  readonly prompt: string;
  readonly thinking: Generation['thinking'];
  /** Thoughts are not wanted, and closed by us because the template knows no such wish. */
  readonly isQuieted: boolean;
}

/**
 * What the template makes of a chat. @param isHeld a grammar holds the answer from its first token
 * on.
 */
async function chatPrompt(
  side: TextSide,
  body: Body,
  asked: ToolRequest | null,
  isHeld: boolean,
  signal: AbortSignal,
): Promise<ChatPrompt> {
  const exact = exactBody(body);
  const shown = asked === null ? {} : { tools: shownTools(exact, asked) };
  const { messages, prefill } = readPrefill(body, readMessages(exact));
  checkMessages(side.model, messages);
  const values = readTemplateValues(exact);
  const begins = body['add_generation_prompt'] !== false || prefill !== '';
  const text = (await chatText(side, { ...shown, ...values, messages, add_generation_prompt: begins }, signal)) + prefill;
  const isUnwanted = values['enable_thinking'] === false && prefill === '' && begins;
  return thinkingOf(side, body, text, { isHeld, isBegun: prefill !== '', isUnwanted });
}

/**
 * How the thoughts of an answer are told apart, and the prompt, in which thoughts are closed where
 * the answer has no room for them.
 */
function thinkingOf(
  { template }: TextSide,
  body: Body,
  text: string,
  how: { readonly isHeld: boolean; readonly isBegun: boolean; readonly isUnwanted: boolean },
): ChatPrompt {
  const format = body['reasoning_format'] ?? 'auto';
  if (!REASONING_FORMATS.some((known) => known === format))
    throw invalid('reasoning_format', `"reasoning_format" must be one of ${REASONING_FORMATS.map((known) => `"${known}"`).join(', ')}.`);
  const marks = thinkingMarksOf(template.text);
  if (marks === null) return { thinking: null, prompt: text, isQuieted: false };
  const isOpen = isThoughtOpen(text, marks);
  if (how.isHeld) return { thinking: null, prompt: isOpen ? text + closedAtOnce(marks) : text, isQuieted: false };
  const isApart = format !== 'none' && (isOpen || !how.isBegun);
  if (how.isUnwanted && !knowsThinking(template.text))
    return { thinking: isApart ? { marks, isOpen: false, isClosed: true } : null, prompt: withoutThoughts(text, marks), isQuieted: true };
  return { thinking: isApart ? { marks, isOpen } : null, prompt: text, isQuieted: false };
}

function toolsOf({ template, alias }: TextSide, asked: ToolRequest, request: GenerationRequest): Generation['tools'] {
  const format = toolFormatOf(template.toolText);
  if (format === null) {
    const message = `The chat template of "${alias}" does not support tools, or uses a call format that the embedded llama.cpp cannot read. Leave "tools" out.`;
    throw new ModeliumError('not-supported-by-model', message, { param: 'tools', origin: 'llama' });
  }
  if (request.isOwnGrammar) throw invalid('grammar', '"grammar" and "tools" exclude each other: leave one out.');
  const grammar = grammarOf('tools', () => answerGrammar(format, asked, request.answer));
  const empty = asked.tools.filter(takesNothing).map(({ name }) => name);
  return { format, names: asked.tools.map(({ name }) => name), empty, isSingle: !asked.parallel, grammar };
}

/** What is added to the logits of which tokens: a text stands for each of its tokens. */
function biasOf(model: LoadedModel, alias: string, asked: GenerationRequest['bias']): ReadonlyMap<number, number> {
  checkBytes(model, asked.flatMap(({ token }) => (typeof token === 'string' ? [token] : [])).join(''), 'logit_bias');
  const pairs = asked.flatMap(({ token, added }) => {
    const tokens = typeof token === 'string' ? model.tokenizeAlone(token) : [token];
    checkForeign(model, alias, tokens, 'logit_bias');
    return tokens.map((each) => [each, added] as const);
  });
  return new Map(pairs);
}
