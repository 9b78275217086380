/** Time of one decision at 1,000 resident models on 8 GPUs, in the cases that look at the most. */
import { decide } from '../../main/core/decide/brain.ts';
import { GIB } from '../../shared/units.ts';
import { gpu, host, NOW_MS, planner, profile, question, resident, runtime } from '../core/brain-fixtures.ts';
import { type BenchOptions, quantile, type Row } from './kit.ts';

const MODELS = 1_000;
const GPUS = 8;
const GPU_GIB = 24;
const RUNS = 500;
const WARM_UP = 100;

interface Case {
  readonly what: string;
  readonly modelGib: number;
  readonly groups: boolean;
  readonly allBusy: boolean;
  readonly somePinned: boolean;
}

const CASES: readonly Case[] = [
  { what: 'fits after victims leave', modelGib: 8, groups: false, allBusy: false, somePinned: true },
  { what: 'needs a group of GPUs', modelGib: 40, groups: true, allBusy: false, somePinned: true },
  { what: 'split between GPU and CPU', modelGib: 30, groups: false, allBusy: false, somePinned: true },
  { what: 'waits, everybody is busy', modelGib: 20, groups: false, allBusy: true, somePinned: false },
];

/** Seeded, so that each run of the bench decides the same questions. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function questionFor({ modelGib, groups, allBusy, somePinned }: Case, random: () => number): ReturnType<typeof question> {
  const below = (limit: number): number => Math.floor(random() * limit);
  const residents = Array.from({ length: MODELS }, (_, index) =>
    resident(
      `m${index}`,
      { [`GPU-${index % GPUS}`]: 0.01 + random() * 0.3, cpu: 0.01 },
      {
        loadSeconds: below(60),
        lastUsedMs: NOW_MS - below(900_000),
        inFlight: allBusy || below(10) === 0 ? 1 : 0,
        pinned: somePinned && below(20) === 0,
      },
    ),
  );
  const free = (device: string, gib: number): number => gib * GIB - residents.reduce((sum, each) => sum + (each.held[device] ?? 0), 0);
  const gpus = Array.from({ length: GPUS }, (_, index) => gpu(index, GPU_GIB, { availableBytes: free(`GPU-${index}`, GPU_GIB) }));
  return question({
    residents,
    devices: [...gpus, host(256, { availableBytes: free('cpu', 256) })],
    profile: profile(modelGib),
    runtimes: [runtime({}, planner({ groups, splits: true }, 0.01)), runtime({}, planner({ id: 'vllm', groups, splits: false }, 0.01))],
    measurements: Array.from({ length: 40 }, (_, index) => ({
      modelId: `m${index}`,
      runtime: 'llama' as const,
      planHash: 'x',
      loadSeconds: 5,
      predicted: { 'GPU-0': GIB },
      measured: { 'GPU-0': GIB * 1.01 },
    })),
  });
}

export async function brain(_options: BenchOptions): Promise<readonly Row[]> {
  return CASES.map((each) => {
    const random = randomFrom(7);
    const times: number[] = [];
    for (let run = 0; run < RUNS + WARM_UP; run += 1) {
      const asked = questionFor(each, random);
      const began = performance.now();
      decide(asked);
      if (run >= WARM_UP) times.push(performance.now() - began);
    }
    const value = quantile(times, 0.99);
    return { what: `brain: ${each.what}, p99`, unit: 'ms', value, bar: '<= 2 ms', within: value <= 2 };
  });
}
