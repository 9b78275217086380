/**
 * The only importer of node-llama-cpp: loads one model and runs its sequences. Owns llama.cpp's
 * options and their pitfalls; knows nothing of HTTP or OpenAI.
 */
import { availableParallelism } from 'node:os';
import {
  GgufInsights,
  getLlama,
  type Llama,
  type LlamaEmbeddingContext,
  LlamaGrammar,
  LlamaGrammarEvaluationState,
  LlamaLogLevel,
  type LlamaModel,
  type LlamaOptions,
  type LlamaRankingContext,
  type Token,
} from 'node-llama-cpp';
import type { TemplateTexts } from '../requests/chat-template.ts';
import { invalid } from '../requests/openai-fields.ts';
import { GrammarMemory } from './grammar-memory.ts';
import { pairBetweenMarks } from './input-tokens.ts';
import type { NativeSampler, NativeSequence, NativeVocabulary } from './native.ts';
import { Pace } from './pace.ts';
import type { CacheType, Purpose } from './purpose.ts';
import { Recent } from './recent.ts';
import { inOrder, Sequence } from './sequence.ts';
import { Vocabulary, WORD_PIECE } from './vocabulary.ts';
import { withoutTrial } from './without-trial.ts';

/**
 * Grammars that are kept ready for the next request with the same schema: ten times their text, in
 * memory.
 */
const KEPT_GRAMMAR_CHARACTERS = 2_000_000;

export interface LoadOptions {
  readonly file: string;
  readonly purpose: Purpose;
  /** Tokens of each sequence. */
  readonly contextTokens: number;
  readonly sequences: number;
  readonly batchTokens: number;
  readonly gpuLayers: number;
  readonly threads: number;
  readonly cacheTypes: { readonly keys: CacheType; readonly values: CacheType };
  readonly flashAttention: 'auto' | boolean;
  /** 0..1. */
  onProgress(ratio: number): void;
  onLine(line: string, isError: boolean): void;
}

/** The part of the library below its public interface that makes samplers. */
interface SamplerMaker {
  readonly _model: object;
  readonly _llama: { readonly _bindings: { readonly AddonSampler: new (model: object) => NativeSampler } };
}

interface Context {
  /** Usable tokens of each sequence. */
  readonly contextTokens: number;
  readonly sequences: readonly Sequence[];
  readonly embedding: LlamaEmbeddingContext | null;
  readonly ranking: LlamaRankingContext | null;
}

/** A loaded model with its sequences, or with the context that embeds or ranks. */
export class LoadedModel extends Vocabulary {
  readonly sequences: readonly Sequence[];
  readonly contextTokens: number;
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #context: Context;
  readonly #grammars = new Recent<LlamaGrammarEvaluationState>(KEPT_GRAMMAR_CHARACTERS);
  readonly #grammarMemory = new GrammarMemory();

  constructor(llama: Llama, model: LlamaModel, context: Context) {
    super(model as unknown as NativeVocabulary);
    this.#llama = llama;
    this.#model = model;
    this.#context = context;
    this.contextTokens = context.contextTokens;
    this.sequences = context.sequences;
  }

  /** Which llama.cpp computes, as llama-server tells its own build. */
  get fingerprint(): string {
    return `build-${this.#llama.llamaCppRelease.release}`;
  }

  get trainedContextTokens(): number {
    return this.#model.trainContextSize;
  }

  /** Numbers of an embedding. */
  get embeddingLength(): number {
    return this.#model.embeddingVectorSize;
  }

  /** Threads for each evaluation from the next token on. */
  setThreads(threads: number): void {
    this.#llama.maxThreads = threads;
  }

  /** Its chat templates; the default one is empty where there is none. */
  get chatTemplates(): TemplateTexts {
    // The library keeps a key below another one that has a value itself under both names.
    const { chat_template: text, 'chat_template.tool_use': toolText } = this.#model.fileInfo.metadata.tokenizer as Record<string, unknown>;
    return { default: typeof text === 'string' ? text : '', ...(typeof toolText === 'string' ? { tool_use: toolText } : {}) };
  }

  /** Variables that every chat template knows. */
  get templateTokens(): Readonly<Record<string, string>> {
    const { bosString, eosString } = this.#model.tokens;
    return { bos_token: bosString ?? '', eos_token: eosString ?? '' };
  }

