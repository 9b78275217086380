/**
 * The routes that are OpenAI's, and those that others have beside them: passed on to the runtime of
 * the model that the body names.
 */
import { z } from 'zod';

const asOpenAi = z.looseObject({}).describe("As in OpenAI's API");

export const OPENAI_API = {
  chatCompletions: {
    method: 'POST',
    path: '/v1/chat/completions',
    summary: "OpenAI's chat completions.",
    access: 'open',
    body: asOpenAi,
    answer: asOpenAi,
    streams: true,
  },
  completions: {
    method: 'POST',
    path: '/v1/completions',
    summary: "OpenAI's text completions.",
    access: 'open',
    body: asOpenAi,
    answer: asOpenAi,
    streams: true,
  },
  embeddings: {
    method: 'POST',
    path: '/v1/embeddings',
    summary: "OpenAI's embeddings.",
    access: 'open',
    body: asOpenAi,
    answer: asOpenAi,
  },
  rerank: {
    method: 'POST',
    path: '/v1/rerank',
    summary: 'Documents by how well they answer a query, as Jina and Cohere have it.',
    access: 'open',
    body: asOpenAi,
    answer: asOpenAi,
  },
  score: {
    method: 'POST',
    path: '/v1/score',
    summary: 'How well texts go together, as vLLM has it; for models of vLLM.',
    access: 'open',
    body: asOpenAi,
    answer: asOpenAi,
  },
  classify: {
    method: 'POST',
    path: '/classify',
    summary: 'The class of each text or image, as vLLM has it; for models of vLLM and Ray Serve.',
    access: 'open',
    body: asOpenAi,
    answer: asOpenAi,
  },
  transcriptions: {
    method: 'POST',
    path: '/v1/audio/transcriptions',
    summary: "OpenAI's transcriptions: a form with a sound and a model; for models of vLLM and Ray Serve.",
    access: 'open',
    answer: asOpenAi,
    streams: true,
  },
  translations: {
    method: 'POST',
    path: '/v1/audio/translations',
    summary: "OpenAI's translations of sounds into English; for models of vLLM.",
    access: 'open',
    answer: asOpenAi,
    streams: true,
  },
  responses: {
    method: 'POST',
    path: '/v1/responses',
    summary: "OpenAI's responses; for models of vLLM.",
    access: 'open',
    body: asOpenAi,
    answer: asOpenAi,
    streams: true,
  },
} as const;
