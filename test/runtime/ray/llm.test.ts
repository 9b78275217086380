/** What `ray.serve.llm` is told of a model, by what the cluster is asked for. */
import { describe, expect, test } from 'vitest';
import { estimate } from '../../../main/runtime/ray/estimate.ts';
import { NOT_FOUND } from '../../../main/runtime/ray/find.ts';
import { llmOptions, planLlm } from '../../../main/runtime/ray/llm.ts';
import { plan } from '../../../main/runtime/ray/plan.ts';
import { prove } from '../../../main/runtime/ray/proof.ts';
import { HOST_DEVICE, type Placement } from '../../../shared/decision.ts';
import type { Endpoint } from '../../../shared/model.ts';
import type { ModelForm, ModelProfile } from '../../../shared/profile.ts';
import { type Settings, settingsSchema } from '../../../shared/settings.ts';
import { MIB } from '../../../shared/units.ts';
import { textProfile } from '../../helpers/core-box.ts';

const FORM: ModelForm = { kind: 'transformers', files: ['model.safetensors'], codeFiles: [] };
const KV = { bytesPerToken: 32 * 1024, bytesPerSequence: 0, groups: [], exact: true };
const PROFILE: ModelProfile = { ...textProfile(50 * MIB), kind: 'chat', forms: [FORM], kv: KV, contextLength: 100_000 };
const LAUNCH = { env: {}, trusted: false, deployment: { ray_actor_options: { num_cpus: 1 } } };
const CACHE = { kv_cache_memory_bytes: 2 * 8192 * KV.bytesPerToken };

const optionsOf = (
  launch: Partial<typeof LAUNCH> & { readonly env?: object },
  gpus: number,
  settings: { readonly context?: number } = {},
) => llmOptions(planLlm(PROFILE, settings), { ...LAUNCH, ...launch }, gpus);

test('a first answer that fails is told by its cause, out of a traceback with colours', () => {
  const colour = String.fromCharCode(27);
  const message = `Message: Internal exception: ${colour}[36mray::ServeReplica:x${colour}[39m (pid=1)\n  File "a.py", line 1\nEngineDeadError: EngineCore is gone.`;
  const endpoint: Endpoint = { at: { port: 1 }, key: null, protocol: 'openai', model: 'm', prefix: '/m/v1' };
  const first = (body: string) => {
    const steps = prove('m', endpoint, 'generate');
    for (let step = steps.next(); ; step = steps.next(step.value.do === 'http' ? { status: 500, body } : undefined))
      if (step.done === true) return;
  };
  expect(() => first(JSON.stringify({ error: { message } }))).toThrow(/failed: status 500: EngineDeadError: EngineCore is gone\.$/);
  expect(() => first('Internal Server Error')).toThrow(/status 500: Internal Server Error\.$/);
});

describe('vLLM on a cluster', () => {
  test.each<[string, object, number, object, readonly object[]]>([
    ['one GPU', {}, 1, {}, [{ GPU: 1 }]],
    ['a share of one', {}, 0.25, { gpu_memory_utilization: 0.225 }, [{ GPU: 0.25 }]],
    ['two GPUs', {}, 2, { tensor_parallel_size: 2 }, [{ GPU: 1 }, { GPU: 1 }]],
    ['processors', {}, 0, { ...CACHE, enforce_eager: true }, [{ CPU: 0 }]],
    [
      'processors of which none is set aside, as on a cluster of our own',
      { deployment: { ray_actor_options: { num_cpus: 0 } }, env: { CUDA_VISIBLE_DEVICES: '' } },
      0,
      { ...CACHE, enforce_eager: true },
      [{ CPU: 0.001 }],
    ],
    [
      'GPUs that the cluster does not count',
      { env: { CUDA_VISIBLE_DEVICES: '0,GPU-x' } },
      0,
      { ...CACHE, tensor_parallel_size: 2, gpu_memory_utilization: 0.05 },
      [{ CPU: 0 }],
    ],
  ])('%s', (_, launch, gpus, engine, bundles) => {
    expect(optionsOf(launch, gpus)).toEqual({
      engine_kwargs: { max_model_len: -1, ...engine },
      placement_group_config: { bundles },
    });
  });

  test('a context that a person names is the longest, and the cache is planned for it', () => {
    expect(optionsOf({}, 0, { context: 4096 })).toMatchObject({
      engine_kwargs: { max_model_len: 4096, kv_cache_memory_bytes: 2 * 4096 * KV.bytesPerToken },
    });
    expect(optionsOf({}, 0, { context: 128 })).toMatchObject({ engine_kwargs: { kv_cache_memory_bytes: 64 * MIB } });
  });

  test('code of its folder runs only where it is trusted', () => {
    expect(optionsOf({ trusted: true }, 1)).toMatchObject({ engine_kwargs: { trust_remote_code: true } });
    expect(optionsOf({}, 1)).not.toHaveProperty(['engine_kwargs', 'trust_remote_code']);
  });

  test('on a cluster of our own its cache and each of its processes count', () => {
    const settings = settingsSchema.parse({ models: { m: { ray: { llm: true, replicas: 2 } } } }) as Settings;
    const placement: Placement = { kind: 'cpu', gpus: [], gpuLayers: null };
    const found = { found: NOT_FOUND, settings: settings.ray_serve, server: 'server:ray' };
    const planned = plan(found, PROFILE, FORM, placement, { ...settings.models['m'], path: '/m' });
    expect(planned.parallelSequences).toBe(2 * 64);
    const { bytes } = estimate(PROFILE, planned);
    expect(bytes[HOST_DEVICE]).toBe(2 * (Math.ceil(50 * MIB * 1.15 + CACHE.kv_cache_memory_bytes) + 3600 * MIB));
  });
});
