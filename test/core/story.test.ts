/**
 * Interleavings of the whole core: who is loaded, who leaves, who waits; on simulated GPUs with a
 * virtual clock.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Lease } from '../../main/core/gateway.ts';
import { type ModeliumError, toModeliumError } from '../../shared/errors.ts';
import type { ModelProfile } from '../../shared/profile.ts';
import { GIB } from '../../shared/units.ts';
import { FAR_PREFIX } from '../fixtures/fake-remote/module.ts';
import { FAKE_SERVER } from '../fixtures/fake-server/module.ts';
import { type CoreBox, createCoreBox, textProfile, type WatchedFile } from '../helpers/core-box.ts';

async function settleAll(box: CoreBox, ms = 3_000): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    await box.clock.advance(250);
    box.sample();
  }
}

async function request(
  box: CoreBox,
  id: string,
): Promise<{ lease: Lease | null; error: ModeliumError | null; settled: boolean; abort: AbortController }> {
  const abort = new AbortController();
  const result = { lease: null as Lease | null, error: null as ModeliumError | null, settled: false, abort };
  try {
    const answer = box.waitingRoom.ensureReady(id, { signal: abort.signal });
    if (!(answer instanceof Promise)) return Object.assign(result, { lease: answer, settled: true });
    void answer.then(
      (lease) => Object.assign(result, { lease, settled: true }),
      (error) => Object.assign(result, { error, settled: true }),
    );
  } catch (error) {
    Object.assign(result, { error: toModeliumError(error), settled: true });
  }
  return result;
}

describe('the story', () => {
  test('dropped content is loaded where it fits, answers at once, idles out and comes back on a request', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.drop('a', 4 * GIB, 'content');
    await settleAll(box);
    expect(box.state('a')).toBe('ready');
    const first = box.waitingRoom.ensureReady('a', { signal: new AbortController().signal });
    expect(first).not.toBeInstanceOf(Promise);
    (first as Lease).release();
    await settleAll(box, 302_000);
    expect(box.state('a')).toBe('unloaded');
    expect(box.logged.filter((line) => line.startsWith('Unloading idle model: a'))).toHaveLength(1);
    expect(box.usedOn('GPU-0')).toBe(0);
    const again = await request(box, 'a');
    await settleAll(box);
    expect(again.lease?.modelId).toBe('a');
    expect(again.lease?.loadMs).toBeGreaterThan(0);
  });

  test('content that nobody asked for never evicts; a request does', async () => {
    const box = createCoreBox({ gpus: [16 * GIB], settings: (s) => ({ ...s, host: { ...s.host, memory_limit_mb: 64 } }) });
    box.drop('a', 10 * GIB, 'content');
    await settleAll(box);
    box.drop('b', 10 * GIB, 'content');
    await settleAll(box, 12_000);
    expect([box.state('a'), box.state('b')]).toEqual(['ready', 'unloaded']);
    expect(box.registry.get('b')?.state).toMatchObject({ reason: 'no-free-room' });
    const wanted = await request(box, 'b');
    await settleAll(box);
    expect(wanted.lease?.modelId).toBe('b');
    expect([box.state('a'), box.state('b')]).toEqual(['unloaded', 'ready']);
    expect(box.decisions.filter(({ action }) => action === 'evict')).toMatchObject([{ modelId: 'a', reason: 'memory' }]);
  });

  test('a model in use is not a victim before the fairness rule; then it drains, ends what it has and comes back', async () => {
    const only = (s: Parameters<NonNullable<Parameters<typeof createCoreBox>[0]['settings']>>[0]) => ({
      ...s,
      host: { ...s.host, memory_limit_mb: 64 },
    });
    const box = createCoreBox({ gpus: [16 * GIB], settings: only });
    box.drop('a', 10 * GIB, 'content');
    box.drop('b', 10 * GIB);
    await settleAll(box, 12_000);
    const held = await request(box, 'a');
    const wanted = await request(box, 'b');
    await settleAll(box, 55_000);
    expect([box.state('a'), wanted.settled]).toEqual(['ready', false]);
    await settleAll(box, 6_000);
    expect(box.state('a')).toBe('draining');
    const late = await request(box, 'a');
    held.lease?.release();
    await settleAll(box);
    expect(wanted.lease?.modelId).toBe('b');
    expect(late.settled).toBe(false);
    wanted.lease?.release();
    await settleAll(box, 15_000);
    expect(late.lease?.modelId).toBe('a');
  });

  test('a wait is one row of the ledger, however its figures move', async () => {
    const box = createCoreBox({ gpus: [16 * GIB], settings: (s) => ({ ...s, host: { ...s.host, memory_limit_mb: 64 } }) });
    box.drop('a', 10 * GIB, 'content');
    box.drop('b', 10 * GIB);
    await settleAll(box, 12_000);
    const held = await request(box, 'a');
    const wanted = await request(box, 'b');
    for (let step = 0; step < 20; step++) {
      box.others[0] = (step % 4) * 0.3 * GIB;
      await settleAll(box, 500);
    }
    const waits = box.decisions.filter(({ action, modelId }) => action === 'wait' && modelId === 'b');
    expect([held.settled, wanted.settled, waits.length]).toEqual([true, false, 1]);
  });

  test('a drain deadline cuts what is left', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.drop('a', 1 * GIB, 'person');
    await settleAll(box);
    const held = await request(box, 'a');
    void box.manager.unloadModel('a', 'user', { to: 'unloaded', reason: 'user' });
    await settleAll(box, 29_000);
    expect([box.state('a'), held.lease?.cut.aborted]).toEqual(['draining', false]);
    await settleAll(box, 3_000);
    expect([box.state('a'), held.lease?.cut.aborted]).toEqual(['unloaded', true]);
  });

  test('a load that dies fails with its words, backs off, and is tried again only when somebody asks', async () => {
    const box = createCoreBox({ gpus: [16 * GIB], behaviour: () => ({ dies: true }) });
    box.drop('a', 1 * GIB);
    await settleAll(box, 1_000);
    const first = await request(box, 'a');
    await settleAll(box, 2_000);
    expect(first.error).toMatchObject({ code: 'model-failed', details: { retryAfterSeconds: expect.any(Number) } });
    expect((await request(box, 'a')).error?.code).toBe('model-failed');
    await settleAll(box, 11_000);
    expect(box.state('a')).toBe('failed');
    expect((await request(box, 'a')).settled).toBe(false);
    await settleAll(box, 1_500);
    expect(box.registry.get('a')).toMatchObject({ attempts: 2 });
    expect(box.rows.size).toBe(0);
  });

  test('a load goes on when the request that began it leaves, or waited too long: the next one finds it', async () => {
    const box = createCoreBox({ gpus: [16 * GIB], behaviour: () => ({ loadMs: 30_000 }) });
    for (const id of ['a', 'b']) box.drop(id, 1 * GIB);
    await settleAll(box, 1_000);
    const impatient = await request(box, 'a');
    await settleAll(box, 1_000);
    impatient.abort.abort();
    await settleAll(box, 32_000);
    expect(box.state('a')).toBe('ready');
    box.settings.orchestration.policies.queue_timeout_seconds = 5;
    const late = await request(box, 'b');
    await settleAll(box, 34_000);
    expect([late.error?.code, box.state('b')]).toEqual(['queue-timeout', 'ready']);
    // Then the ordinary idle time holds.
    await settleAll(box, 301_000);
    expect([box.state('a'), box.state('b')]).toEqual(['unloaded', 'unloaded']);
  });

  test('a load that was left is given up for somebody who waits for the device, not for new content, and is not tried again when it fails', async () => {
    const box = createCoreBox({ gpus: [16 * GIB], behaviour: (id) => ({ loadMs: 30_000, dies: id === 'dies' }) });
    for (const id of ['a', 'b', 'c', 'dies']) box.drop(id, 1 * GIB);
    await settleAll(box, 1_000);
    const left = await request(box, 'a');
    await settleAll(box, 1_000);
    left.abort.abort();
    box.admission.want('b', 'content', box.clock.now());
    box.orchestrator.wake('b');
    await settleAll(box, 1_000);
    expect([box.state('a'), box.state('b')]).toEqual(['loading', 'queued']);
    const waiting = await request(box, 'c');
    await settleAll(box, 4_000);
    expect([box.registry.get('a')?.state, box.state('c')]).toMatchObject([{ name: 'unloaded', reason: 'cancelled' }, 'loading']);
    await settleAll(box, 32_000);
    expect(waiting.lease?.modelId).toBe('c');
    await settleAll(box, 32_000);
    const doomed = await request(box, 'dies');
    await settleAll(box, 1_000);
    doomed.abort.abort();
    await settleAll(box, 60_000);
    expect(box.registry.get('dies')).toMatchObject({ state: { name: 'failed' }, attempts: 1 });
    expect(box.admission.isWanted('dies')).toBe(false);
  });

  test('unloaded while its memory is measured, it was never ready: nothing is said, learned or counted', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.world.meanwhile.sample = () => {
      box.admission.unwant('a');
      void box.manager.unloadModel('a', 'user', { to: 'unloaded', reason: 'user' });
    };
    box.drop('a', 2 * GIB, 'person');
    await box.clock.advance(20_000);
    expect(box.world.meanwhile.sample).toBeUndefined();
    expect(box.registry.get('a')?.state).toMatchObject({ name: 'unloaded', reason: 'user' });
    expect(box.logged.filter((line) => line.includes('loaded successfully'))).toEqual([]);
    expect([box.measurements, box.decisions[0]?.outcome?.ok ?? false]).toEqual([[], false]);
  });

  test('a load that a person cancels ends at once; a process that ignores SIGTERM is killed', async () => {
    const box = createCoreBox({ gpus: [16 * GIB], behaviour: () => ({ loadMs: 60_000, ignoresTerm: true }) });
    box.drop('a', 1 * GIB);
    await settleAll(box, 1_000);
    const wanted = await request(box, 'a');
    await settleAll(box, 1_000);
    expect(box.state('a')).toBe('loading');
    wanted.abort.abort();
    await settleAll(box, 1_000);
    void box.manager.unloadModel('a', 'user', { to: 'unloaded', reason: 'user' });
    await settleAll(box, 5_000);
    expect(box.registry.get('a')?.state).toMatchObject({ name: 'unloaded', reason: 'user' });
    expect([...box.simulated.values()].filter((each) => each.alive)).toEqual([]);
  });

  test('a crash while ready unloads the model, and the next request brings it back', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.drop('a', 1 * GIB, 'person');
    await settleAll(box);
    [...box.simulated.values()].find((each) => each.alive)?.end({ code: 139, signal: null });
    await settleAll(box, 1_000);
    expect(box.state('a')).toBe('unloaded');
    const wanted = await request(box, 'a');
    await settleAll(box);
    expect(wanted.lease?.modelId).toBe('a');
  });

  test('pinned and always-loaded models are not idle-evicted; a keep-alive of zero leaves at once', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    for (const id of ['a', 'b', 'c']) box.drop(id, 1 * GIB, 'content');
    box.registry.update('a', { pinned: true });
    box.settings.orchestration.policies.always_loaded.push('b');
    await settleAll(box, 6_000);
    const lease = await request(box, 'c');
    box.usage.keepAlive('c', 0);
    lease.lease?.release();
    await settleAll(box, 1_000);
    expect(box.state('c')).toBe('unloaded');
    await settleAll(box, 900_000);
    expect([box.state('a'), box.state('b')]).toEqual(['ready', 'ready']);
  });

  test('two small loads on two GPUs run side by side; two on one GPU one after the other', async () => {
    const box = createCoreBox({ gpus: [16 * GIB, 16 * GIB], behaviour: () => ({ loadMs: 5_000 }) });
    for (const id of ['a', 'b', 'c']) box.drop(id, 2 * GIB, 'content');
    await settleAll(box, 2_000);
    const loading = ['a', 'b', 'c'].filter((id) => box.state(id) === 'loading');
    expect(loading).toHaveLength(2);
    await settleAll(box, 12_000);
    expect(['a', 'b', 'c'].map(box.state)).toEqual(['ready', 'ready', 'ready']);
  });
});

type Event =
  | { readonly do: 'request' | 'leave' | 'release' | 'unload' | 'load' | 'pin' | 'remove' | 'crash' | 'change'; readonly which: number }
  | { readonly do: 'rewrite' | 'rename' | 'delete' | 'keepAlive'; readonly which: number }
  | { readonly do: 'unmount' | 'settings' | 'hang' | 'remote' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'others'; readonly gpu: number; readonly gib: number };

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('request' as const, 'release' as const), which: fc.nat(49) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'leave' as const,
        'unload' as const,
        'load' as const,
        'pin' as const,
        'remove' as const,
        'crash' as const,
        'change' as const,
      ),
      which: fc.nat(49),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('rewrite' as const, 'rename' as const, 'delete' as const, 'keepAlive' as const),
      which: fc.nat(9),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('unmount' as const, 'settings' as const, 'hang' as const, 'remote' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 0, 20, 20, 300, 300, 1_000, 3_000, 15_000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('others' as const), gpu: fc.nat(7), gib: fc.nat(6) }) },
);

describe('a simulated 8-GPU box', () => {
  test('1,000 random events, the invariants checked after each', async () => {
    // Sampled, not shrunk: the first broken invariant names its step, and the seed repeats the
    // walk.
    for (const events of fc.sample(fc.array(event, { minLength: 1_000, maxLength: 1_000 }), { numRuns: 1, seed: 20261123 })) {
      const box = createCoreBox({
        gpus: Array.from({ length: 8 }, () => 24 * GIB),
        settings: (s) => ({ ...s, host: { ...s.host, memory_limit_mb: 64 } }),
        attaches: true,
        fakeServer: true,
        remotes: [{ name: 'lab', prefix: 'remote-' }],
        fakeRemote: true,
        serves: (form) => form.kind === 'gguf',
        profile: (id, bytes) => (id.startsWith('lora') ? loraOf(id, bytes) : id.startsWith('s') ? servedOf(bytes) : textProfile(bytes)),
        behaviour: (id) => ({ loadMs: id.endsWith('3') ? 4_000 : 300, dies: id.endsWith('7'), ignoresTerm: id.endsWith('5') }),
      });
      const ids = Array.from({ length: 23 }, (_, index) => `m${index}`);
      box.remote.models = ['m0', 'm1', 'm2'];
      box.far.models = ['m0', 'm1'];
      // Five are elsewhere, on two kinds of servers; six share one server.
      ids.push('remote-m0', 'remote-m1', 'remote-m2', 'far-m0', 'far-m1', ...Array.from({ length: 6 }, (_, index) => `s${index}`));
      // Six are loaded into the process of another, and leave with it.
      ids.push(...[0, 1, 2, 4, 6, 8].map((base) => `lora${base}`));
      const loads = { lora: 0, served: 0, remote: 0, far: 0 };
      box.registry.onChange(({ id, event }) => {
        if (event?.type === 'loaded' && id.startsWith('lora')) loads.lora += 1;
        if (event?.type === 'loaded' && id.startsWith('s')) loads.served += 1;
        if (event?.type === 'loaded' && isRemote(id)) loads[id.startsWith(FAR_PREFIX) ? 'far' : 'remote'] += 1;
      });
      for (const [index, id] of ids.entries())
        if (!isRemote(id)) box.drop(id, (1 + ((index * 7) % 20)) * GIB, index % 3 === 0 ? 'content' : null);
      // Ten more lie in the watch folder, and are written, renamed and deleted by others all the
      // time.
      const watched: WatchedFile[] = Array.from({ length: 10 }, (_, index) => ({ name: `w${index}.gguf`, inode: 100 + index, version: 1 }));
      box.scan(watched);
      for (let index = 0; index < 10; index++) ids.push(`w${index}`);
      const open: Awaited<ReturnType<typeof request>>[] = [];
      for (const [step, each] of events.entries()) {
        await act(box, ids, open, each, watched);
        checkInvariants(box, `step ${step} (${JSON.stringify(each)})`);
      }
      // Everybody lets go: nothing may stay behind, nobody may wait for ever.
      for (let round = 0; round < 3; round++) {
        for (const { lease, abort, settled } of open) {
          if (settled) lease?.release();
          else abort.abort();
        }
        await settleAll(box, 5_000);
      }
      const held = [...box.registry.all()].filter(({ id }) => box.doer.inFlight(id) !== 0);
      expect(held.map(({ id }) => id)).toEqual([]);
      void box.manager.unloadAll();
      await settleAll(box, 40_000);
      expect([...box.simulated.values()].filter((process) => process.alive)).toEqual([]);
      expect(box.rows.size).toBe(0);
      expect(Math.min(loads.lora, loads.served, loads.remote - 3, loads.far - 2)).toBeGreaterThan(0);
      expect(open.filter(({ settled }) => !settled)).toEqual([]);
    }
  });
});

async function act(
  box: CoreBox,
  ids: readonly string[],
  open: Awaited<ReturnType<typeof request>>[],
  each: Event,
  watched: WatchedFile[],
): Promise<void> {
  const id = 'which' in each ? ids[each.which]! : '';
  const file = 'which' in each ? watched[each.which % 10]! : watched[0]!;
  const record = box.registry.get(id);
  switch (each.do) {
    case 'wait':
      await box.clock.advance(each.ms);
      box.sample();
      return;
    case 'others': {
      const free = 24 * GIB - box.usedOn(box.gpuId(each.gpu)) - promisedOn(box, box.gpuId(each.gpu));
      box.others[each.gpu] = Math.max(0, Math.min(each.gib * GIB, free));
      box.sample();
      return;
    }
    case 'request':
      if (record !== undefined) open.push(await request(box, id));
      return;
    case 'release':
      open[each.which % Math.max(1, open.length)]?.lease?.release();
      return;
    case 'leave':
      open[each.which % Math.max(1, open.length)]?.abort.abort();
      return;
    case 'unload':
      void box.doer.unloadModel(id, 'user', { to: 'unloaded', reason: 'user' });
      return;
    case 'load':
      if (record === undefined || record.state.name === 'ready') return;
      box.admission.want(id, 'person', box.clock.now());
      box.orchestrator.wake(id);
      return;
    case 'pin':
      if (record !== undefined && each.which % 10 === 0) box.registry.update(id, { pinned: !record.pinned });
      return;
    case 'remove':
      // Nobody can take away what lies on another machine.
      if (isRemote(id)) return;
      if (record === undefined) box.drop(id, (1 + ((each.which * 5) % 20)) * GIB, 'content');
      else if (['ready', 'loading', 'draining'].includes(record.state.name)) void box.doer.unloadModel(id, 'gone', { to: 'forgotten' });
      else box.registry.apply(id, { type: 'gone' });
      return;
    case 'change':
      if (isRemote(id)) return;
      if (record?.state.name === 'ready' || record?.state.name === 'loading')
        void box.doer.unloadModel(id, 'files-changed', { to: 'settling' });
      return;
    case 'rewrite':
      watched[watched.indexOf(file)] = { ...file, version: file.version + 1 };
      return box.scan(watched);
    case 'rename':
      watched[watched.indexOf(file)] = { ...file, name: file.name.startsWith('w') ? `r-${file.name}` : file.name.slice(2) };
      return box.scan(watched);
    case 'delete':
      // Another file under its name comes with the next scan that somebody else causes.
      box.scan(watched.filter((other) => other !== file));
      watched[watched.indexOf(file)] = { ...file, inode: file.inode + 100 };
      return;
    case 'keepAlive':
      return box.usage.keepAlive(id, 0);
    case 'unmount':
      box.scan(null);
      return box.scan(watched);
    case 'settings':
      box.settings.models['m1'] = { ...box.settings.models['m1'], context: box.settings.models['m1']?.context === 512 ? 1024 : 512 };
      return box.orchestrator.reconsiderAll();
    case 'remote':
      // Away, back, and without one of its models.
      box.world.remoteIsAway = !box.world.remoteIsAway;
      box.remote.models = box.world.remoteIsAway ? ['m0', 'm1'] : ['m0', 'm1', 'm2'];
      box.far.models = box.world.remoteIsAway ? ['m0'] : ['m0', 'm1'];
      return;
    case 'hang':
      box.world.hangs = !box.world.hangs;
      return;
    case 'crash':
      [...box.simulated.values()]
        .find((process) => process.alive && process.modelId === (id.startsWith('s') ? FAKE_SERVER : id))
        ?.end({ code: 1, signal: null });
      await box.clock.advance(0);
      return;
  }
}

/** A LoRA of the model with the same number. */
function loraOf(id: string, bytes: number): ModelProfile {
  const files = ['adapter_config.json', 'adapter_model.safetensors'];
  const base = `owner/${id.replace('lora', 'm')}`;
  return { ...textProfile(bytes), kind: 'unknown', base, forms: [{ kind: 'adapter', files, codeFiles: [] }] };
}

