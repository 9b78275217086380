/**
 * Turns messages or a prompt into the tokens that the model continues. Owns the check against the
 * context size; generates nothing.
 */
import { ModeliumError } from '../../../shared/errors.ts';
import { requireMessagesFit } from '../../core/request-fit.ts';
import type { LoadedModel } from '../llama/llama.ts';
import { type Body, invalid, type Pieces } from './openai-fields.ts';
import type { ChatMessage } from './openai-messages.ts';
import type { TextSide } from './prepared.ts';

/**
 * One token of the context stays free for the answer. @throws ModeliumError context_length_exceeded
 * with both numbers.
 */
function fitting(model: LoadedModel, tokens: readonly number[], param: string): readonly number[] {
  if (tokens.length < model.contextTokens) return tokens;
  throw new ModeliumError(
    'context_length_exceeded',
    // LiteLLM and others know a prompt that is too long by such words, not by the code.
    `The prompt has ${tokens.length} tokens, which exceeds the available context size of ${model.contextTokens}, one of them for the answer.`,
    { param, origin: 'llama' },
  );
}

/** Shorter texts are tokenized sooner than they are measured. */
const SHORT_CHARACTERS = 4096;

/**
 * Refuses a text that cannot fit the context, whatever its tokens are, before it is tokenized: that
 * takes minutes for some megabytes.
 * @throws ModeliumError context_length_exceeded with both numbers.
 */
export function checkBytes(model: LoadedModel, text: string, param: string): void {
  const bytes = text.length <= SHORT_CHARACTERS ? 0 : Buffer.byteLength(text);
  const most = model.mostBytes(model.contextTokens);
  if (bytes <= most) return;
  const message = `The input has ${bytes} bytes, and the context of ${model.contextTokens} tokens holds ${most} at most.`;
  throw new ModeliumError('context_length_exceeded', message, { param, origin: 'llama' });
}

/** Each message's text is shown; of the assistant's some templates leave a part out. */
export function checkMessages(model: LoadedModel, messages: readonly ChatMessage[]): void {
  requireMessagesFit(messages.length, model.contextTokens, 'llama');
  const shown = messages.filter(({ role }) => role !== 'assistant').map(({ content }) => content);
  checkBytes(model, shown.join(''), 'messages');
}

/** Tokens of a completion's prompt. @throws ModeliumError invalid-body, context_length_exceeded. */
export function checkTokens(model: LoadedModel, alias: string, prompt: Pieces): readonly number[] {
  checkPieces(model, alias, prompt, 'prompt');
  const tokens = model.tokenizePieces(prompt);
  return fitting(model, tokens.length === 0 ? model.beginning(alias) : tokens, 'prompt');
}

/** Refuses foreign tokens, and what cannot fit, before anything is tokenized. */
export function checkPieces(model: LoadedModel, alias: string, pieces: Pieces, param: string): void {
  const all = typeof pieces === 'string' ? [pieces] : pieces;
  checkBytes(model, all.filter((piece) => typeof piece === 'string').join(''), param);
  checkForeign(
    model,
    alias,
    all.filter((piece) => typeof piece === 'number'),
    param,
  );
}

/**
 * @param param where they stand in the request. @throws ModeliumError invalid-body for numbers that
 * are no tokens of this model.
 */
export function checkForeign(model: LoadedModel, alias: string, tokens: readonly number[], param: string): void {
  const foreign = tokens.find((token) => token < 0 || token >= model.vocabularySize);
  if (foreign !== undefined)
    throw invalid(param, `"${alias}" has no token ${foreign}: its tokens go from 0 to ${model.vocabularySize - 1}.`);
}

/**
 * The prompt of a chat by the model's own template.
 * @param values the messages, and the template's variables.
 * @throws ModeliumError not-supported-by-model, invalid-body with the line of the template that
 * refuses.
 */
export async function chatText(
  { template, alias }: Pick<TextSide, 'template' | 'alias'>,
  values: Body,
  signal: AbortSignal,
): Promise<string> {
  if (template.text === '') {
    throw new ModeliumError('not-supported-by-model', `"${alias}" has no chat template. Use /v1/completions with a "prompt".`, {
      origin: 'llama',
    });
  }
  try {
    return await template.render(values, signal);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw invalid('messages', `The chat template of "${alias}" refuses these messages: ${words}`);
  }
}

/** Tokens of a chat's prompt. @throws ModeliumError context_length_exceeded. */
export function chatTokens(model: LoadedModel, text: string): readonly number[] {
  checkBytes(model, text, 'messages');
  return fitting(model, model.tokenize(text, true), 'messages');
}
