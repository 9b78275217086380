import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Devices, heldBytes, slotsOf } from '../../main/core/memory/devices.ts';
import type { Holder } from '../../main/core/memory/gpu-room.ts';
import type { DeviceSample } from '../../main/core/ports.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../shared/settings.ts';
import { MIB } from '../../shared/units.ts';

let holders: Holder[];
let settings: Pick<Settings, 'gpus' | 'host'>;
let devices: Devices;

beforeEach(() => {
  holders = [];
  settings = { gpus: { ...DEFAULT_SETTINGS.gpus, reserve_mb: 100 }, host: { reserve_mb: 100, memory_limit_mb: null } };
  devices = new Devices({ settings: () => settings, holders: () => holders });
});

function device(id: string, usedMib: number, byPid: Record<number, number> | null, change: Partial<DeviceSample> = {}): DeviceSample {
  const kind = id === 'cpu' ? 'host' : 'gpu';
  return {
    id,
    kind,
    index: kind === 'gpu' ? Number(id.slice(1)) : null,
    name: id,
    simulated: true,
    totalBytes: 1_000 * MIB,
    usedBytes: usedMib * MIB,
    byPid: mapOf(byPid),
    utilizationRatio: null,
    powerWatts: null,
    temperatureCelsius: null,
    computeCapability: null,
    ...change,
  };
}

function mapOf(byPid: Record<number, number> | null): Map<number, number> | null {
  return byPid === null ? null : new Map(Object.entries(byPid).map(([pid, mib]) => [Number(pid), mib * MIB]));
}

function holder(modelId: string, pid: number, held: Record<string, number>): Holder {
  return { modelId, pids: [pid], held: Object.fromEntries(Object.entries(held).map(([id, mib]) => [id, mib * MIB])) };
}

const sample = (atMs: number, ...all: DeviceSample[]) => devices.applySample({ atMs, devices: all });
const availableMib = (id: string) => devices.rooms().find((room) => room.id === id)!.availableBytes / MIB;
const loading = (id: string) => devices.rooms().some((room) => room.id === id && room.loading !== null);
const grant = (modelId: string, mib: number, id = 'G0', victims: string[] = []) =>
  devices.grant({ modelId, bytes: { [id]: mib * MIB }, slots: [id], victims });

