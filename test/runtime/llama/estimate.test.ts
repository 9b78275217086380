/**
 * Predicted bytes against what llama.cpp v0.4.0 logged on this very file and context, recorded; the
 * live ones are in test/embedded/memory.test.ts.
 */
import { describe, expect, test } from 'vitest';
import { estimate, kvBytes } from '../../../main/runtime/llama/estimate.ts';
import { gpuLayersOf } from '../../../main/runtime/llama/layers.ts';
import { planOf as launchOf } from '../../../main/runtime/llama/plan.ts';
import type { LaunchPlan, Placement } from '../../../shared/decision.ts';
import { kvCostOf, type ModelProfile } from '../../../shared/profile.ts';
import { MIB } from '../../../shared/units.ts';
import { SMOLLM2, TINY, TINY_BERT } from './profiles.ts';

const CPU: Placement = { kind: 'cpu', gpus: [], gpuLayers: null };

function planOf(contextTokens: number, parallelSequences: number, placement: Placement = CPU): LaunchPlan {
  return { runtime: 'llama', form: 'gguf', file: 'm.gguf', placement, contextTokens, parallelSequences, args: [], env: {} };
}

const part = (profile: ModelProfile, plan: LaunchPlan) =>
  estimate(profile, plan).parts as Record<string, number> & Record<'model' | 'repacked' | 'kv' | 'compute', number>;

describe('on the CPU', () => {
  /** Profile, context, sequences; then MiB as logged: model, KV, compute + output. */
  test.each<[string, ModelProfile, number, number, number, number, number]>([
    ['SmolLM2', SMOLLM2, 2048, 1, 92.1, 45, 102.51 + 0.19],
    ['SmolLM2', SMOLLM2, 2048, 4, 92.1, 180, 102.51 + 0.75],
    ['SmolLM2', SMOLLM2, 8192, 4, 92.1, 720, 98.25 + 0.75],
    ['SmolLM2', SMOLLM2, 512, 4, 92.1, 45, 98.25 + 0.75],
    ['SmolLM2, rounded up to 256 cells each', SMOLLM2, 100, 4, 92.1, 22.5, 98.25 + 0.75],
    ['SmolLM2', SMOLLM2, 4096, 8, 92.1, 720, 98.25 + 1.5],
    ['tiny', TINY, 2048, 4, 0.44, 2, 3.02],
    ['tiny', TINY, 8192, 4, 0.44, 8, 9.02],
    ['tiny', TINY, 1024, 4, 0.44, 1, 2.02],
    ['tiny', TINY, 512, 4, 0.44, 0.5, 1.52],
    ['tiny encoder', TINY_BERT, 512, 1, 0.41, 0, 1.2],
  ])('%s (%#): within 10 %% of the buffers', (_, profile, context, sequences, model, kv, compute) => {
    // 100 tokens become a batch of 100 for our rule and of 400 for the server's four sequences:
    // below 512 tokens only the sum is promised.
    const parts = part(profile, planOf(context, sequences));
    expect(parts.kv).toBeCloseTo(kv * MIB, -1);
    if (context < 512) return;
    const predicted = parts.model + parts.repacked + parts.kv + parts.compute;
    expect(Math.abs(predicted / ((model + kv + compute) * MIB) - 1)).toBeLessThan(0.1);
  });

  test('types that llama.cpp rearranges count twice in the layers', () => {
    const q4 = { ...TINY, weightBytesByType: { Q4_0: 400_000 } };
    expect(part(q4, planOf(512, 1)).repacked).toBe(295_936);
    expect(part(TINY, planOf(512, 1)).repacked).toBe(0);
  });
});

