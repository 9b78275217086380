/**
 * The part of the HTTP contract about tokens themselves: what a text is made of, and back. See
 * api.ts.
 */
import { z } from 'zod';

const asVllm = z.looseObject({}).describe("As in vLLM's API");

export const TOKENS_API = {
  tokenize: {
    method: 'POST',
    path: '/tokenize',
    summary: 'The tokens of a text (prompt) or of a chat (messages), as vLLM has it.',
    access: 'open',
    body: asVllm,
    answer: asVllm,
  },
  detokenize: {
    method: 'POST',
    path: '/detokenize',
    summary: 'The text of tokens, as vLLM has it.',
    access: 'open',
    body: asVllm,
    answer: asVllm,
  },
} as const;
