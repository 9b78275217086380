/**
 * Chooses context, sequences and arguments of a llama.cpp launch. Pure; `estimate.ts` computes
 * their memory.
 */
import type { LaunchPlan, Placement, Preparation } from '../../../shared/decision.ts';
import type { ModelForm, ModelProfile } from '../../../shared/profile.ts';
import type { Settings } from '../../../shared/settings.ts';
import type { LaunchSettings } from '../../core/decide/planner.ts';
import { lastNumber } from '../last-argument.ts';
import { batchTokens, kvBytes } from './estimate.ts';
import { onlyReads } from './kinds.ts';
import { gpuLayersOf } from './layers.ts';

const MOST_CONTEXT_TOKENS = 8192;
/**
 * Decoders used for embeddings still compute logits for each token of their batch, which is as long
 * as their context.
 */
const MOST_DECODER_EMBEDDING_TOKENS = 2048;
const UNKNOWN_CONTEXT_TOKENS = 4096;
const MOST_SEQUENCES = 4;
/** A KV cache up to this is never worth fewer sequences. */
const SMALL_CACHE_BYTES = 2 * 1024 ** 3;

function contextOf(profile: ModelProfile, settings: LaunchSettings): number {
  const trained = profile.contextLength ?? UNKNOWN_CONTEXT_TOKENS;
  const isDecoderEmbedding = onlyReads(profile) && !/bert/i.test(profile.architecture);
  const most = isDecoderEmbedding ? MOST_DECODER_EMBEDDING_TOKENS : MOST_CONTEXT_TOKENS;
  // Embedding models have no positions beyond the trained ones.
  if (onlyReads(profile)) return Math.min(settings.context ?? most, trained);
  return settings.context ?? Math.min(trained, most);
}

/**
 * Up to 4 side by side, fewer where their caches would outgrow the weights: old models without
 * grouped heads take 16 GiB for four. @param wished `models.NAME.parallel`.
 */
function sequencesOf(profile: ModelProfile, contextTokens: number, args: readonly string[], wished?: number): number {
  if (onlyReads(profile)) return 1;
  if (wished !== undefined) return wished;
  const most = Math.max(profile.weightBytes, SMALL_CACHE_BYTES);
  let sequences = MOST_SEQUENCES;
  while (sequences > 1 && kvBytes(profile, contextTokens, sequences, args) > most) sequences /= 2;
  return sequences;
}

/**
 * Requests with a place each: an embedding or a ranking takes milliseconds, and the server deals
 * its turns between them.
 */
const READERS_AT_ONCE = 16;

/** How many requests a launch works on at once: one in each sequence. */
export function capacityOf({ args, parallelSequences }: LaunchPlan): number {
  const reads = args.some((arg) => READING_FLAGS.has(arg));
  const sequences = lastNumber(args, '--parallel', '-np') ?? parallelSequences;
  return reads ? Math.max(READERS_AT_ONCE, sequences) : sequences < 1 ? parallelSequences : sequences;
}

const READING_FLAGS: ReadonlySet<string> = new Set(['--embeddings', '--embedding', '--reranking', '--rerank']);

/**
 * The launch of this model at this place. @param own `llama.args` and `llama.env` of the settings:
 * what the model's own settings add to.
 */
export function planOf(
  profile: ModelProfile,
  form: ModelForm,
  placement: Placement,
  settings: LaunchSettings,
  own: Pick<Settings['llama'], 'args' | 'env'>,
  preparation?: Preparation,
): LaunchPlan {
  const contextTokens = contextOf(profile, settings);
  const args = settings.args ?? [];
  const parallelSequences = sequencesOf(profile, contextTokens, [...own.args, ...args], settings.parallel);
  const batch = String(batchTokens(profile, contextTokens));
  const flags = [
    '--ctx-size',
    String(contextTokens * parallelSequences),
    '--parallel',
    String(parallelSequences),
    '--n-gpu-layers',
    String(gpuLayersOf(profile, placement)),
    ...(profile.kind === 'embedding' ? ['--embeddings'] : profile.kind === 'reranker' ? ['--reranking'] : []),
    ...(onlyReads(profile) ? ['--batch-size', batch, '--ubatch-size', batch] : []),
  ];
  return {
    runtime: 'llama',
    form: form.kind,
    file: form.files[0] ?? '',
    placement,
    contextTokens,
    parallelSequences,
    args: [...own.args, ...flags, ...args],
    // An empty list hides every GPU: a process on the CPU must not open a context that takes half a
    // gigabyte of one.
    env: { ...own.env, CUDA_VISIBLE_DEVICES: placement.gpus.join(',') },
    ...(preparation === undefined ? {} : { preparation }),
  };
}
