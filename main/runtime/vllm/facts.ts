/** The inputs of the vLLM adapter: the settings, the installation, the GPUs. Types only. */
import type { DeviceId } from '../../../shared/decision.ts';
import type { Settings } from '../../../shared/settings.ts';
import type { GpuFacts } from '../module.ts';
import type { VllmFound } from './architectures.ts';

export interface VllmFacts {
  readonly settings: Settings['vllm'];
  readonly install: VllmFound;
  /** Does the driver show GPUs, and which; in a sentence without its full stop. */
  readonly gpus: { readonly isPresent: boolean; readonly why: string };
  /**
   * Null: there is no such GPU. Neither figure ever changes, so that a plan is the same whenever it
   * is computed.
   */
  gpu(id: DeviceId): GpuFacts | null;
  /** Kept free on each GPU. */
  readonly reserveBytes: number;
  /** Idle models sleep before they leave (`sleep_after_idle_seconds`). */
  readonly sleeps: boolean;
  readonly cpuCores: number;
}
