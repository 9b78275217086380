/** The part of the HTTP contract for tokens: from a text to its tokens, and back. See api.ts. */
import { z } from 'zod';

const asVllm = z.looseObject({}).describe("As in vLLM's API");

export const TOKENS_API = {
  tokenize: {
    method: 'POST',
    path: '/tokenize',
    summary: 'The tokens of a text (prompt) or of a chat (messages), as in vLLM.',
    access: 'open',
    body: asVllm,
    answer: asVllm,
  },
  detokenize: {
    method: 'POST',
    path: '/detokenize',
    summary: 'The text of tokens, as in vLLM.',
    access: 'open',
    body: asVllm,
    answer: asVllm,
  },
} as const;
