/** How the layers of a model are divided between GPUs and host, as llama.cpp does it. Pure. */
import type { LaunchPlan } from '../../../shared/decision.ts';
import type { ModelProfile } from '../../../shared/profile.ts';

/**
 * `gpuLayers` counts as llama.cpp's flag does: the output layer first, then the repeating ones from
 * the last one on. `layers`: 0..1 of them.
 */
export function shareOf(profile: ModelProfile, gpuLayers: number) {
  const total = profile.layerBytes.length;
  const onGpu = Math.min(total, Math.max(0, gpuLayers - 1));
  const gpuLayerBytes = onGpu === 0 ? 0 : profile.layerBytes.slice(-onGpu).reduce((total, bytes) => total + bytes, 0);
  const output = outputOf(profile);
  if (gpuLayers === 0) return { layers: 0, gpuWeights: 0, hostWeights: profile.weightBytes };
  return {
    layers: total === 0 ? 1 : onGpu / total,
    gpuWeights: gpuLayerBytes + output,
    hostWeights: profile.weightBytes - gpuLayerBytes - profile.outputBytes,
  };
}

/**
 * Without an output matrix of its own (only a norm) a copy of the token embeddings serves as one;
 * they themselves stay on the host.
 */
export function outputOf({ outputBytes, inputBytes }: ModelProfile): number {
  return outputBytes + (outputBytes < inputBytes / 8 ? inputBytes : 0);
}

/** Number for `--n-gpu-layers`. */
export function gpuLayersOf(profile: ModelProfile, placement: LaunchPlan['placement']): number {
  switch (placement.kind) {
    case 'cpu':
    case 'elsewhere':
      return 0;
    case 'gpu':
      return (profile.layers ?? profile.layerBytes.length) + 1;
    case 'split':
      return placement.gpuLayers ?? 0;
    default:
      return placement.kind satisfies never;
  }
}
