/**
 * What a launch of llama.cpp will take, in bytes on each device. Pure. The formulas follow
 * llama.cpp v0.4.0 (llama-context.cpp, llama-graph.cpp, llama-kv-cache.cpp), checked against the
 * buffers that it logs: estimate.test.ts, test/embedded/cache.test.ts.
 */
import { type DeviceBytes, HOST_DEVICE, type LaunchPlan } from '../../../shared/decision.ts';
import { kvBytesOfSequence, type ModelProfile } from '../../../shared/profile.ts';
import { MIB } from '../../../shared/units.ts';
import type { Estimate } from '../../core/decide/planner.ts';
import { withCacheTypes } from './cache-types.ts';
import { onlyReads } from './kinds.ts';
import { gpuLayersOf, outputOf, shareOf } from './layers.ts';
import { notesOf } from './notes.ts';
import { repackedBytes } from './repacked.ts';

/**
 * Resident size of the embedded server without a model (measured: 128 MiB, half of it shared
 * libraries).
 */
const SERVER_BYTES = 128 * MIB;
/**
 * What a CUDA context and its libraries take of each GPU before the first tensor (about 0.5 GiB).
 */
const GPU_CONTEXT_BYTES = 512 * MIB;
/** llama.cpp rounds the cells of a sequence up to this. */
const CELLS = 256;
const FLOAT_BYTES = 4;
/** With flash attention the mask is kept at 16 bits. */
const MASK_BYTES = 2;
/** The physical batch of text generation: ours and llama-server's. */
export const GENERATION_BATCH_TOKENS = 512;

/**
 * Tokens evaluated in one step: what is pooled over all its tokens needs a batch as long as its
 * context.
 */
export function batchTokens(profile: ModelProfile, contextTokens: number): number {
  return onlyReads(profile) ? contextTokens : Math.min(GENERATION_BATCH_TOKENS, contextTokens);
}

/** Cells of one sequence as llama.cpp allocates them. */
export function cellsOf(contextTokens: number): number {
  return Math.ceil(contextTokens / CELLS) * CELLS;
}

/**
 * Bytes of the KV cache and of recurrent states of all sequences. A layer with a window keeps that,
 * a batch, and a token (llama-kv-cache-iswa.cpp).
 * @param args of the launch: they may name the types of keys and values.
 */
export function kvBytes(profile: ModelProfile, contextTokens: number, sequences: number, args: readonly string[] = []): number {
  if (profile.kv === null || isEncoder(profile)) return 0;
  const cells = (tokens: number, windowTokens: number | null): number =>
    windowTokens === null ? cellsOf(tokens) : Math.min(cellsOf(tokens), cellsOf(windowTokens + GENERATION_BATCH_TOKENS + 1));
  return sequences * kvBytesOfSequence(withCacheTypes(profile.kv, args), contextTokens, cells);
}

/** Encoders have neither a cache nor an output layer over the vocabulary. */
function isEncoder(profile: ModelProfile): boolean {
  return /bert/i.test(profile.architecture);
}

interface Compute {
  /** The logits and the rows in front of them. */
  readonly output: number;
  /** The widest point inside a layer, the attention mask included. */
  readonly layer: number;
  /** What the host hands to a GPU: mask and embedded tokens. */
  readonly inputs: number;
}

/**
 * The scratch memory of one step. llama.cpp reserves it for a full batch whose every token has
 * logits, and reuses what a layer no longer needs, so that the larger of two peaks counts: inside a
 * layer (gate, up and their product alive at once; an encoder has no gate) or at the logits.
 */
function computeBytes(profile: ModelProfile, contextTokens: number): Compute {
  const embedding = profile.embeddingLength ?? 0;
  const feedForward = profile.feedForwardLength ?? 4 * embedding;
  const batch = batchTokens(profile, contextTokens);
  const mask = cellsOf(contextTokens) * batch * MASK_BYTES;
  const row = batch * FLOAT_BYTES;
  const matrices = isEncoder(profile) ? 2 : 3;
  const vocabulary = isEncoder(profile) ? 0 : (profile.vocabularySize ?? 0);
  return {
    output: row * (vocabulary + 3 * embedding),
    layer: row * (matrices * feedForward + 2 * embedding) + mask,
    inputs: row * embedding + mask,
  };
}

/**
 * Bytes by device and by purpose; `model`, `repacked`, `kv` and `compute` together are what
 * llama.cpp logs as its buffers.
 */
export function estimate(profile: ModelProfile, plan: LaunchPlan, hasAmx = false): Estimate {
  const gpus = plan.placement.gpus;
  const share = shareOf(profile, gpus.length === 0 ? 0 : gpuLayersOf(profile, plan.placement));
  const kv = kvBytes(profile, plan.contextTokens, plan.parallelSequences, plan.args);
  const compute = computeBytes(profile, plan.contextTokens);
  const logits = (profile.vocabularySize ?? 0) * plan.parallelSequences * FLOAT_BYTES * (isEncoder(profile) ? 0 : 1);
  const repacked = repackedBytes(profile, outputOf(profile), hasAmx) * (1 - share.layers);
  const peak = Math.max(compute.output, compute.layer);
  const onGpu = gpus.length > 0;
  const hostLayers = share.layers < 1 ? compute.layer : compute.inputs;
  const hostCompute = (onGpu ? hostLayers : peak) + logits;
  const host = share.hostWeights + repacked + kv * (1 - share.layers) + hostCompute;
  const eachGpu = onGpu ? (share.gpuWeights + kv * share.layers) / gpus.length + peak + GPU_CONTEXT_BYTES : 0;
  const bytes: Record<string, number> = { [HOST_DEVICE]: Math.ceil(host + SERVER_BYTES) };
  for (const gpu of gpus) bytes[gpu] = Math.ceil(eachGpu);
  return {
    bytes: bytes as DeviceBytes,
    parts: {
      model: share.hostWeights + share.gpuWeights,
      repacked,
      kv,
      compute: hostCompute + peak * gpus.length,
      server: SERVER_BYTES,
      gpuContext: GPU_CONTEXT_BYTES * gpus.length,
    },
    notes: notesOf(profile, plan),
  };
}