describe('a GPU', () => {
  it.each([
    ['with processes named', true],
    ['by difference', false],
  ])('promises, sees it taken, and settles: %s', (_name, named) => {
    const pids = (all: Record<number, number>) => (named ? all : null);
    sample(1, device('G0', 50, pids({})));
    expect(availableMib('G0')).toBe(850);
    expect(grant('a', 500)).toBe(true);
    expect(availableMib('G0')).toBe(350);
    holders = [holder('a', 7, { G0: 500 })];
    sample(2, device('G0', 250, pids({ 7: 200 })));
    expect(availableMib('G0')).toBe(350);
    expect(devices.rooms()[0]!.promisedBytes).toBe(300 * MIB);
    // More than promised is simply gone.
    sample(3, device('G0', 600, pids({ 7: 550 })));
    expect(availableMib('G0')).toBe(300);
    sample(4, device('G0', 350, pids({ 7: 300 })));
    devices.settlePromise('a', 5);
    expect(availableMib('G0')).toBe(350);
    sample(6, device('G0', 450, pids({ 7: 400 })));
    expect(availableMib('G0')).toBe(450);
    expect(devices.rooms()[0]!.byModel).toEqual({ a: (named ? 400 : 500) * MIB });
  });

  it('gives one load slot at a time, and the next when the first is ready', () => {
    sample(1, device('G0', 0, {}), device('G1', 0, {}));
    expect(grant('a', 100)).toBe(true);
    expect([grant('b', 100), grant('b', 100, 'G1'), loading('G0')]).toEqual([false, true, true]);
    devices.settlePromise('a', 2);
    expect([loading('G0'), grant('c', 100)]).toEqual([false, true]);
    devices.release('c');
    expect(grant('d', 100)).toBe(true);
    expect(() => grant('d', 1)).toThrow(/promise/);
  });

  it('takes all or nothing', () => {
    sample(1, device('G0', 0, {}), device('G1', 800, {}));
    const both = { modelId: 'a', bytes: { G0: 300 * MIB, G1: 300 * MIB }, slots: ['G0', 'G1'], victims: [] };
    expect(devices.grant(both)).toBe(false);
    expect([availableMib('G0'), availableMib('G1'), loading('G0')]).toEqual([900, 100, false]);
  });

  it.each([
    ['with processes named', true],
    ['by difference', false],
  ])('waits for victims: %s', (_name, named) => {
    const pids = (all: Record<number, number>) => (named ? all : null);
    holders = [holder('v', 7, { G0: 700 })];
    sample(1, device('G0', 700, pids({ 7: 700 })));
    expect(grant('a', 300)).toBe(false);
    expect(grant('a', 300, 'G0', ['v'])).toBe(true);
    expect([devices.promiseFits('a'), devices.shortfall('a')]).toEqual([false, '75 MiB on GPU 0']);
    sample(2, device('G0', 60, pids({})));
    holders = [holder('a', 8, { G0: 300 })];
    expect([devices.promiseFits('a'), devices.shortfall('a')]).toEqual([true, 'nothing']);
    expect(availableMib('G0')).toBe(540);
    sample(3, device('G0', 160, pids({ 8: 100 })));
    expect(availableMib('G0')).toBe(540);
  });

  it('names other programs, the largest first, and a leak with its model and processes; neither among the other', () => {
    holders = [holder('ours', 7, { G0: 300 })];
    const programs = new Map([
      [8, 'blender'],
      [7, 'runtime'],
    ]);
    sample(1, device('G0', 700, { 7: 300, 8: 150, 9: 200, 10: 0, 11: 50 }, { programs }));
    devices.leak('gone', { G0: 50 * MIB }, [11]);
    expect(devices.views()[0]).toMatchObject({
      programs: [
        { pid: 9, name: null, bytes: 200 * MIB },
        { pid: 8, name: 'blender', bytes: 150 * MIB },
      ],
      leaks: [{ modelId: 'gone', pids: [11], bytes: 50 * MIB }],
    });
    sample(2, device('G0', 700, null));
    expect(devices.views()[0]?.programs).toEqual([]);
  });

  it('takes a leak off once, names it, and forgets it when it is seen gone', () => {
    sample(1, device('G0', 400, { 7: 300 }));
    devices.leak('a', { G0: 300 * MIB }, [7]);
    expect(devices.rooms()[0]).toMatchObject({ availableBytes: 500 * MIB, leakedBytes: 300 * MIB, othersBytes: 100 * MIB });
    sample(2, device('G0', 300, { 7: 200 }));
    expect(devices.rooms()[0]!.leakedBytes).toBe(200 * MIB);
    sample(3, device('G0', 300, { 9: 200 }));
    expect(devices.rooms()[0]!.leakedBytes).toBe(0);
    devices.leak('b', { G0: 250 * MIB }, []);
    sample(4, device('G0', 150, null));
    expect(devices.rooms()[0]!.leakedBytes).toBe(100 * MIB);
    sample(5, device('G0', 50, null));
    expect(devices.rooms()[0]!.leakedBytes).toBe(0);
  });

  it.each<[Settings['gpus']['use'], boolean[]]>([
    ['all', [true, true]],
    ['none', [false, false]],
    [[1], [false, true]],
    [['G0'], [true, false]],
    [
      ['1', 'G0'],
      [true, true],
    ],
  ])('gpus.use %j', (use, allowed) => {
    settings = { ...settings, gpus: { ...settings.gpus, use } };
    sample(1, device('G0', 0, {}), device('G1', 0, {}));
    expect(devices.rooms().map((room) => room.allowed)).toEqual(allowed);
    expect(grant('a', 1)).toBe(allowed[0]);
    expect(Object.keys(devices.views()[0]!)).not.toContain('allowed');
  });

  it('drops an older sample, and knows nothing before the first', () => {
    expect([devices.rooms(), grant('a', 1)]).toEqual([[], false]);
    sample(5, device('G0', 100, {}));
    sample(4, device('G0', 900, {}));
    expect(availableMib('G0')).toBe(800);
  });
});

