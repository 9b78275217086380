/**
 * Who sleeps or leaves for idleness: sleeping takes room in main memory and a process that can, and
 * neither happens beside a load on the same GPU.
 */
import { expect, test } from 'vitest';
import { Idleness, type IdlenessPorts } from '../../main/core/memory/idleness.ts';
import { Registry } from '../../main/core/registry.ts';
import { Usage } from '../../main/core/usage.ts';
import type { LaunchPlan } from '../../shared/decision.ts';
import { settingsSchema } from '../../shared/settings.ts';
import { GIB } from '../../shared/units.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';
import { profile } from './brain-fixtures.ts';

const PLAN: LaunchPlan = {
  runtime: 'vllm',
  form: 'transformers',
  file: 'config.json',
  contextTokens: 1,
  parallelSequences: 1,
  args: [],
  env: {},
  placement: { kind: 'gpu', gpus: ['g'], gpuLayers: null },
};

interface IdleBox {
  readonly freeGib: number;
  readonly canSleep?: boolean;
  readonly loading?: string;
}

/** Who is asleep, or unloaded, after a minute and a bit in which nobody asked. */
async function idleAfter(box: IdleBox, policy: string): Promise<Record<'slept' | 'unloaded', readonly string[]>> {
  const clock = createVirtualClock();
  const registry = new Registry();
  registry.add({ id: 'a', aliases: [], path: '/a', realPath: '/a', kind: 'folder', added: false, device: 1, inode: 1, files: [] });
  const copy = { bytesPresent: 0, bytesExpected: null, missing: [] };
  registry.apply('a', { type: 'listed', copy });
  registry.update('a', { profile: profile(10) });
  registry.apply('a', { type: 'analyzed' });
  registry.apply('a', { type: 'queued', sinceMs: 0, why: '' });
  registry.apply('a', { type: 'granted', plan: PLAN, decisionId: 1, predicted: { g: 12 * GIB }, sinceMs: 0 });
  const endpoint = { at: { port: 1 }, key: null, protocol: 'openai', model: 'a', prefix: '/v1' } as const;
  registry.apply('a', { type: 'loaded', endpoint, devices: ['g'], measured: {}, pids: [1], sinceMs: 0, loadSeconds: 1 });
  const slept: string[] = [];
  const unloaded: string[] = [];
  const settings = settingsSchema.parse({ orchestration: { policies: { [policy]: 60 } } });
  const usage = new Usage();
  const rooms = [
    { id: 'g', kind: 'gpu', loading: box.loading ?? null, availableBytes: 0 },
    { id: 'cpu', kind: 'host', loading: null, availableBytes: box.freeGib * GIB },
  ];
  const idleness = new Idleness({
    registry,
    usage,
    clock,
    settings: () => settings,
    devices: { rooms: () => rooms },
    doer: {
      canSleep: () => box.canSleep ?? true,
      sleepModel: async (id: string) => void slept.push(id),
      unloadModel: async (id: string) => void unloaded.push(id),
    },
    decisionLog: { write: () => 1 },
    log: { say: () => {} },
    facts: { registry, usage, settings: () => settings, inFlight: () => 0 },
  } as unknown as IdlenessPorts);
  idleness.follow(false);
  await clock.advance(59_000);
  expect([slept, unloaded]).toEqual([[], []]);
  await clock.advance(3_000);
  idleness.close();
  return { slept: slept.slice(0, 1), unloaded: unloaded.slice(0, 1) };
}

const asleepAfter = async (box: IdleBox) => (await idleAfter(box, 'sleep_after_idle_seconds')).slept;
const unloadedAfter = async (box: IdleBox) => (await idleAfter(box, 'evict_after_idle_seconds')).unloaded;

test('an idle one sleeps, where main memory has room for its weights', async () => {
  expect(await asleepAfter({ freeGib: 11 })).toEqual(['a']);
  expect(await asleepAfter({ freeGib: 9 })).toEqual([]);
});

test('not one whose process was not started for it, and not beside a load on its GPU', async () => {
  expect(await asleepAfter({ freeGib: 11, canSleep: false })).toEqual([]);
  expect(await asleepAfter({ freeGib: 11, loading: 'other' })).toEqual([]);
});

test('an idle one is not unloaded beside a load on its GPU, whose profiling would count what it gives back; elsewhere it is', async () => {
  expect(await unloadedAfter({ freeGib: 11 })).toEqual(['a']);
  expect(await unloadedAfter({ freeGib: 11, loading: 'other' })).toEqual([]);
});
