/** The environment of a launch of vLLM. Pure. */
import type { Placement } from '../../../shared/decision.ts';
import type { VllmFacts } from './facts.ts';

/**
 * Set for every launch: nothing is asked of the internet, nothing is told to it. A person's own
 * `env` wins.
 */
export const OFFLINE = {
  HF_HUB_OFFLINE: '1',
  TRANSFORMERS_OFFLINE: '1',
  HF_HUB_DISABLE_TELEMETRY: '1',
  VLLM_NO_USAGE_STATS: '1',
  DO_NOT_TRACK: '1',
  VLLM_LOGGING_COLOR: '0',
} as const;

export function deviceEnvironment({ cpuCores }: VllmFacts, placement: Placement): Readonly<Record<string, string>> {
  if (placement.kind !== 'cpu') return { CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: placement.gpus.join(',') };
  return {
    CUDA_VISIBLE_DEVICES: '',
    VLLM_TARGET_DEVICE: 'cpu',
    OMP_NUM_THREADS: String(Math.max(1, cpuCores - 1)),
    // Bound to cores, two instances would share the same ones.
    VLLM_CPU_OMP_THREADS_BIND: 'nobind',
  };
}