describe('on GPUs', () => {
  const gpu = (kind: 'gpu' | 'split', gpuLayers: number | null, gpus = ['GPU-a']): Placement => ({ kind, gpus, gpuLayers });

  test('all layers: weights, cache and scratch leave the host, the token embeddings stay', () => {
    const whole = estimate(SMOLLM2, planOf(2048, 4, gpu('gpu', null)));
    const host = estimate(SMOLLM2, planOf(2048, 4));
    expect(whole.bytes['cpu']).toBeLessThan(host.bytes['cpu']! / 2);
    // The output is tied to the embeddings: the GPU has a copy of its own.
    expect(whole.parts['model']).toBe(SMOLLM2.weightBytes + SMOLLM2.inputBytes);
    expect(whole.bytes['GPU-a']).toBeGreaterThan(SMOLLM2.weightBytes + 180 * MIB + 512 * MIB);
  });

  test('more layers on the GPU: more there and less on the host, and nothing is lost', () => {
    const seen = [1, 6, 11, 21, 31].map((layers) => estimate(SMOLLM2, planOf(2048, 4, gpu('split', layers))));
    for (const [index, next] of seen.slice(1).entries()) {
      expect(next.bytes['GPU-a']).toBeGreaterThan(seen[index]!.bytes['GPU-a']!);
      expect(next.bytes['cpu']).toBeLessThan(seen[index]!.bytes['cpu']!);
      expect(next.parts['kv']).toBe(seen[index]!.parts['kv']);
    }
    expect(gpuLayersOf(SMOLLM2, gpu('gpu', null))).toBe(31);
    expect(seen.at(-1)!.bytes).toEqual(estimate(SMOLLM2, planOf(2048, 4, gpu('gpu', null))).bytes);
  });

  test('several GPUs share, each with a context of its own, and a note says what is assumed', () => {
    const one = estimate(SMOLLM2, planOf(2048, 4, gpu('gpu', null)));
    const two = estimate(SMOLLM2, planOf(2048, 4, gpu('gpu', null, ['GPU-a', 'GPU-b'])));
    expect(two.bytes['GPU-a']).toBe(two.bytes['GPU-b']);
    expect(two.bytes['GPU-a']).toBeLessThan(one.bytes['GPU-a']!);
    expect(two.notes.join()).toMatch(/equal shares/);
  });
});

test('recurrent states count by sequence, and an upper bound says so', () => {
  const hybrid = { ...SMOLLM2, kv: { bytesPerToken: 10, bytesPerSequence: 1000, exact: false, groups: [] } };
  expect(kvBytes(hybrid, 256, 3)).toBe(3 * (2560 + 1000));
  expect(estimate(hybrid, planOf(256, 3)).notes.join()).toMatch(/upper bound/);
});

describe('the types of the cache that the arguments name', () => {
  const kv = (...args: readonly string[]) => kvBytes(SMOLLM2, 2048, 1, args) / kvBytes(SMOLLM2, 2048, 1);

  test.each([
    [['--cache-type-k', 'q8_0', '--cache-type-v', 'q8_0'], 34 / 64],
    [['--cache-type-k', 'q4_0'], (18 / 64 + 1) / 2],
    [['-ctv', 'f32'], 1.5],
    [['--cache-type-k', 'f32', '--cache-type-k', 'bf16'], 1],
    [['--cache-type-k', 'nonsense'], 1],
    [['--flash-attn', 'on', '--cache-type-k'], 1],
  ])('%j: %d of what 16 bits take', (args, share) => expect(kv(...args)).toBe(share));

  test('more sequences fit into the same memory', () => {
    // 32 heads of their own, as old models have: four sequences of 8,192 tokens would take 16 GiB.
    const group = { kind: 'full' as const, layers: 32, bytesPerToken: 512 * 1024, bytesPerSequence: 0, windowTokens: null };
    const old = { ...SMOLLM2, kv: kvCostOf([group], true), contextLength: 8192, weightBytes: 4 * 1024 ** 3 };
    const sequences = (...args: readonly string[]) =>
      launchOf(old, SMOLLM2.forms[0]!, CPU, {}, { args: [...args], env: {} }).parallelSequences;
    expect(sequences()).toBe(1);
    expect(sequences('--cache-type-k', 'q8_0', '--cache-type-v', 'q4_0')).toBe(2);
  });
});

test('a projector beside the model is not loaded, and the plan says so', () => {
  const form = { ...SMOLLM2.forms[0]!, companions: [{ role: 'projector' as const, file: 'mmproj.gguf' }] };
  const plan = planOf(512, 1);
  expect(estimate({ ...SMOLLM2, forms: [form] }, plan).notes.join(' ')).toMatch(/reads no images here/);
  expect(estimate(SMOLLM2, plan).notes.join(' ')).not.toMatch(/Images/);
});
