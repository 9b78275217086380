/**
 * What the engine predicted of real loads, against llama.cpp's own buffers in its words, at two
 * contexts; and what the ledger keeps of both.
 */
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memoryReport } from '../main/embedded/llama/memory-lines.ts';
import { modeliumFolders } from '../main/io/folders.ts';
import { sampleModelPath } from '../main/io/sample-model.ts';
import { estimate } from '../main/runtime/llama/estimate.ts';
import type { DecisionRow } from '../shared/decision.ts';
import { eventually } from './helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { HAS_AMX } from './helpers/this-cpu.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

const SAMPLE = sampleModelPath(modeliumFolders().cache);
/** The real model too where the demo has fetched it. */
const MODELS = ['small', 'large', 'encoder', ...(existsSync(SAMPLE) ? ['sample'] : [])];
const CONTEXTS = [512, 2_048];

/** Without a correction by earlier loads, and with the runtime's words of this load alone. */
interface Compared {
  readonly predicted: { readonly model: number; readonly kv: number; readonly compute: number };
  readonly logged: { readonly model: number; readonly kv: number; readonly compute: number };
}

let live: LiveEngine;
const settings = (context: number) => ({
  orchestration: { policies: { load: 'on_request' } },
  models: Object.fromEntries(MODELS.map((id) => [id, id === 'encoder' ? {} : { context }])),
});

beforeAll(async () => {
  live = await startLiveEngine({
    settings: settings(CONTEXTS[0]!),
    prepare: async ({ watch }) => {
      await writeTinyGguf(watch, { name: 'small', weights: 'F32', contextTokens: 4_096 });
      await writeTinyGguf(watch, { name: 'large', weights: 'Q8_0', layers: 8, minimumBytes: 4_000_000, contextTokens: 4_096 });
      await writeTinyGguf(watch, { name: 'encoder', kind: 'bert', contextTokens: 512 });
      if (MODELS.includes('sample')) symlinkSync(SAMPLE, join(watch, 'sample.gguf'));
    },
  });
  for (const id of MODELS) await live.comesTo(id, 'unloaded');
});

afterAll(() => live.close());

async function load(id: string): Promise<Compared & { readonly predictedBytes: number; readonly estimated: number }> {
  expect((await live.predict(id, id === 'encoder' ? { input: 'Hello' } : undefined)).status).toBe(200);
  const { profile, plan, predictedBytes } = await live.comesTo(id, 'ready');
  const { bytes, parts } = estimate(profile!, plan!, HAS_AMX);
  const own = parts as Readonly<Record<'model' | 'repacked' | 'kv' | 'compute', number>>;
  // Said once the first answer is out, at the latest.
  const { modelBytes, kvBytes, computeBytes } = await eventually('llama.cpp says what it took', async () => {
    const { lines } = (await live.control('GET', `/control/logs?model=${id}`)).json as { readonly lines: readonly string[] };
    const report = memoryReport(lines.slice(lines.findLastIndex((line) => line.includes('loading again')) + 1));
    return report.modelBytes > 0 && report.computeBytes > 0 ? report : null;
  });
  return {
    predicted: { model: own.model + own.repacked, kv: own.kv, compute: own.compute },
    logged: { model: modelBytes, kv: kvBytes, compute: computeBytes },
    predictedBytes: predictedBytes?.['cpu'] ?? 0,
    estimated: bytes['cpu'] ?? 0,
  };
}

const total = ({ model, kv, compute }: Compared['predicted']) => model + kv + compute;

describe('predicted within 10 % of llama.cpp’s own buffers', () => {
  const first = new Map<string, Compared>();

  test('at the first context, by the bytes that the decision promised', async () => {
    for (const id of MODELS) {
      const seen = await load(id);
      first.set(id, seen);
      expect(Math.abs(total(seen.predicted) / total(seen.logged) - 1), id).toBeLessThan(0.1);
      // Other models' loads may correct it a little; none of this model's is known yet.
      expect(seen.predictedBytes / seen.estimated, id).toBeGreaterThanOrEqual(0.9);
    }
  });

  test('at the second context, after the settings changed under them: the cache grows, the weights do not', async () => {
    await live.set(settings(CONTEXTS[1]!));
    for (const id of MODELS.filter((each) => each !== 'encoder')) {
      const seen = await load(id);
      expect(Math.abs(total(seen.predicted) / total(seen.logged) - 1), id).toBeLessThan(0.1);
      const before = first.get(id)!;
      const grown = seen.logged.kv - before.logged.kv;
      expect(grown, id).toBeGreaterThan(0);
      expect(Math.abs((seen.predicted.kv - before.predicted.kv) / grown - 1), id).toBeLessThan(0.1);
      expect(seen.logged.model, id).toBe(before.logged.model);
    }
  });

  test('each load’s row in the ledger has what was predicted, what was measured, and the seconds', async () => {
    const { decisions } = (await live.control('GET', '/control/decisions?limit=100')).json as {
      readonly decisions: readonly DecisionRow[];
    };
    const loads = decisions.filter(({ action }) => action === 'load');
    expect(new Set(loads.map(({ modelId }) => modelId))).toEqual(new Set(MODELS));
    for (const { outcome, modelId } of loads) {
      expect(outcome, modelId ?? '').toMatchObject({ ok: true, seconds: expect.any(Number) });
      expect(outcome?.predictedBytes?.['cpu']).toBeGreaterThan(0);
      expect(outcome?.measuredBytes?.['cpu']).toBeGreaterThan(0);
      // What llama.cpp itself says of its weights, cache and scratch memory.
      const { modelBytes, kvBytes, computeBytes } = outcome?.reportedBytes?.['cpu'] ?? { modelBytes: 0, kvBytes: 0, computeBytes: 0 };
      expect(modelBytes, modelId ?? '').toBeGreaterThan(100_000);
      expect(kvBytes > 0, modelId ?? '').toBe(modelId !== 'encoder');
      expect(computeBytes).toBeGreaterThan(0);
    }
  });
});
