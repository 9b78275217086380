/**
 * The only place that imports node-llama-cpp: loads one model and runs its sequences. Owns llama.cpp's options and their traps; knows nothing
 * of HTTP or OpenAI.
 */
import { availableParallelism } from 'node:os';
import {
  GgufInsights,
  getLlama,
  JinjaTemplateChatWrapper,
  type Llama,
  type LlamaContextSequence,
  type LlamaEmbeddingContext,
  LlamaLogLevel,
  type LlamaModel,
  type SequenceEvaluateOptions,
  type Token,
} from 'node-llama-cpp';

export interface LoadOptions {
  readonly file: string;
  /** Tokens of each sequence. */
  readonly contextTokens: number;
  readonly sequences: number;
  readonly batchTokens: number;
  readonly gpuLayers: number;
  readonly threads: number;
  readonly embeddings: boolean;
  /** 0..1. */
  onProgress(ratio: number): void;
  onLine(line: string, isError: boolean): void;
}

export interface Sampling {
  /** 0 takes the likeliest token always. */
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly minP: number;
  readonly seed: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
}

export interface Run {
  readonly tokens: readonly number[];
  readonly sampling: Sampling;
  readonly maxTokens: number;
  /** Keep what the sequence still knows of an equal beginning. Saves time, but sums may differ in the last bit from a fresh evaluation. */
  readonly reuse: boolean;
  readonly signal: AbortSignal;
  /** @returns false to stop here. */
  onToken(token: number): boolean | Promise<boolean>;
}

export type RunEnd = 'end-of-generation' | 'length' | 'stopped' | 'aborted';

/** How many generated tokens the frequency and presence penalties look back on; llama-server's default. */
const PENALTY_WINDOW_TOKENS = 64;

/** One sequence of the context: what one request at a time generates with. */
export class Sequence {
  readonly #sequence: LlamaContextSequence;
  readonly #batchTokens: number;

  constructor(sequence: LlamaContextSequence, batchTokens: number) {
    this.#sequence = sequence;
    this.#batchTokens = batchTokens;
  }

