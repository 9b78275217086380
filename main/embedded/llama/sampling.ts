/**
 * Chooses the next token, and reports the probability of that token and its alternatives. Owns the
 * samplers of one generation.
 */
import type { NativeContext, NativeSampler, NativeSamplerConfig } from './native.ts';

export interface Sampling {
  /** 0 takes the likeliest token always. */
  readonly temperature: number;
  readonly topP: number;
  /** 0: all tokens. */
  readonly topK: number;
  readonly minP: number;
  readonly seed: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  /** 1: none. */
  readonly repeatPenalty: number;
  /** Added to the logits of these tokens. */
  readonly bias: ReadonlyMap<number, number>;
}

export interface Likelihood {
  readonly token: number;
  /**
   * Natural logarithm of the probability that the model itself gives, before temperature, filters,
   * penalties and grammar.
   */
  readonly logprob: number;
}

export interface Chosen {
  readonly token: number;
  /** Null where no log-probabilities were asked for. */
  readonly likelihood: { readonly logprob: number; readonly rivals: readonly Likelihood[] } | null;
}

/** How many generated tokens the penalties look back on; llama-server's default. */
const PENALTY_WINDOW_TOKENS = 64;
/** A token beyond these is looked up among all, which costs milliseconds. */
const LIKELY_TOKENS = 64;

function configOf(sampling: Sampling, grammar: object | null): NativeSamplerConfig {
  const { temperature, topP, topK, minP, seed, frequencyPenalty, presencePenalty, repeatPenalty, bias } = sampling;
  const isPenalized = frequencyPenalty !== 0 || presencePenalty !== 0 || repeatPenalty !== 1;
  return {
    temperature,
    topP,
    minP,
    seed,
    ...(topK > 0 ? { topK } : {}),
    ...(isPenalized
      ? {
          repeatPenalty,
          repeatPenaltyFrequencyPenalty: frequencyPenalty,
          repeatPenaltyPresencePenalty: presencePenalty,
          repeatPenaltyMaxTokens: PENALTY_WINDOW_TOKENS,
          repeatPenaltyTokens: new Uint32Array(),
        }
      : {}),
    ...(bias.size > 0 ? { tokenBiasKeys: Uint32Array.from(bias.keys()), tokenBiasValues: Float32Array.from(bias.values()) } : {}),
    ...(grammar === null ? {} : { grammarEvaluationState: grammar }),
  };
}

/** Chooses one token after another. `dispose` when the generation is over. */
export class Chooser {
  readonly #context: NativeContext;
  readonly #newSampler: () => NativeSampler;
  readonly #sampler: NativeSampler;
  readonly #rivals: number | null;
  /**
   * The model's own distribution: its likeliest token's share of all, and the likeliest ones'
   * shares among themselves.
   */
  #likeliest: NativeSampler | null = null;
  #likely: NativeSampler | null = null;

  /** @param rivals how many likeliest tokens are told with each; null: no log-probabilities. */
  constructor(
    context: NativeContext,
    newSampler: () => NativeSampler,
    { sampling, grammar, rivals }: { readonly sampling: Sampling; readonly grammar: object | null; readonly rivals: number | null },
  ) {
    this.#context = context;
    this.#newSampler = newSampler;
    this.#rivals = rivals;
    this.#sampler = newSampler();
    this.#sampler.applyConfig(configOf(sampling, grammar));
    if (rivals === null) return;
    this.#likeliest = this.#made({ temperature: 0 });
    this.#likely = this.#made({ temperature: 1, topK: LIKELY_TOKENS });
  }

  /**
   * @param logits the place of the logits in the step just computed. @throws Error when no token is
   * possible.
   */
  async choose(logits: number): Promise<Chosen> {
    const likely = this.#rivals === null ? null : await this.#likelyTokens(logits);
    const token = await this.#context.sampleToken(logits, this.#sampler);
    if (token < 0) throw new Error('llama.cpp found no allowed next token');
    if (likely === null) return { token, likelihood: null };
    const found = likely.find((each) => each.token === token) ?? (await this.#anywhere(logits, token));
    return { token, likelihood: { logprob: found.logprob, rivals: likely.slice(0, this.#rivals ?? 0) } };
  }

  dispose(): void {
    for (const sampler of [this.#sampler, this.#likeliest, this.#likely]) sampler?.dispose();
  }

  #made(config: NativeSamplerConfig): NativeSampler {
    const sampler = this.#newSampler();
    sampler.applyConfig(config);
    return sampler;
  }

  /**
   * The shares of a few are exact among themselves; the likeliest one's share of all brings them to
   * the whole vocabulary.
   */
  async #likelyTokens(logits: number): Promise<readonly Likelihood[]> {
    if (this.#likeliest === null || this.#likely === null) return [];
    const [, , most = 1] = await this.#context.sampleToken(logits, this.#likeliest, false, true);
    const [, candidates = []] = await this.#context.sampleToken(logits, this.#likely, true, false);
    const scale = most / (candidates[1] ?? 1);
    return pairs(candidates).map(({ token, share }) => ({ token, logprob: logOf(share * scale) }));
  }

  async #anywhere(logits: number, token: number): Promise<Likelihood> {
    const all = this.#made({ temperature: 1 });
    try {
      const [, candidates = []] = await this.#context.sampleToken(logits, all, true, false);
      return { token, logprob: logOf(pairs(candidates).find((each) => each.token === token)?.share ?? 0) };
    } finally {
      all.dispose();
    }
  }
}

/** JSON knows no infinity: what is less likely than this is as good as impossible. */
const LEAST_LOGPROB = -9999;

function logOf(probability: number): number {
  return Math.max(LEAST_LOGPROB, Math.log(probability));
}

function pairs(candidates: readonly number[]): { token: number; share: number }[] {
  return Array.from({ length: candidates.length / 2 }, (_, index) => ({
    token: candidates[2 * index] ?? 0,
    share: candidates[2 * index + 1] ?? 0,
  }));
}