  /**
   * The beginning of a grammar, for one answer. @throws ModeliumError invalid-body when llama.cpp
   * does not take it.
   */
  grammarState(grammar: string): object {
    this.#grammarMemory.making(grammar);
    try {
      const first = this.#grammars.get(grammar, () => {
        const parsed = new LlamaGrammar(this.#llama, { grammar });
        return new LlamaGrammarEvaluationState({ model: this.#model, grammar: parsed });
      });
      const { _state: state } = new LlamaGrammarEvaluationState(first) as unknown as { _state: object };
      return state;
    } catch {
      throw invalid(null, 'llama.cpp rejects this grammar: it is invalid, left-recursive or too large.');
    }
  }

  /** @param tokens from `embeddingTokens`; at least one. @returns a vector of length 1. */
  async embed(tokens: readonly number[]): Promise<readonly number[]> {
    const { vector } = (await this.#context.embedding?.getEmbeddingFor(asTokens([...tokens]))) ?? { vector: [] };
    const length = Math.hypot(...vector);
    return length === 0 ? vector : vector.map((value) => value / length);
  }

  /** How many tokens a question and a document are together, with their marks. */
  rankedLength(query: readonly number[], document: readonly number[]): number {
    return this.#context.ranking?.calculateInputLength(asTokens(query), asTokens(document)) ?? 0;
  }

  /** How well the document answers the question, 0..1. Both are from `rankedTokens`. */
  async rank(query: readonly number[], document: readonly number[]): Promise<number> {
    return (await this.#context.ranking?.rank(asTokens(query), asTokens(document))) ?? 0;
  }
}

/**
 * node-llama-cpp brands its numbers; ours come from its own tokenizer or are checked against the
 * vocabulary's size.
 */
function asTokens(tokens: readonly number[]): Token[] {
  return tokens as Token[];
}

/**
 * Before loading and before making a context node-llama-cpp loads the model once more without data,
 * to learn what it would take. The brain has decided that already and `ignoreMemorySafetyChecks`
 * discards the answer; skipping it makes a load about three times as fast.
 */
function skipMemorySimulation(): void {
  const nothing = async () => ({ cpuRam: 0, gpuVram: 0 });
  GgufInsights.prototype.estimateModelResourceRequirementsV2 = nothing;
  GgufInsights.prototype.estimateContextResourceRequirementsV2 = nothing;
}

/**
 * node-llama-cpp keeps two places of a context free for tokens to come. None come here: a text may
 * fill it.
 */
function takeWholeContext(context: object | null, contextTokens: number): void {
  const own = (context as { readonly _llamaContext?: { _contextSize: number } } | null)?._llamaContext;
  if (own !== undefined) own._contextSize = contextTokens + 2;
}

/**
 * node-llama-cpp leaves the last mark out where a vocabulary of WordPiece names no end beside its
 * separator.
 */
function endDocuments(ranking: LlamaRankingContext | null, { vocabularyType, tokens }: NativeVocabulary): void {
  type Join = (query: readonly number[], document: readonly number[]) => readonly number[];
  const own = ranking as { _getEvaluationInput: Join } | null;
  if (own !== null && vocabularyType === WORD_PIECE)
    own._getEvaluationInput = (query, document) => pairBetweenMarks(query, document, tokens);
}

/**
 * llama.cpp knows three ends of a generation, and those whose names it knows; a folder that we
 * converted lists all of its own.
 */
function endOf(model: LlamaModel): (token: number) => boolean {
  const listed = ownMetadata(model)['end_token_ids'];
  const ends = new Set<unknown>(Array.isArray(listed) ? listed : []);
  return (token) => ends.has(token) || model.isEogToken(token as Token);
}

/** What our converter wrote for this server alone. */
function ownMetadata(model: LlamaModel): Readonly<Record<string, unknown>> {
  return (model.fileInfo.metadata as { readonly modelium?: Readonly<Record<string, unknown>> }).modelium ?? {};
}

async function openContext(model: LlamaModel, options: LoadOptions): Promise<Context> {
  // Room for every later dealing of threads: node-llama-cpp caps what it uses by
  // `llama.maxThreads`, which can change at any time.
  const cores = availableParallelism();
  if (options.purpose !== 'generation') {
    // Positions beyond the trained ones do not exist in most embedding models: reading them would
    // abort the process.
    const contextTokens = Math.min(options.contextTokens, model.trainContextSize);
    // An embedding is pooled over all its tokens, so that they must be evaluated in one batch.
    const made = { contextSize: contextTokens, batchSize: contextTokens, threads: cores, ignoreMemorySafetyChecks: true };
    const embedding = options.purpose === 'embedding' ? await model.createEmbeddingContext(made) : null;
    const ranking = options.purpose === 'ranking' ? await model.createRankingContext(made) : null;
    takeWholeContext(embedding ?? ranking, contextTokens);
    endDocuments(ranking, model as unknown as NativeVocabulary);
    return { contextTokens, sequences: [], embedding, ranking };
  }
  const type = (name: CacheType) => name.toUpperCase() as Uppercase<CacheType>;
  const context = await model.createContext({
    contextSize: options.contextTokens,
    sequences: options.sequences,
    batchSize: Math.min(options.batchTokens, options.contextTokens * options.sequences),
    threads: { ideal: cores, min: 1 },
    batching: { itemPrioritizationStrategy: inOrder as never },
    flashAttention: options.flashAttention,
    experimentalKvCacheKeyType: type(options.cacheTypes.keys),
    experimentalKvCacheValueType: type(options.cacheTypes.values),
    ignoreMemorySafetyChecks: true,
    failedCreationRemedy: false,
  });
  const maker = model as unknown as SamplerMaker;
  const parts = {
    pace: new Pace(context.batchSize),
    contextTokens: options.contextTokens,
    isRecurrent: model.fileInsights.isRecurrent || model.fileInsights.isHybrid,
    newSampler: () => new maker._llama._bindings.AddonSampler(maker._model),
    isEnd: endOf(model),
  };
  const sequences = Array.from({ length: options.sequences }, (_, place) => {
    // Copies of a state in main memory, by default 32 for each sequence, are in nobody's estimate.
    const native = context.getSequence({ checkpoints: { max: 1, interval: false } }) as unknown as NativeSequence;
    return new Sequence({ ...parts, place, native });
  });
  return { contextTokens: options.contextTokens, sequences, embedding: null, ranking: null };
}

/**
 * Loads a model. @throws Error; llama.cpp's own reasons come through `onLine`, some of them a
 * moment later.
 */
export async function loadModel(options: LoadOptions): Promise<LoadedModel> {
  skipMemorySimulation();
  const gpu = options.gpuLayers > 0 ? 'auto' : false;
  const settings: LlamaOptions = {
    // The defaults would compile llama.cpp from source or download it when no binary fits.
    build: 'never',
    skipDownload: true,
    gpu,
    maxThreads: availableParallelism(),
    logLevel: LlamaLogLevel.info,
    logger(level, message) {
      const isError = level === LlamaLogLevel.error || level === LlamaLogLevel.fatal;
      for (const line of message.split('\n')) if (line.length > 1) options.onLine(line, isError);
    },
  };
  const llama = gpu === false ? await withoutTrial(() => getLlama(settings)) : await getLlama(settings);
  const model = await llama.loadModel({
    modelPath: options.file,
    gpuLayers: options.gpuLayers,
    ignoreMemorySafetyChecks: true,
    onLoadProgress: (ratio) => options.onProgress(ratio),
  });
  const loaded = new LoadedModel(llama, model, await openContext(model, options));
  loaded.setThreads(options.threads);
  return loaded;
}

/** Opens a model for its vocabulary and its template alone: nothing can be generated with it. */
export async function loadVocabulary(file: string, contextTokens: number): Promise<LoadedModel> {
  skipMemorySimulation();
  const llama = await withoutTrial(() => getLlama({ build: 'never', skipDownload: true, gpu: false, logLevel: LlamaLogLevel.error }));
  const options = { modelPath: file, gpuLayers: 0, vocabOnly: true, ignoreMemorySafetyChecks: true };
  const model = await llama.loadModel(options as Parameters<Llama['loadModel']>[0]);
  return new LoadedModel(llama, model, { contextTokens, sequences: [], embedding: null, ranking: null });
}

export interface GpuBackend {
  /** `cuda`, `vulkan` or `metal`; null where llama.cpp computes on the CPU only. */
  readonly backend: string | null;
  /** In a sentence: which it is, or why there is none. */
  readonly why: string;
}

/**
 * Which GPU support llama.cpp finds here: its CUDA part needs libraries of the CUDA toolkit, which
 * a driver alone does not bring.
 */
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
