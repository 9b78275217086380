/**
 * A child of the runtime tests: asks the real llama.cpp one question about a GGUF, in a process of
 * its own because a check of llama.cpp's own ends whoever runs it. Takes the question as a message
 * and answers with one. Everything in floats, so that only the weights and the graph count.
 */
import { getLlama, LlamaLogLevel, type Token } from 'node-llama-cpp';
import { wantsFirstSpace, withFirstSpace } from '../../main/embedded/llama/space-prefix.ts';

export interface LlamaQuestion {
  readonly file: string;
  readonly contextTokens: number;
  /** Token ids: what comes after each, and after the first `steps` times the likeliest. */
  readonly prompts?: readonly (readonly number[])[];
  readonly steps?: number;
  /** Token ids whose pooled vectors are asked for. */
  readonly embed?: readonly (readonly number[])[];
  /** Texts of which the tokens are asked for, those in the text counted as such. */
  readonly tokenize?: readonly string[];
}

export interface LlamaReply {
  readonly error?: string;
  readonly probabilities: readonly (readonly number[])[];
  readonly greedy: readonly number[];
  readonly vectors: readonly (readonly number[])[];
  readonly tokens: readonly (readonly number[])[];
}

process.once('message', (question: LlamaQuestion) => {
  void answer(question)
    .catch((thrown: unknown) => ({ error: `${thrown instanceof Error ? thrown.message : thrown}: ${words.slice(-3).join(' | ')}` }))
    .then((reply) => process.send?.(reply, () => process.exit()));
});

const words: string[] = [];

async function answer(question: LlamaQuestion): Promise<LlamaReply> {
  const { file, contextTokens, prompts = [], steps = 0, embed = [], tokenize = [] } = question;
  const llama = await getLlama({
    build: 'never',
    skipDownload: true,
    gpu: false,
    maxThreads: 1,
    logLevel: LlamaLogLevel.error,
    logger: (_level, message) => void words.push(message),
  });
  const model = await llama.loadModel({ modelPath: file, vocabOnly: prompts.length + embed.length === 0, ignoreMemorySafetyChecks: true });
  const reply = { probabilities: [] as number[][], greedy: [] as number[], vectors: [] as (readonly number[])[], tokens: [] as number[][] };
  const wantsSpace = wantsFirstSpace(model.fileInfo.metadata);
  for (const text of tokenize) reply.tokens.push([...model.tokenize(wantsSpace ? withFirstSpace(model, text, true) : text, true)]);
  if (embed.length > 0) {
    const context = await model.createEmbeddingContext({
      contextSize: contextTokens,
      batchSize: contextTokens,
      threads: 1,
      ignoreMemorySafetyChecks: true,
    });
    for (const ids of embed) reply.vectors.push((await context.getEmbeddingFor(ids as Token[])).vector);
  }
  if (prompts.length === 0) return reply;
  const context = await model.createContext({
    contextSize: contextTokens,
    batchSize: contextTokens,
    threads: { ideal: 1, min: 1 },
    flashAttention: false,
    experimentalKvCacheKeyType: 'F32',
    experimentalKvCacheValueType: 'F32',
    ignoreMemorySafetyChecks: true,
    failedCreationRemedy: false,
  });
  const size = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  const sequence = context.getSequence();
  const next = async (ids: readonly number[]): Promise<number[]> => {
    const [last = 0] = ids.slice(-1);
    const input = [
      ...(ids.slice(0, -1) as Token[]),
      [last as Token, { generateNext: { probabilities: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } } }],
    ];
    const results = await sequence.controlledEvaluate(input as Parameters<typeof sequence.controlledEvaluate>[0]);
    const found = results.at(-1)?.next.probabilities ?? new Map<Token, number>();
    const all = Array.from({ length: size }, () => 0);
    for (const [token, probability] of found) all[token] = probability;
    return all;
  };
  for (const [index, prompt] of [...prompts.entries()].reverse()) {
    await sequence.clearHistory();
    reply.probabilities[index] = await next(prompt);
  }
  // The first one was asked last: its tokens go on from there.
  let from = reply.probabilities[0] ?? [];
  for (let step = 0; step < steps; step += 1) {
    const best = from.indexOf(Math.max(...from));
    reply.greedy.push(best);
    if (step + 1 < steps) from = await next([best]);
  }
  return reply;
}