const isRemote = (id: string): boolean => id.startsWith('remote-') || id.startsWith(FAR_PREFIX);

/** One that the fake server takes. */
function servedOf(bytes: number): ModelProfile {
  return { ...textProfile(bytes), forms: [{ kind: 'onnx', files: ['m.onnx'], codeFiles: [] }] };
}

function promisedOn(box: CoreBox, gpu: string): number {
  return box.devices.rooms().find((room) => room.id === gpu)?.promisedBytes ?? 0;
}

function checkInvariants(box: CoreBox, where: string): void {
  const living = [...box.simulated.values()].filter((process) => process.alive);
  const rows = [...box.rows.values()];
  for (const { identity, modelId } of living) {
    // Between the spawn and its pid there is the row that was written before.
    const hasRow = rows.some((row) => row.leader?.pid === identity.pid || (row.leader === null && row.modelId === modelId));
    expect(hasRow, `(I2) ${where}: ${modelId}`).toBe(true);
    if (modelId === FAKE_SERVER) {
      expect(box.servers.state(FAKE_SERVER), `${where}: the server lives`).not.toBe('absent');
      continue;
    }
    expect(['loading', 'ready', 'draining'], `(I1) ${where}: a process of ${modelId} lives in state ${box.state(modelId)}`).toContain(
      box.state(modelId),
    );
  }
  expect(new Set(living.map((process) => process.modelId)).size, `one process a model, ${where}`).toBe(living.length);
  for (const room of box.devices.rooms()) {
    if (room.kind !== 'gpu') continue;
    expect(box.usedOn(room.id) + (box.others[room.index ?? 0] ?? 0), `${where}: ${room.id} is oversubscribed`).toBeLessThanOrEqual(
      24 * GIB,
    );
  }
  for (const record of box.registry.all()) {
    if (record.state.name !== 'ready') continue;
    const { base } = record.state.plan;
    if (base !== undefined) {
      // A base that leaves has its guests leave first.
      expect(box.state(base), `${where}: ${record.id} is ready, its base is not`).toBe('ready');
      continue;
    }
    const { server } = record.state.plan;
    if (record.server !== undefined) {
      expect([record.state.devices, record.state.pids], `${where}: ${record.id} takes something of this box`).toEqual([[], []]);
      continue;
    }
    expect(
      living.map((process) => process.modelId),
      `${where}: ${record.id} is ready without a process`,
    ).toContain(server ?? record.id);
    const isIn = living.some((process) => process.server?.models.has(record.id) ?? false);
    expect(isIn, `${where}: ${record.id} is ready, and its server does not have it`).toBe(server !== undefined);
  }
}
