/** The estimated memory of a model on a cluster of our own. Pure. */
import { type DeviceBytes, HOST_DEVICE, type LaunchPlan } from '../../../shared/decision.ts';
import type { ModelProfile } from '../../../shared/profile.ts';
import { MIB } from '../../../shared/units.ts';
import type { Estimate } from '../../core/decide/planner.ts';
import { plannedIn, requestsPerReplica } from './plan.ts';

/** A replica: Python, Ray's worker and torch, before any weights. Measured on processors. */
const REPLICA_BYTES = 800 * MIB;
const GPU_CONTEXT_BYTES = 700 * MIB;
/** Beside the weights: what one answer of a small batch keeps. */
const WORK = 1.15;
/** Of float32, in which processors compute. */
const BYTES_PER_PARAMETER = 4;
/** Of `ray.serve.llm`: routes, server, engine and worker, each with torch. Measured likewise. */
const LLM_REPLICA_BYTES = 3600 * MIB;

export function estimate(profile: ModelProfile, launch: LaunchPlan): Estimate {
  const { placement } = launch;
  if (placement.kind === 'elsewhere') return { bytes: {}, parts: {}, notes: [] };
  const { llm } = plannedIn(launch);
  const copies = launch.parallelSequences / requestsPerReplica(llm);
  const gpu = placement.gpus[0];
  const isWidened = gpu === undefined && llm === null;
  const weights = isWidened ? Math.max(profile.weightBytes, (profile.parameters ?? 0) * BYTES_PER_PARAMETER) : profile.weightBytes;
  const model = Math.ceil(weights * WORK + (llm?.cacheBytes ?? 0)) * copies;
  const program = (llm === null ? REPLICA_BYTES : LLM_REPLICA_BYTES) * copies;
  const gpuContext = gpu === undefined ? 0 : GPU_CONTEXT_BYTES * copies;
  const bytes: DeviceBytes = gpu === undefined ? { [HOST_DEVICE]: model + program } : { [gpu]: model + gpuContext, [HOST_DEVICE]: program };
  return { bytes, parts: { model, program, gpuContext }, notes: copies > 1 ? [`${copies} replicas`] : [], isGuess: true };
}
