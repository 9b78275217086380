/**
 * The internal parts of node-llama-cpp that the server uses: computing tokens of a sequence, and
 * samplers that may read its logits several times, as log-probabilities need. Types only;
 * `llama.ts` passes the objects. The version is pinned exactly, and the tests run on the real
 * library.
 */

/**
 * A sampler chain of llama.cpp. It keeps its state (seed, penalties, grammar) from token to token;
 * `dispose` frees it.
 */
export interface NativeSampler {
  applyConfig(config: NativeSamplerConfig): void;
  dispose(): void;
}

export interface NativeSamplerConfig {
  /** 0: the likeliest token, and no other filter counts. */
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly seed?: number;
  readonly repeatPenalty?: number;
  /** How far back the penalties look. */
  readonly repeatPenaltyMaxTokens?: number;
  readonly repeatPenaltyTokens?: Uint32Array;
  readonly repeatPenaltyPresencePenalty?: number;
  readonly repeatPenaltyFrequencyPenalty?: number;
  readonly tokenBiasKeys?: Uint32Array;
  readonly tokenBiasValues?: Float32Array;
  readonly grammarEvaluationState?: object;
}

/**
 * A token; candidates and their probabilities by turns, likeliest first; the probability of the
 * token among them.
 */
export type NativeSample = readonly [token: number, candidates: readonly number[] | undefined, confidence: number | undefined];

export interface NativeContext {
  sampleToken(logits: number, sampler: NativeSampler): Promise<number>;
  sampleToken(logits: number, sampler: NativeSampler, candidates: boolean, confidence: boolean): Promise<NativeSample>;
}

/** Reads the logits of a step while they are there: the next step overwrites them. */
export type ReadLogits<Result> = (logits: number) => Promise<Result>;

export interface NativeSequence {
  readonly nextTokenIndex: number;
  /**
   * Position of the first token that is still in the cache: later than 0 in models with a sliding
   * window.
   */
  readonly stateCellsStartIndex: number;
  /** What the sequence holds; not a copy. */
  readonly _contextTokens: readonly number[];
  readonly _tokenMeter: object;
  readonly _context: { readonly _ctx: NativeContext };
  readonly _takeIntervalCheckpointIfNeededAfterBatch: (length: number) => unknown;
  adaptStateToTokens(tokens: readonly number[], allowShift: boolean): Promise<void>;
  clearHistory(): Promise<void>;
  /**
   * Computes tokens; where the context is full it forgets the oldest first. @param logits true at
   * the places whose logits are read.
   */
  _decodeTokens<Result>(
    tokens: readonly number[],
    logits: readonly boolean[],
    priority: number,
    meter: object,
    shift: { readonly size: number; readonly strategy: 'eraseBeginning' },
    read: ReadLogits<Result>,
    afterBatch: (length: number) => unknown,
  ): Promise<readonly Result[]>;
}

/** A model as far as its vocabulary goes. */
export interface NativeVocabulary {
  readonly vocabularyType: string;
  readonly fileInfo: {
    readonly metadata: {
      readonly tokenizer: { readonly ggml: { readonly tokens: readonly string[]; readonly model: string; readonly pre?: string } };
      /** What our converter wrote for this server alone. */
      readonly modelium?: { readonly lowercase_texts?: unknown };
    };
  };
  readonly tokens: {
    readonly bos: number | null;
    readonly eos: number | null;
    readonly sep: number | null;
    readonly shouldPrependBosToken: boolean;
    readonly shouldAppendEosToken: boolean;
  };
  /** @param begins `trimLeadingSpace`: without the space that some vocabularies put in front. */
  tokenize(text: string, special: boolean, begins?: 'trimLeadingSpace'): number[];
  detokenize(tokens: readonly number[], special: boolean, before: readonly number[]): string;
  getTokenAttributes(token: number): { readonly control: boolean; readonly userDefined: boolean };
}
