/**
 * `/tokenize` and `/detokenize`, as vLLM has them: from a text or chat to tokens, and back.
 * Generates nothing. Pure.
 */
import { type Body, checkParameters, flag, invalid, isAbsent, type Pieces, readTexts } from './openai-fields.ts';
import { readTools, type ToolRequest } from './openai-messages.ts';
import type { TextAnswer, TextSide, TokensAnswer } from './prepared.ts';
import { checkForeign, checkPieces } from './prompt.ts';

/** A text of these is read back in some tenths of a second, also where the context is small. */
const MOST_TOKENS = 131_072;
const SHARED = ['model', 'add_special_tokens', 'return_token_strs'];
const CHAT = [
  'messages',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'add_generation_prompt',
  'continue_final_message',
  'chat_template_kwargs',
  'think',
  'thinking',
  'enable_thinking',
  'reasoning',
  'reasoning_effort',
  'reasoning_format',
];

/**
 * @param chatText the prompt that the model's template makes of this chat. @throws ModeliumError
 * invalid-body.
 */
export async function tokensOf(
  body: Body,
  { model, alias }: TextSide,
  chatText: (asked: ToolRequest | null) => Promise<string>,
): Promise<TokensAnswer> {
  const isChat = !isAbsent(body['messages']);
  checkParameters(body, { known: [...SHARED, ...(isChat ? CHAT : ['prompt'])], refused: {} });
  const pieces = isChat ? await chatText(readTools(body)) : promptOf(body);
  checkPieces(model, alias, pieces, isChat ? 'messages' : 'prompt');
  const tokens = model.readTokens(pieces, flag(body, 'add_special_tokens', true));
  const strings = flag(body, 'return_token_strs') ? { token_strs: tokens.map((token) => model.tokenText(token).text) } : {};
  return { count: tokens.length, max_model_len: model.contextTokens, tokens, ...strings };
}

function promptOf(body: Body): Pieces {
  const { isList, texts } = readTexts(body['prompt']);
  const [text = null] = texts;
  if (isList || text === null) throw invalid('prompt', '"prompt" must be a text.');
  return text;
}

/** @throws ModeliumError invalid-body. */
export function textOf(body: Body, { model, alias }: TextSide): TextAnswer {
  checkParameters(body, { known: ['model', 'tokens'], refused: {} });
  const tokens = body['tokens'];
  if (!(Array.isArray(tokens) && tokens.every((token): token is number => Number.isSafeInteger(token))))
    throw invalid('tokens', '"tokens" must be a list of tokens.');
  const most = Math.max(MOST_TOKENS, model.contextTokens);
  if (tokens.length > most) throw invalid('tokens', `"tokens" must be a list of at most ${most} tokens.`);
  checkForeign(model, alias, tokens, 'tokens');
  return { prompt: model.textOf(tokens, true) };
}