  /** Evaluates the prompt and generates until something ends it. An abort is heeded between two batches of the prompt and at each token. */
  async run(run: Run): Promise<RunEnd> {
    const sequence = this.#sequence;
    // The last prompt token is always evaluated anew: its logits are what the first token is chosen by.
    await sequence.adaptStateToTokens(run.reuse ? asTokens(run.tokens.slice(0, -1)) : [], false);
    let at = sequence.nextTokenIndex;
    for (; run.tokens.length - at > this.#batchTokens; at += this.#batchTokens) {
      if (run.signal.aborted) return 'aborted';
      await sequence.evaluateWithoutGeneratingNewTokens(asTokens(run.tokens.slice(at, at + this.#batchTokens)));
    }
    if (run.signal.aborted) return 'aborted';
    let generated = 0;
    const recent: Token[] = [];
    for await (const token of sequence.evaluate(asTokens(run.tokens.slice(at)), evaluateOptions(run.sampling, recent))) {
      if (run.signal.aborted) return 'aborted';
      generated += 1;
      recent.push(token);
      if (recent.length > PENALTY_WINDOW_TOKENS) recent.shift();
      if (!(await run.onToken(token))) return 'stopped';
      if (generated >= run.maxTokens) return 'length';
    }
    return 'end-of-generation';
  }
}

/** node-llama-cpp brands its numbers; ours come from its own tokenizer or are checked against the vocabulary's size. */
function asTokens(tokens: readonly number[]): Token[] {
  return tokens as Token[];
}

function evaluateOptions(sampling: Sampling, recent: Token[]): SequenceEvaluateOptions {
  const { temperature, topP, topK, minP, seed, frequencyPenalty, presencePenalty } = sampling;
  const penalized = frequencyPenalty !== 0 || presencePenalty !== 0;
  return {
    temperature,
    topP,
    topK,
    minP,
    seed,
    ...(penalized ? { repeatPenalty: { punishTokens: () => recent, penalty: 1, frequencyPenalty, presencePenalty } } : {}),
  };
}

interface TemplateRenderer {
  readonly _jinjaTemplate: { render(values: Record<string, unknown>): string };
}

/** A loaded model with its sequences, or with its embedding context. */
export class LoadedModel {
  readonly sequences: readonly Sequence[];
  /** Usable tokens of each sequence. */
  readonly contextTokens: number;
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #embeddingContext: LlamaEmbeddingContext | null;
  readonly #template: TemplateRenderer | null;

  constructor(
    llama: Llama,
    model: LlamaModel,
    contextTokens: number,
    sequences: readonly Sequence[],
    embeddingContext: LlamaEmbeddingContext | null,
  ) {
    this.#llama = llama;
    this.#model = model;
    this.contextTokens = contextTokens;
    this.sequences = sequences;
    this.#embeddingContext = embeddingContext;
    this.#template = templateOf(model);
  }

  get trainedContextTokens(): number {
    return this.#model.trainContextSize;
  }

  get vocabularySize(): number {
    return this.#model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  }

  get hasChatTemplate(): boolean {
    return this.#template !== null;
  }

  /** Threads for each evaluation from the next token on. */
  setThreads(threads: number): void {
    this.#llama.maxThreads = threads;
  }

  /**
   * The prompt that the model's own chat template makes of the messages.
   * @throws Error with the template's own words when it refuses them.
   */
  renderChat(messages: readonly unknown[], values: Readonly<Record<string, unknown>>): string {
    const { bosString, eosString } = this.#model.tokens;
    const tokens = { bos_token: bosString ?? '', eos_token: eosString ?? '' };
    return this.#template?._jinjaTemplate.render({ ...tokens, ...values, messages, add_generation_prompt: true }) ?? '';
  }

  /** Tokens of a text, with the beginning-of-sequence token where the model wants one. @param special control tokens in the text count as such. */
  tokenize(text: string, special: boolean): number[] {
    const { bos, shouldPrependBosToken } = this.#model.tokens;
    const tokens = this.#model.tokenize(text, special);
    return shouldPrependBosToken && bos !== null && tokens[0] !== bos ? [bos, ...tokens] : tokens;
  }

  detokenize(tokens: readonly number[], before: readonly number[]): string {
    return this.#model.detokenize(asTokens(tokens), false, asTokens(before));
  }

  /** Tokens that an embedding of this text takes, the model's own marks included. */
  embeddingLength(input: string | readonly number[]): number {
    return this.#embeddingContext?.calculateInputLength(embeddable(input)) ?? 0;
  }

  async embed(input: string | readonly number[]): Promise<readonly number[]> {
    if (this.#embeddingContext === null) return [];
    const { vector } = await this.#embeddingContext.getEmbeddingFor(embeddable(input));
    const length = Math.hypot(...vector);
    return length === 0 ? vector : vector.map((value) => value / length);
  }
}

function embeddable(input: string | readonly number[]): string | Token[] {
  return typeof input === 'string' ? input : asTokens([...input]);
}

/**
 * node-llama-cpp's public way to render a chat fakes an empty answer and cuts it off again, which makes templates of reasoning models add
 * marks of an answer without thoughts. Its renderer by itself does what the template says; the version is pinned and a test holds it.
 */
function templateOf(model: LlamaModel): TemplateRenderer | null {
  const template = model.fileInfo.metadata.tokenizer.chat_template;
  if (typeof template !== 'string' || template === '') return null;
  return new JinjaTemplateChatWrapper({ template, functionCallMessageTemplate: 'noJinja' }) as unknown as TemplateRenderer;
}

/**
 * Before loading and before making a context node-llama-cpp loads the model once more without data, to learn what it would take. The brain
 * has decided that already and `ignoreMemorySafetyChecks` discards the answer; skipping it makes a load about three times as fast.
 */
function skipMemorySimulation(): void {
  const nothing = async () => ({ cpuRam: 0, gpuVram: 0 });
  GgufInsights.prototype.estimateModelResourceRequirementsV2 = nothing;
  GgufInsights.prototype.estimateContextResourceRequirementsV2 = nothing;
}

async function openContext(llama: Llama, model: LlamaModel, options: LoadOptions): Promise<LoadedModel> {
  // Room for every later dealing of threads: node-llama-cpp caps what it uses by `llama.maxThreads`, which can change at any time.
  const cores = availableParallelism();
  if (options.embeddings) {
    // Positions beyond the trained ones do not exist in most embedding models: reading them would abort the process.
    const contextSize = Math.min(options.contextTokens, model.trainContextSize);
    // An embedding is pooled over all its tokens, so that they must be evaluated in one batch.
    const context = await model.createEmbeddingContext({
      contextSize,
      batchSize: contextSize,
      threads: cores,
      ignoreMemorySafetyChecks: true,
    });
    return new LoadedModel(llama, model, contextSize, [], context);
  }
  const context = await model.createContext({
    contextSize: options.contextTokens,
    sequences: options.sequences,
    batchSize: Math.min(options.batchTokens, options.contextTokens * options.sequences),
    threads: { ideal: cores, min: 1 },
    ignoreMemorySafetyChecks: true,
    failedCreationRemedy: false,
  });
  const sequences = Array.from({ length: options.sequences }, () => new Sequence(context.getSequence(), context.batchSize));
  return new LoadedModel(llama, model, options.contextTokens, sequences, null);
}

/** Loads a model. @throws Error; llama.cpp's own reasons come through `onLine`, some of them a moment later. */
export async function loadModel(options: LoadOptions): Promise<LoadedModel> {
  skipMemorySimulation();
  const llama = await getLlama({
    // The defaults would compile llama.cpp from source or download it when no binary fits.
    build: 'never',
    skipDownload: true,
    gpu: options.gpuLayers > 0 ? 'auto' : false,
    maxThreads: availableParallelism(),
    logLevel: LlamaLogLevel.info,
    logger(level, message) {
      const isError = level === LlamaLogLevel.error || level === LlamaLogLevel.fatal;
      for (const line of message.split('\n')) if (line.length > 1) options.onLine(line, isError);
    },
  });
  const model = await llama.loadModel({
    modelPath: options.file,
    gpuLayers: options.gpuLayers,
    ignoreMemorySafetyChecks: true,
    onLoadProgress: (ratio) => options.onProgress(ratio),
  });
  const loaded = await openContext(llama, model, options);
  loaded.setThreads(options.threads);
  return loaded;
}

export interface GpuBackend {
  /** `cuda`, `vulkan` or `metal`; null where llama.cpp computes on the CPU only. */
  readonly backend: string | null;
  /** In a sentence: which it is, or why there is none. */
  readonly why: string;
}

/** Which GPU support llama.cpp finds here: its CUDA part needs libraries of the CUDA toolkit, which a driver alone does not bring. */
export async function findGpu(): Promise<GpuBackend> {
  const options = { build: 'never', skipDownload: true, progressLogs: false, logLevel: LlamaLogLevel.disabled } as const;
  try {
    const { gpu } = await getLlama({ gpu: 'auto', ...options });
    if (gpu !== false) return { backend: gpu, why: `llama.cpp computes on the GPU through ${gpu}` };
  } catch (error) {
    return { backend: null, why: `llama.cpp cannot use the GPU: ${error instanceof Error ? error.message : error}` };
  }
  const reason = await getLlama({ gpu: 'cuda', ...options }).then(
    () => 'its CUDA part loads, but finds no device',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return {
    backend: null,
    why: `llama.cpp cannot use the GPU (${reason}). Its CUDA part needs the CUDA 13 runtime: libcudart and libcublas.`,
  };
}
