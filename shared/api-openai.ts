/**
 * The routes of OpenAI's API, and those that other servers add to them. Requests are passed to the
 * runtime of the model that the body names.
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
    summary: 'Ranks documents by how well they answer a query, as in the APIs of Jina and Cohere.',
    access: 'open',
    body: asOpenAi,
    answer: asOpenAi,
  },
  score: {
    method: 'POST',
    path: '/v1/score',
    summary: 'Scores how well texts match, as in the API of vLLM; for models on vLLM.',
    access: 'open',
    body: asOpenAi,
    answer: asOpenAi,
  },
  classify: {
    method: 'POST',
    path: '/classify',
    summary: 'Classifies each text or image, as in the API of vLLM; for models on vLLM and Ray Serve.',
    access: 'open',
    body: asOpenAi,
    answer: asOpenAi,
  },
  transcriptions: {
    method: 'POST',
    path: '/v1/audio/transcriptions',
    summary: "OpenAI's transcriptions: multipart with an audio file and a model; for models on vLLM and Ray Serve.",
    access: 'open',
    answer: asOpenAi,
    streams: true,
  },
  translations: {
    method: 'POST',
    path: '/v1/audio/translations',
    summary: "OpenAI's translations of speech into English; for models on vLLM.",
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