describe('main memory', () => {
  it.each<[string, { used: number; rss: Record<number, number>; anonymous: Record<number, number> | null; limit: number | null }, number]>([
    // 1,000 - 100 reserve - 300 others - 400 held
    ['mapped weights are not in used', { used: 350, rss: { 7: 400 }, anonymous: { 7: 50 }, limit: null }, 200],
    ['without mapping nothing counts twice', { used: 700, rss: { 7: 400 }, anonymous: { 7: 400 }, limit: null }, 200],
    ['not told: to the safe side', { used: 350, rss: { 7: 400 }, anonymous: null, limit: null }, 150],
    ['more than it was held to take', { used: 800, rss: { 7: 500 }, anonymous: { 7: 500 }, limit: null }, 100],
    ['a limit for models is theirs alone', { used: 350, rss: { 7: 400 }, anonymous: { 7: 50 }, limit: 450 }, 50],
    ['a limit that does not bind', { used: 350, rss: { 7: 400 }, anonymous: { 7: 50 }, limit: 5_000 }, 200],
  ])('%s', (_name, { used, rss, anonymous, limit }, available) => {
    settings = { ...settings, host: { reserve_mb: 100, memory_limit_mb: limit } };
    holders = [holder('a', 7, { cpu: 400 })];
    sample(1, device('cpu', used, rss, { anonymousByPid: mapOf(anonymous) }));
    expect(availableMib('cpu')).toBe(available);
  });

  it('counts a load once, from the grant to the last sample', () => {
    sample(1, device('cpu', 300, {}, { anonymousByPid: mapOf({}) }));
    expect(grant('a', 400, 'cpu')).toBe(true);
    expect(availableMib('cpu')).toBe(200);
    holders = [holder('a', 7, { cpu: 400 })];
    sample(2, device('cpu', 330, { 7: 200 }, { anonymousByPid: mapOf({ 7: 30 }) }));
    expect(availableMib('cpu')).toBe(200);
    devices.settlePromise('a', 3);
    sample(4, device('cpu', 350, { 7: 400 }, { anonymousByPid: mapOf({ 7: 50 }) }));
    expect(availableMib('cpu')).toBe(200);
    holders = [];
    sample(5, device('cpu', 300, {}, { anonymousByPid: mapOf({}) }));
    expect(availableMib('cpu')).toBe(600);
  });
});

describe('heldBytes and slotsOf', () => {
  it.each<[string, Record<string, number>, Record<string, number>, Record<string, number>]>([
    ['measured on the GPU', { G0: 5, cpu: 1 }, { G0: 6, cpu: 30 }, { G0: 6, cpu: 1 }],
    ['predicted where nothing was measured', { G0: 5 }, { G0: 0 }, { G0: 5 }],
    ['the larger on the host alone', { cpu: 5 }, { cpu: 7 }, { cpu: 7 }],
    ['not less than predicted there', { cpu: 5 }, { cpu: 2 }, { cpu: 5 }],
  ])('%s', (_name, predicted, measured, held) => expect(heldBytes(predicted, measured)).toEqual(held));

  it('leave the host free for others while a GPU loads', () => {
    expect(slotsOf({ kind: 'gpu', gpus: ['G0', 'G1'], gpuLayers: null })).toEqual(['G0', 'G1']);
    expect(slotsOf({ kind: 'split', gpus: ['G0'], gpuLayers: 3 })).toEqual(['G0', 'cpu']);
    expect(slotsOf({ kind: 'cpu', gpus: [], gpuLayers: null })).toEqual(['cpu']);
  });
});

