import { describe, expect, it } from 'vitest';
import { correctedEstimate, expectedLoadSeconds } from '../../main/core/decide/estimate.ts';
import { planHash } from '../../main/core/decide/plan-hash.ts';
import type { Measurement } from '../../main/core/ports.ts';
import type { LaunchPlan } from '../../shared/decision.ts';
import { factInWords } from '../../shared/reason-words.ts';
import { GIB } from '../../shared/units.ts';
import { form, planner, profile } from './brain-fixtures.ts';

const llama = planner();
const model = profile(10);
const onGpu = llama.plan(model, form('gguf'), { kind: 'gpu', gpus: ['G'], gpuLayers: null }, {});
const onCpu = llama.plan(model, form('gguf'), { kind: 'cpu', gpus: [], gpuLayers: null }, {});

function measured(plan: LaunchPlan, bytes: Record<string, number>, change: Partial<Measurement> = {}): Measurement {
  const { bytes: predicted } = llama.estimate(model, plan);
  return { modelId: 'm', runtime: 'llama', planHash: planHash(plan), predicted, measured: bytes, loadSeconds: 4, ...change };
}

const elsewhere = { planHash: 'another' };
const other = (gib: number) => measured(onGpu, { G: gib * GIB }, { modelId: 'other', ...elsewhere });

describe('correctedEstimate', () => {
  it.each<[string, LaunchPlan, Measurement[], number, RegExp | null]>([
    ['nothing measured', onGpu, [], 10, null],
    ['the same plan: what it took', onGpu, [measured(onGpu, { G: 12 * GIB })], 12, /x 1\.20 \(earlier loads of this plan took that\)/],
    ['the same plan: the most of the last few', onGpu, [measured(onGpu, { G: 9 * GIB }), measured(onGpu, { G: 11 * GIB })], 11, /1\.10/],
    ['the same plan: at most twice', onGpu, [measured(onGpu, { G: 50 * GIB })], 20, /the largest correction that is allowed/],
    ['the same plan: not below four fifths', onGpu, [measured(onGpu, { G: GIB })], 8, /0\.80/],
    ['another plan: a hint', onGpu, [measured(onGpu, { G: 14 * GIB }, elsewhere)], 14, /another plan/],
    ['another plan: hardly less', onGpu, [measured(onGpu, { G: 5 * GIB }, elsewhere)], 9, /0\.90/],
    ['other models: from three on', onGpu, [other(12), other(12)], 10, null],
    ['other models: the median', onGpu, [other(12), other(30), other(11)], 12, /other models/],
    ['another runtime', onGpu, [measured(onGpu, { G: 14 * GIB }, { runtime: 'vllm' })], 10, null],
    ['a driver that tells nothing', onGpu, [measured(onGpu, { G: 0 })], 10, null],
    ['the CPU learns from the CPU', onCpu, [measured(onCpu, { cpu: 11 * GIB })], 11, /main memory/],
    ['and not from beside a GPU', onCpu, [measured(onGpu, { G: 10 * GIB, cpu: 30 * GIB }, elsewhere)], 10, null],
  ])('%s', (_name, plan, measurements, gib, note) => {
    const { bytes, corrections } = correctedEstimate(llama, model, plan, 'm', measurements);
    expect(Object.values(bytes)[0]! / GIB).toBeCloseTo(gib, 6);
    if (note === null) expect(corrections).toEqual([]);
    else expect(corrections.map((one) => factInWords(one)).join()).toMatch(note);
  });

  it('does not swing: a second measurement of the same plan gives the same answer', () => {
    const once = correctedEstimate(llama, model, onGpu, 'm', [measured(onGpu, { G: 12 * GIB })]);
    const twice = correctedEstimate(llama, model, onGpu, 'm', [
      measured(onGpu, { G: 12 * GIB }, { predicted: once.bytes }),
      measured(onGpu, { G: 12 * GIB }),
    ]);
    expect(twice.bytes).toEqual(once.bytes);
  });
});

describe('expectedLoadSeconds', () => {
  it.each<[string, Measurement[], number | null]>([
    ['nothing known', [], null],
    [
      'its own loads',
      [
        measured(onGpu, { G: GIB }, { loadSeconds: 3 }),
        measured(onGpu, { G: GIB }, { loadSeconds: 9 }),
        measured(onGpu, { G: GIB }, { loadSeconds: 5 }),
      ],
      5,
    ],
    ['by the bytes of others', [{ ...other(5), loadSeconds: 10 }], 20],
    ['other runtimes tell nothing', [{ ...other(5), runtime: 'vllm' }], null],
  ])('%s', (_name, measurements, seconds) => {
    expect(expectedLoadSeconds('m', 'llama', { G: 10 * GIB }, measurements)).toBe(seconds);
  });
});

describe('planHash', () => {
  it('tells every field apart, and not the order of environment variables', () => {
    const plans: LaunchPlan[] = [
      onGpu,
      onCpu,
      { ...onGpu, runtime: 'vllm' },
      { ...onGpu, form: 'onnx' },
      { ...onGpu, file: 'other.gguf' },
      { ...onGpu, placement: { ...onGpu.placement, gpus: ['H'] } },
      { ...onGpu, placement: { kind: 'split', gpus: ['G'], gpuLayers: 3 } },
      { ...onGpu, contextTokens: 1 },
      { ...onGpu, parallelSequences: 2 },
      { ...onGpu, args: ['--a', 'b'] },
      { ...onGpu, args: ['--a b'] },
      { ...onGpu, env: { A: '1' } },
    ];
    expect(new Set(plans.map(planHash)).size).toBe(plans.length);
    expect(planHash({ ...onGpu, env: { A: '1', B: '2' } })).toBe(planHash({ ...onGpu, env: { B: '2', A: '1' } }));
    expect(planHash(onGpu)).toMatch(/^[0-9a-f]{16}$/);
  });
});
