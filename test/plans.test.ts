/**
 * What a person may say of a launch, and what the brain says of it: pure, without an engine. The
 * window's side is test/browser/plan.test.ts.
 */
import { describe, expect, test } from 'vitest';
import { decide } from '../main/core/decide/brain.ts';
import { estimate } from '../main/runtime/llama/estimate.ts';
import { planOf as llamaPlan } from '../main/runtime/llama/plan.ts';
import type { VllmFacts } from '../main/runtime/vllm/facts.ts';
import { planOf as vllmPlan } from '../main/runtime/vllm/plan.ts';
import type { Placement } from '../shared/decision.ts';
import { cacheFor, namedParts, partsInWords } from '../shared/memory-parts.ts';
import { sentenceOf } from '../shared/reason-words.ts';
import { DEFAULT_SETTINGS } from '../shared/settings.ts';
import { GIB, MIB } from '../shared/units.ts';
import { form, gpu, host, profile, question } from './core/brain-fixtures.ts';
import { SMOLLM2 } from './runtime/llama/profiles.ts';

const CPU: Placement = { kind: 'cpu', gpus: [], gpuLayers: null };
const NOTHING_OWN = { args: [], env: {} };

test('models.NAME.parallel: requests side by side, on llama.cpp and vLLM', () => {
  const llama = llamaPlan(SMOLLM2, form('gguf'), CPU, { context: 2048, parallel: 7 }, NOTHING_OWN);
  expect(llama.parallelSequences).toBe(7);
  expect(llama.args.join(' ')).toContain('--ctx-size 14336 --parallel 7');
  const facts = { settings: DEFAULT_SETTINGS.vllm, gpu: () => null, sleeps: false, reserveBytes: 0 } as unknown as VllmFacts;
  expect(vllmPlan(facts, profile(1), form('transformers'), CPU, { parallel: 7 }).args.join(' ')).toContain('--max-num-seqs 7');
});

describe('why a small model takes much', () => {
  // What llama.cpp logged for this file with 8,192 tokens and four sequences: 92.1 MiB of weights,
  // 720 MiB of cache (test/runtime/llama/estimate.test.ts).
  test('the cache is told apart from the weights, and the parts add up', () => {
    const plan = llamaPlan(SMOLLM2, form('gguf'), CPU, {}, NOTHING_OWN);
    const { bytes, parts } = estimate(SMOLLM2, plan);
    const named = new Map(namedParts(parts).map((each) => [each.name, each.bytes / MIB]));
    expect(named.get('weights')).toBeCloseTo(92.1, 0);
    expect(named.get('cache of the context')).toBeCloseTo(720, 0);
    expect(cacheFor(plan)).toBe('8,192 tokens for each of 4 requests');
    expect(partsInWords({ parts, bytesNeeded: bytes })).toMatch(/^1\.0 GiB: 92 MiB weights, .*720 MiB cache of the context, /);
  });

  test('what earlier loads took beside the arithmetic is a part of its own', () => {
    const parts = { model: 100 * MIB, learned: -20 * MIB };
    expect(partsInWords({ parts, bytesNeeded: { cpu: 80 * MIB } })).toBe(
      '80 MiB: 100 MiB weights, 20 MiB less, because earlier loads took less',
    );
    expect(partsInWords({ bytesNeeded: { cpu: MIB } })).toBe(null);
  });
});

test('models.NAME.memory_mb: a person’s word in place of the estimate, told in the reason', () => {
  const box = { devices: [gpu(0, 24), host(16)], profile: profile(40, { layers: null }) };
  const refused = decide(question(box));
  expect(refused).toMatchObject({ kind: 'refuse', refusal: 'too-large' });
  const placed = decide(question({ ...box, settings: { memory_mb: 20 * 1024 } }));
  expect(placed).toMatchObject({ kind: 'place', candidate: { bytesNeeded: { 'GPU-0': 20 * GIB } } });
  // On the record: the ledger keeps this reason with its row.
  expect(sentenceOf(placed.because)).toContain('the settings say 20.0 GiB in place of the estimate of 40.0 GiB');
});
