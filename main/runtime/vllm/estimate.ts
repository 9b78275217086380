/**
 * Estimates the memory of a vLLM instance, in bytes on each device. Pure. On a GPU vLLM gets a
 * share of the total memory for weights, peak activations, captured graphs and, with the rest, the
 * KV cache (vllm/v1/worker/gpu_worker.py); its CUDA context is outside of that share. On a CPU it
 * gets the size of the cache.
 */
import { HOST_DEVICE, type LaunchPlan, type Placement } from '../../../shared/decision.ts';
import { kvBytesOfSequence, type ModelProfile } from '../../../shared/profile.ts';
import { GIB, MIB } from '../../../shared/units.ts';
import type { Estimate } from '../../core/decide/planner.ts';
import type { VllmFacts } from './facts.ts';
import { flagOf, humanNumber } from './flags.ts';
import { notesOf } from './supports.ts';

/** Context, cuBLAS and NCCL of each process on a GPU (about 0.5 GiB). */
export const GPU_CONTEXT_BYTES = 600 * MIB;
/** Captured graphs: 0.3-0.7 GiB whatever the model, as the logs in vLLM's issues show. */
export const GRAPH_BYTES = 600 * MIB;
/**
 * Tokens of the largest step that vLLM profiles (`max_num_batched_tokens` of its server on large
 * GPUs).
 */
const STEP_TOKENS = 8192;
const HALF_BYTES = 2;
const FLOAT_BYTES = 4;
/** The sampler's copies of a row of logits: logits, probabilities, sorted. */
const SAMPLER_COPIES = 3;
/**
 * Resident in main memory without a model: three Pythons with torch (vLLM 0.32 on a processor: 1.8
 * GiB measured, in three processes).
 */
export const SERVER_BYTES = 2.1 * GIB;
/** The largest blocks of a cache: those on processors. */
const BLOCK_TOKENS = 128;

/** Models that only read: they keep no cache, or one of a single step. */
export function onlyReads({ kind }: ModelProfile): boolean {
  return kind === 'embedding' || kind === 'reranker' || kind === 'classifier';
}

/**
 * Bytes of the weights as they lie in memory: 32-bit ones are halved on GPUs, and stay what they
 * are on processors.
 */
export function weightBytesAt({ weightBytes, weightBytesByType }: ModelProfile, placement: Placement): number {
  return placement.kind === 'cpu' ? weightBytes : weightBytes - (weightBytesByType['F32'] ?? 0) / 2;
}

/** Bytes of one sequence of so many tokens, all GPUs together. */
export function sequenceBytes(profile: ModelProfile, contextTokens: number, placement: Placement): number {
  if (profile.kv === null) return 0;
  const blocks = (tokens: number): number => Math.ceil(tokens / BLOCK_TOKENS + 1) * BLOCK_TOKENS;
  // Weights in 32 bits on a processor are computed, and cached, in 32 bits.
  const widen = placement.kind === 'cpu' && isSinglePrecision(profile) ? FLOAT_BYTES / HALF_BYTES : 1;
  return widen * kvBytesOfSequence(profile.kv, contextTokens, (tokens, windowTokens) => blocks(Math.min(tokens, windowTokens ?? tokens)));
}

export function isSinglePrecision({ weightBytes, weightBytesByType }: ModelProfile): boolean {
  return (weightBytesByType['F32'] ?? 0) > weightBytes / 2;
}

/**
 * The peak of one step: hidden rows and the widest layer for every token, and the sampler's rows.
 */
export function activationBytes(profile: ModelProfile, sequences: number): number {
  const hidden = profile.embeddingLength ?? 4096;
  const inner = profile.feedForwardLength ?? 4 * hidden;
  const sampler = onlyReads(profile) ? 0 : sequences * (profile.vocabularySize ?? 32_000) * FLOAT_BYTES * SAMPLER_COPIES;
  return STEP_TOKENS * (4 * hidden + 3 * inner) * HALF_BYTES + sampler;
}

/**
 * Bytes by device and by purpose, from the plan's own flags, so that a person's flags count too.
 */
export function estimate(facts: VllmFacts, profile: ModelProfile, plan: LaunchPlan): Estimate {
  const { placement, args, contextTokens, parallelSequences } = plan;
  const notes = notesOf(facts, profile);
  const weights = weightBytesAt(profile, placement);
  const given = humanNumber(flagOf(args, '--kv-cache-memory-bytes') ?? '');
  if (placement.kind === 'cpu') {
    const kv = given ?? sequenceBytes(profile, contextTokens, placement);
    const activation = activationBytes(profile, parallelSequences) / 4;
    return {
      bytes: { [HOST_DEVICE]: Math.ceil(weights + kv + SERVER_BYTES + activation) },
      parts: { model: weights, kv, compute: activation, server: SERVER_BYTES },
      notes,
    };
  }
  const bytes: Record<string, number> = { [HOST_DEVICE]: Math.ceil(SERVER_BYTES * placement.gpus.length) };
  const compute = activationBytes(profile, parallelSequences) + (isEager(args) ? 0 : GRAPH_BYTES);
  for (const id of placement.gpus) {
    const share = Number(flagOf(args, '--gpu-memory-utilization') ?? Number.NaN);
    const total = facts.gpu(id)?.totalBytes ?? 0;
    const own = given === null && share > 0 ? share * total : weights / placement.gpus.length + compute + (given ?? 0);
    bytes[id] = Math.ceil(own + GPU_CONTEXT_BYTES);
  }
  const all = placement.gpus.reduce((sum, id) => sum + (bytes[id] ?? 0) - GPU_CONTEXT_BYTES - compute, 0);
  const kv = given === null ? Math.max(0, all - weights) : given * placement.gpus.length;
  const gpuContext = GPU_CONTEXT_BYTES * placement.gpus.length;
  const server = SERVER_BYTES * placement.gpus.length;
  return { bytes, parts: { model: weights, kv, compute: compute * placement.gpus.length, server, gpuContext }, notes };
}

export function isEager(args: readonly string[]): boolean {
  return args.includes('--enforce-eager');
}
