/** From messages or a prompt to the tokens that the model continues. Owns the limits of the context; generates nothing. */
import { ModeliumError } from '../../shared/errors.ts';
import type { LoadedModel } from './llama.ts';
import { type Body, invalid } from './openai-fields.ts';
import type { ChatMessage } from './openai-messages.ts';

/** One token of the context stays free for the answer. @throws ModeliumError context_length_exceeded with both numbers. */
function fitting(model: LoadedModel, tokens: readonly number[], param: string): readonly number[] {
  if (tokens.length < model.contextTokens) return tokens;
  throw new ModeliumError(
    'context_length_exceeded',
    `The prompt has ${tokens.length} tokens, and the context holds ${model.contextTokens}, one of them for the answer.`,
    { param, origin: 'llama' },
  );
}

/** Tokens of a completion's prompt. @throws ModeliumError invalid-body, context_length_exceeded. */
export function checkTokens(model: LoadedModel, alias: string, prompt: string | readonly number[]): readonly number[] {
  if (typeof prompt === 'string') {
    const tokens = model.tokenize(prompt, true);
    return fitting(model, tokens.length === 0 ? model.beginning(alias) : tokens, 'prompt');
  }
  checkForeign(model, alias, prompt, 'prompt');
  return fitting(model, prompt, 'prompt');
}

/** @param param where they stand in the request. @throws ModeliumError invalid-body for numbers that are no tokens of this model. */
export function checkForeign(model: LoadedModel, alias: string, tokens: readonly number[], param: string): void {
  const foreign = tokens.find((token) => token < 0 || token >= model.vocabularySize);
  if (foreign !== undefined)
    throw invalid(param, `"${alias}" has no token ${foreign}: its tokens go from 0 to ${model.vocabularySize - 1}.`);
}

/** Some templates know no system role: its text then goes in front of the first message of the user, as people do by hand. */
function withoutSystem(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const system = messages.filter((message) => message.role === 'system').map((message) => message.content);
  const others = messages.filter((message) => message.role !== 'system');
  const first = others.findIndex((message) => message.role === 'user');
  return others.map((message, index) => (index === first ? { ...message, content: [...system, message.content].join('\n\n') } : message));
}

/**
 * Tokens of a chat by the model's own template.
 * @param prefill the beginning of the answer, which the model continues.
 * @throws ModeliumError not-supported-by-model, invalid-body, context_length_exceeded.
 */
export function chatPrompt(
  model: LoadedModel,
  alias: string,
  messages: readonly ChatMessage[],
  values: Body,
  prefill: string,
): readonly number[] {
  if (model.chatTemplate === '') {
    throw new ModeliumError('not-supported-by-model', `"${alias}" has no chat template. Use /v1/completions with a "prompt".`, {
      origin: 'llama',
    });
  }
  return fitting(model, model.tokenize(render(model, messages, values) + prefill, true), 'messages');
}

function render(model: LoadedModel, messages: readonly ChatMessage[], values: Body): string {
  try {
    return model.renderChat(messages, values);
  } catch (refusal) {
    const hasBoth = messages.some((message) => message.role === 'system') && messages.some((message) => message.role === 'user');
    try {
      if (hasBoth) return model.renderChat(withoutSystem(messages), values);
    } catch {
      // The first refusal names the real reason.
    }
    const words = refusal instanceof Error ? refusal.message : String(refusal);
    throw invalid('messages', `The model's chat template refuses these messages: ${words}`);
  }
}