/**
 * A GPU box whose programs behave: each takes what it was promised, step by step; others come and
 * go; samples are late.
 */
class World {
  readonly models = new Map<
    string,
    { pid: number; wanted: Record<string, number>; taken: Record<string, number>; state: string; victims: string[] }
  >();
  others = 0;
  atMs = 0;

  usedMib(id: string): number {
    return [...this.models.values()].reduce((sum, model) => sum + (model.taken[id] ?? 0), id === 'G0' ? this.others : 0);
  }

  holders(): Holder[] {
    return [...this.models].map(([modelId, { pid, wanted }]) => holder(modelId, pid, wanted));
  }

  sample(named: boolean): void {
    this.atMs += 1;
    const all = ['G0', 'G1'].map((id) => {
      const byPid = Object.fromEntries([...this.models.values()].map(({ pid, taken }) => [pid, taken[id] ?? 0]));
      return device(id, this.usedMib(id), named ? byPid : null);
    });
    devices.applySample({ atMs: this.atMs, devices: all });
  }
}

describe('grants, over 1,000 random steps', () => {
  it.each([
    ['with processes named', true],
    ['by difference', false],
  ])('never oversubscribe a device: %s', (_name, named) => {
    const step = fc.record({
      what: fc.integer({ min: 0, max: 6 }),
      size: fc.integer({ min: 1, max: 600 }),
      which: fc.nat(7),
      both: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1_000, maxLength: 1_000 }), (steps) => {
        const world = new World();
        devices = new Devices({ settings: () => settings, holders: () => world.holders() });
        world.sample(named);
        let grants = 0;
        steps.forEach((each, index) => {
          grants += act(world, each, index, named) ? 1 : 0;
          for (const id of ['G0', 'G1']) expect(world.usedMib(id)).toBeLessThanOrEqual(1_000 - 100);
        });
        expect(grants).toBeGreaterThan(0);
      }),
      { numRuns: 20 },
    );
  });
});

function act(world: World, step: { what: number; size: number; which: number; both: boolean }, index: number, named: boolean): boolean {
  const [modelId, model] = [...world.models][step.which] ?? [];
  if (step.what <= 1) {
    const ids = step.both ? ['G0', 'G1'] : [`G${step.which % 2}`];
    const wanted = Object.fromEntries(ids.map((id) => [id, step.size]));
    const victims = model?.state === 'ready' && modelId !== undefined ? [modelId] : [];
    const bytes = Object.fromEntries(ids.map((id) => [id, step.size * MIB]));
    if (!devices.grant({ modelId: `m${index}`, bytes, slots: ids, victims })) return false;
    for (const victim of victims) world.models.get(victim)!.state = 'draining';
    world.models.set(`m${index}`, { pid: index, wanted, taken: {}, state: 'loading', victims });
    return true;
  }
  if (step.what === 2) world.sample(named);
  if (model === undefined || modelId === undefined) return false;
  const victimsGone = model.victims.every((id) => !world.models.has(id));
  if (model.state === 'loading' && victimsGone && step.what === 3) {
    world.sample(named);
    for (const [id, wanted] of Object.entries(model.wanted)) model.taken[id] = Math.min(wanted, (model.taken[id] ?? 0) + step.size);
  }
  const loaded = Object.entries(model.wanted).every(([id, wanted]) => model.taken[id] === wanted);
  if (model.state === 'loading' && loaded && step.what === 4) {
    model.state = 'ready';
    devices.settlePromise(modelId, world.atMs);
  }
  // Gone: a drained model, or a load that failed once its victims had left.
  if ((model.state === 'draining' && step.what >= 5) || (model.state === 'loading' && victimsGone && step.what === 6)) {
    world.models.delete(modelId);
    world.sample(named);
    devices.release(modelId);
  }
  return false;
}
