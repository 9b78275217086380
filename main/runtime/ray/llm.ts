/**
 * What `ray.serve.llm` is told of a model: settings of its vLLM, and what the cluster sets aside
 * for it. Pure.
 */
import { kvBytesOfSequence, type ModelProfile } from '../../../shared/profile.ts';
import { MIB } from '../../../shared/units.ts';
import type { LaunchSettings } from '../../core/decide/planner.ts';

/** Requests that a replica is given at once: vLLM computes them side by side. */
export const LLM_REQUESTS_PER_REPLICA = 64;
/**
 * Its first failure counts: an attempt takes a minute, and whoever retries is the engine. Ray looks
 * three times before it replaces a replica whose vLLM has died, and until then each request fails.
 */
export const LLM_DEPLOYMENT = { max_constructor_retry_count: 1, health_check_period_s: 2 } as const;
/** Sequences of the whole context that the cache is planned for; shorter ones share it. */
const WHOLE_SEQUENCES = 2;
const MOST_CONTEXT_TOKENS = 8192;
const LEAST_CACHE_BYTES = 64 * MIB;
/** Of a GPU's memory, by vLLM's own choice. */
const SHARE_OF_GPU = 0.9;
/** vLLM only looks whether so much is free: the bytes of its cache are said. */
const LEAST_SHARE_OF_GPU = 0.05;
/** A place in the cluster has to have something; Ray counts in ten thousandths. */
const LEAST_CPUS = 0.001;

export interface PlannedLlm {
  /** Null: the longest that the cache holds. */
  readonly contextTokens: number | null;
  /** Of the cache, where the cluster is not asked for GPUs. */
  readonly cacheBytes: number;
}

interface Launch {
  readonly env: Readonly<Record<string, string>>;
  readonly trusted: boolean;
  readonly deployment: Readonly<Record<string, unknown>>;
}

export function planLlm({ kv, contextLength }: ModelProfile, { context }: LaunchSettings): PlannedLlm {
  const tokens = context ?? Math.min(contextLength ?? MOST_CONTEXT_TOKENS, MOST_CONTEXT_TOKENS);
  const cacheBytes = kv === null ? 0 : WHOLE_SEQUENCES * kvBytesOfSequence(kv, tokens);
  return { contextTokens: context ?? null, cacheBytes: Math.ceil(Math.max(cacheBytes, LEAST_CACHE_BYTES) / MIB) * MIB };
}

/**
 * Options of `LLMConfig` beside the model's name and the deployment's options. @param gpus that the
 * cluster is asked for: they are set aside for vLLM's workers, never for the server beside them.
 */
export function llmOptions({ contextTokens, cacheBytes }: PlannedLlm, { env, trusted, deployment }: Launch, gpus: number): object {
  const exact = (env['CUDA_VISIBLE_DEVICES'] ?? '').split(',').filter((id) => id !== '').length;
  const workers = Math.max(1, Math.ceil(gpus), exact);
  const share = gpus / workers;
  const engine: Record<string, unknown> = { max_model_len: contextTokens ?? -1 };
  if (trusted) engine['trust_remote_code'] = true;
  if (workers > 1) engine['tensor_parallel_size'] = workers;
  if (gpus === 0) engine['kv_cache_memory_bytes'] = cacheBytes;
  if (gpus === 0 && exact > 0) engine['gpu_memory_utilization'] = LEAST_SHARE_OF_GPU;
  // Compiling takes a C++ compiler and minutes, and gains little on a processor.
  if (gpus === 0 && exact === 0) engine['enforce_eager'] = true;
  if (gpus > 0 && share < 1) engine['gpu_memory_utilization'] = Number((share * SHARE_OF_GPU).toFixed(3));
  const { num_cpus } = deployment['ray_actor_options'] as { readonly num_cpus: number };
  // Ray adds what the server takes to the first of these. Without them it asks for a GPU.
  const bundle = gpus > 0 ? { GPU: share } : { CPU: num_cpus > 0 ? 0 : LEAST_CPUS };
  return { engine_kwargs: engine, placement_group_config: { bundles: Array.from({ length: gpus > 0 ? workers : 1 }, () => bundle) } };
}
