/** What modelium.yaml may say of a single model: `models.NAME`. A part of `settings.ts`. */
import { z } from 'zod';
import { imageInputs } from './settings-images.ts';
import { rayModel } from './settings-ray.ts';
import { tritonModel } from './settings-triton.ts';

/** By index, as nvidia-smi counts, or by UUID. */
export const gpuNames = z.array(z.union([z.number().int().nonnegative(), z.string()]));

export const model = z.strictObject({
  pin: z
    .boolean()
    .optional()
    .meta({ description: 'Whether the model stays loaded until a person unloads it; left out: false.', examples: [true] }),
  gpus: gpuNames.optional().meta({ description: 'The GPUs that it may use, by index or UUID; left out: any.', examples: [[0, 1]] }),
  context: z
    .number()
    .int()
    .positive()
    .optional()
    .meta({ description: 'Its context, in tokens; left out: as much as fits.', examples: [8192] }),
  parallel: z
    .number()
    .int()
    .positive()
    .max(1024)
    .optional()
    .meta({
      description:
        'How many requests llama.cpp or vLLM works on side by side; left out: up to 4 for llama.cpp (fewer if their caches are large), 64 for vLLM (16 on the CPU).',
      examples: [2],
    }),
  memory_mb: z
    .number()
    .int()
    .positive()
    .optional()
    .meta({
      description: 'MiB of memory that replace the estimate for this model; left out: the estimate.',
      examples: [6000],
    }),
  evict_after_idle_seconds: z
    .number()
    .nonnegative()
    .optional()
    .meta({ description: 'Its own idle time in seconds, in place of that of orchestration.policies.', examples: [3600] }),
  aliases: z
    .array(z.string())
    .optional()
    .meta({ description: 'More names that it answers to; left out: none.', examples: [['gpt-4o-mini']] }),
  runtime: z
    .string()
    .optional()
    .meta({
      description: 'The runtime that serves it: llama, vllm, triton, ray or one of `runtimes`; left out: the one that suits it best.',
      examples: ['vllm'],
    }),
  quantization: z
    .string()
    .optional()
    .meta({
      description: 'Which of several quantisations in its folder is served, such as Q4_K_M; left out: the best that fits.',
      examples: ['Q4_K_M'],
    }),
  args: z
    .array(z.string())
    .optional()
    .meta({
      description: 'Arguments added to the command line of its process (for Triton: lines added to its config.pbtxt); left out: none.',
      examples: [['--threads', '8']],
      fileOnly: true,
    }),
  image_inputs: imageInputs,
  triton: tritonModel,
  ray: rayModel,
});
