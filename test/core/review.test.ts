/**
 * Interleavings that a review of the core found to lose something: each was a bug once. On the
 * simulated box with a virtual clock.
 */
import { describe, expect, test } from 'vitest';
import type { Lease } from '../../main/core/gateway.ts';
import { stateOf } from '../../main/core/registry.ts';
import { NOTHING_RETRIED } from '../../main/core/retry-with.ts';
import { toModeliumError } from '../../shared/errors.ts';
import type { Settings } from '../../shared/settings.ts';
import { GIB } from '../../shared/units.ts';
import { type CoreBox, createCoreBox } from '../helpers/core-box.ts';

const A = { name: 'a.gguf', inode: 1, version: 1 };

async function pass(box: CoreBox, ms = 3_000): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    await box.clock.advance(250);
    box.sample();
  }
}

/** A request, and what became of it: its lease or the code of its error; null while it waits. */
function ask(box: CoreBox, id: string): { lease: Lease | null; code: string | null } {
  const result: { lease: Lease | null; code: string | null } = { lease: null, code: null };
  const refused = (error: unknown) => void Object.assign(result, { code: toModeliumError(error).code });
  try {
    const answer = box.waitingRoom.ensureReady(id, { signal: new AbortController().signal });
    if (answer instanceof Promise) void answer.then((lease) => Object.assign(result, { lease }), refused);
    else result.lease = answer;
  } catch (error) {
    refused(error);
  }
  return result;
}

/** The same, some time later. */
async function asked(box: CoreBox, id: string, ms: number): Promise<ReturnType<typeof ask>> {
  const result = ask(box, id);
  await pass(box, ms);
  return result;
}

/** As `kill -9` by somebody else. */
function kill(box: CoreBox, id: string): void {
  for (const each of box.simulated.values()) if (each.alive && each.modelId === id) each.end({ code: null, signal: 'SIGKILL' });
}

function withAlways(settings: Settings, always_loaded: string[]): Settings {
  const { orchestration } = settings;
  return { ...settings, orchestration: { ...orchestration, policies: { ...orchestration.policies, always_loaded } } };
}

function lives(box: CoreBox): readonly string[] {
  return [...box.simulated.values()].filter((each) => each.alive).map((each) => each.modelId);
}

describe('files that change', () => {
  test('an unloaded model whose files change is looked at again and loaded', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.scan([A]);
    await pass(box);
    await box.manager.unloadModel('a', 'user', { to: 'unloaded', reason: 'user' });
    box.scan([{ ...A, version: 2 }]);
    expect(box.registry.get('a')).toMatchObject({ state: { name: 'settling' }, profile: null });
    await pass(box);
    expect(box.state('a')).toBe('ready');
  });

  test('a queued model whose files change settles again', async () => {
    const box = createCoreBox({ gpus: [16 * GIB], behaviour: () => ({ loadMs: 20_000 }) });
    box.scan([A, { name: 'b.gguf', inode: 2, version: 1 }]);
    await pass(box, 2_000);
    const [queued] = ['a', 'b'].filter((id) => box.state(id) === 'queued');
    expect(queued).toBeDefined();
    const changed = (name: string) => ({ name: `${name}.gguf`, inode: name === 'a' ? 1 : 2, version: name === queued ? 2 : 1 });
    box.scan([changed('a'), changed('b')]);
    expect(box.state(queued ?? '')).toBe('settling');
    await pass(box, 60_000);
    expect([box.state('a'), box.state('b')]).toEqual(['ready', 'ready']);
  });

  test.each([
    ['asked again', (box: CoreBox) => asked(box, 'a', 3_000)],
    [
      'its file was touched',
      async (box: CoreBox) => {
        box.scan([{ ...A, touchedMs: 2 }]);
        expect(box.registry.get('a')).toMatchObject({ attempts: 0, state: { name: 'unloaded' } });
        return asked(box, 'a', 3_000);
      },
    ],
  ])(
    'a model whose file lost the right to be read is said so, starts no process, and loads once it has it again: %s',
    async (_how, ask) => {
      const box = createCoreBox({ gpus: [16 * GIB] });
      box.scan([A]);
      await pass(box);
      await box.manager.unloadModel('a', 'user', { to: 'unloaded', reason: 'user' });
      const processes = box.simulated.size;
      box.world.shut.set('/watch/a.gguf', 'a.gguf cannot be read.');
      for (const _time of [1, 2]) {
        expect(await asked(box, 'a', 1_000)).toEqual({ lease: null, code: 'model-failed' });
        expect(box.registry.get('a')).toMatchObject({
          attempts: 1,
          state: { name: 'failed', failure: { message: 'a.gguf cannot be read.' } },
        });
      }
      expect(box.simulated.size).toBe(processes);
      box.world.shut.clear();
      expect((await ask(box)).lease).not.toBeNull();
    },
  );

  test('a ready model whose new files are damaged stays blocked, whatever is reconsidered', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.scan([A]);
    await pass(box);
    box.world.damaged.add('/watch/a.gguf');
    box.scan([{ ...A, version: 2 }]);
    await pass(box, 6_000);
    expect(box.registry.get('a')?.state).toMatchObject({ name: 'blocked', reason: 'damaged' });
    box.orchestrator.reconsiderAll();
    box.orchestrator.pinsChanged();
    expect(box.registry.get('a')).toMatchObject({ state: { name: 'blocked' }, profile: null });
  });

  test('nobody but a removal turns a drain away from changed files, and files that are back end a removal', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.scan([A]);
    await pass(box);
    const { lease } = ask(box, 'a');
    const becomes = () => box.registry.get('a')?.state;
    box.scan([{ ...A, version: 2 }]);
    void box.manager.unloadModel('a', 'user', { to: 'unloaded', reason: 'user' });
    expect(becomes()).toMatchObject({ name: 'draining', becomes: { to: 'settling' } });
    void box.manager.unloadModel('a', 'gone', { to: 'forgotten' });
    void box.manager.unloadModel('a', 'user', { to: 'unloaded', reason: 'user' });
    expect(becomes()).toMatchObject({ name: 'draining', becomes: { to: 'forgotten' } });
    box.scan([{ ...A, version: 3 }]);
    expect(becomes()).toMatchObject({ name: 'draining', becomes: { to: 'settling' } });
    lease?.release();
    await pass(box, 6_000);
    expect(box.state('a')).toBe('ready');
  });

  test('a load tells how far it has come', async () => {
    const box = createCoreBox({ gpus: [16 * GIB], behaviour: () => ({ loadMs: 20_000 }) });
    box.scan([A]);
    await pass(box, 4_000);
    expect(box.registry.get('a')?.state).toMatchObject({ name: 'loading', phase: 'reading weights', progress: 0.5 });
  });

  test('a model that is renamed while it loads is loaded from its new place, and one whose load that ended too', async () => {
    const box = createCoreBox({ gpus: [16 * GIB], behaviour: () => ({ loadMs: 5_000 }) });
    box.scan([A]);
    await pass(box, 2_000);
    expect(box.state('a')).toBe('loading');
    const first = [...box.simulated.values()].at(-1);
    box.scan([{ ...A, name: 'b.gguf' }]);
    await pass(box, 20_000);
    expect(first?.alive).toBe(false);
    expect(box.registry.get('a')).toMatchObject({ path: '/watch/b.gguf', state: { name: 'ready' } });
    // One that serves has read its files.
    const serving = [...box.simulated.values()].at(-1);
    box.scan([{ ...A, name: 'c.gguf' }]);
    await pass(box, 10_000);
    expect([box.state('a'), serving?.alive]).toEqual(['ready', true]);
    const lost = createCoreBox({ gpus: [16 * GIB], behaviour: () => ({ dies: true }) });
    lost.scan([A]);
    await pass(lost, 4_000);
    expect(lost.state('a')).toBe('failed');
    lost.scan([{ ...A, name: 'b.gguf' }]);
    expect(lost.state('a')).toBe('settling');
  });

  test('a whole file is not read once more after its verdict', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.drop('a', GIB);
    await pass(box, 6_000);
    expect(box.state('a')).toBe('unloaded');
    // Two looks make it whole; a third would be for nothing.
    expect(box.world.inspections).toBeLessThanOrEqual(3);
    const looks = box.world.inspections;
    box.drop('b', GIB);
    await pass(box, 6_000);
    expect(box.world.inspections - looks).toBe(looks);
  });

  test('a file renamed while it is used keeps its lease; away and back again loads nothing', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.scan([A]);
    await pass(box);
    const { lease } = ask(box, 'a');
    box.scan([{ ...A, name: 'renamed.gguf' }]);
    expect(box.registry.resolve('renamed')).toBe('a');
    expect([box.state('a'), lease?.cut.aborted]).toEqual(['ready', false]);
    lease?.release();
    await box.manager.unloadModel('a', 'user', { to: 'unloaded', reason: 'user' });
    box.scan(null);
    await pass(box, 10_000);
    box.scan([{ ...A, name: 'renamed.gguf' }]);
    await pass(box, 10_000);
    expect(box.state('a')).toBe('unloaded');
  });
});

describe('processes that end or hang', () => {
  test('one that ends between its proof and its measure is a failed load, never ready', async () => {
    const box = createCoreBox({ gpus: [16 * GIB], behaviour: () => ({ diesAtTheEnd: true }) });
    box.drop('a', GIB, 'person');
    await pass(box, 2_500);
    expect(box.registry.get('a')?.state).toMatchObject({ name: 'failed', failure: { code: 'runtime-exited' } });
    expect(box.rows.size).toBe(0);
  });

  test('one that answers nothing while a request is in flight is ended after its drain; an idle one is left alone', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    for (const id of ['busy', 'idle']) box.drop(id, GIB, 'person');
    await pass(box, 6_000);
    const { lease } = ask(box, 'busy');
    await pass(box, 60_000);
    expect(box.state('busy')).toBe('ready');
    box.world.hangs = true;
    await pass(box, 36_000);
    expect(box.registry.get('busy')?.state).toMatchObject({
      name: 'draining',
      reason: 'hung',
      becomes: { to: 'unloaded', reason: 'exited' },
    });
    await pass(box, 32_000);
    expect([box.state('busy'), box.state('idle'), lease?.cut.aborted]).toEqual(['unloaded', 'ready', true]);
    expect(lives(box)).toEqual(['idle']);
  });

  test('one death is no verdict: the next request has it loaded at once; the second within ten minutes is a failure that backs off', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.settings.orchestration.policies.evict_after_idle_seconds = 100_000;
    box.drop('a', GIB, 'person');
    await pass(box, 6_000);
    kill(box, 'a');
    await pass(box, 1_000);
    expect(box.registry.get('a')).toMatchObject({ state: { name: 'unloaded', reason: 'exited' }, attempts: 0 });
    const { lease } = await asked(box, 'a', 3_000);
    expect([box.state('a'), lease === null]).toEqual(['ready', false]);
    lease?.release();
    await pass(box, 590_000);
    kill(box, 'a');
    await pass(box, 1_000);
    expect(box.registry.get('a')?.state).toMatchObject({ name: 'failed', attempts: 1, failure: { code: 'runtime-exited' } });
    expect(ask(box, 'a').code).toBe('model-failed');
    await pass(box, 10_000);
    const again = await asked(box, 'a', 3_000);
    expect(again.lease).not.toBeNull();
    again.lease?.release();
    // Ten minutes later it is a first death again.
    await pass(box, 610_000);
    kill(box, 'a');
    await pass(box, 1_000);
    expect(box.state('a')).toBe('unloaded');
  });

  test('who waits while a dead one is cleared away gets it; a pinned one and one that is always loaded come back by themselves', async () => {
    const box = createCoreBox({ gpus: [16 * GIB], settings: (defaults) => withAlways(defaults, ['always']) });
    for (const id of ['plain', 'pinned', 'always']) box.drop(id, GIB, 'person');
    await pass(box, 8_000);
    box.registry.update('pinned', { pinned: true });
    for (const id of ['plain', 'pinned', 'always']) kill(box, id);
    // The news of an end comes a moment after it.
    await Promise.resolve();
    const waiting = ask(box, 'plain');
    await pass(box, 8_000);
    expect(waiting).toMatchObject({ code: null, lease: { modelId: 'plain' } });
    expect(['plain', 'pinned', 'always'].map((id) => box.state(id))).toEqual(['ready', 'ready', 'ready']);
  });

  test('one whose answers come is no hung one, even when nobody there answers for its health', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.drop('busy', GIB, 'person');
    await pass(box, 6_000);
    const { lease } = ask(box, 'busy');
    box.world.hangs = true;
    for (let beat = 0; beat < 20; beat += 1) {
      lease?.countChunk();
      await pass(box, 10_000);
    }
    expect([box.state('busy'), lease?.cut.aborted]).toEqual(['ready', false]);
  });

  test('five failures in a row end the wish to have it; until then it is tried again with growing waits', async () => {
    const box = createCoreBox({ gpus: [16 * GIB], behaviour: () => ({ dies: true }) });
    box.drop('a', GIB, 'content');
    await pass(box, 400_000);
    expect(box.registry.get('a')).toMatchObject({ state: { name: 'failed' }, attempts: 5 });
    await pass(box, 700_000);
    expect(box.registry.get('a')).toMatchObject({ attempts: 5 });
    expect(box.admission.isWanted('a')).toBe(false);
    expect(ask(box, 'a').code).toBeNull();
    await pass(box, 3_000);
    expect(box.registry.get('a')).toMatchObject({ attempts: 6 });
  });

  test('closing leaves no timer behind, not even that of a retry', async () => {
    const box = createCoreBox({ gpus: [16 * GIB], behaviour: () => ({ dies: true }) });
    box.drop('a', GIB, 'person');
    await pass(box, 3_000);
    for (let touch = 0; touch < 5; touch++) box.registry.update('a', { pinned: true });
    expect(box.state('a')).toBe('failed');
    expect(box.clock.pending).toBeLessThanOrEqual(2);
    box.orchestrator.close();
    await box.manager.unloadAll();
    expect(box.clock.pending).toBe(0);
  });
});

describe('wishes and settings', () => {
  test('who waits when a load fails is told at once, not when its process is gone at last', async () => {
    const box = createCoreBox({ gpus: [16 * GIB], behaviour: () => ({ loadMs: 400_000, ignoresTerm: true }) });
    box.drop('a', GIB);
    await pass(box, 1_000);
    const waiting = ask(box, 'a');
    await pass(box, 180_500);
    expect([box.state('a'), waiting.code]).toEqual(['draining', 'model-failed']);
  });

  test('an unload by hand refuses those who wait, also while it drains for another reason', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.drop('a', GIB, 'person');
    await pass(box);
    const { lease } = ask(box, 'a');
    void box.manager.unloadModel('a', 'memory', { to: 'unloaded', reason: 'memory' });
    const waiting = ask(box, 'a');
    await box.clock.advance(0);
    expect([box.state('a'), waiting.code]).toEqual(['draining', null]);
    void box.manager.unloadModel('a', 'user', { to: 'unloaded', reason: 'user' });
    lease?.release();
    await pass(box);
    expect([box.state('a'), waiting.code]).toEqual(['unloaded', 'cancelled']);
  });

  test('the smaller context that a failure asked for outlives ten good minutes: a later edit does not unload the model', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.drop('a', GIB);
    await pass(box);
    box.registry.update('a', { retried: { ...NOTHING_RETRIED, contextTokens: 1024 }, pinned: true });
    box.admission.want('a', 'person', box.clock.now());
    box.orchestrator.wake('a');
    await pass(box);
    expect(box.registry.get('a')?.state).toMatchObject({ name: 'ready', plan: { contextTokens: 1024 } });
    await pass(box, 650_000);
    expect(box.registry.get('a')?.retried.contextTokens).toBe(1024);
    box.orchestrator.reconsiderAll();
    expect(box.state('a')).toBe('ready');
  });

  test('ten good minutes forgive failed attempts, and not one minute less', async () => {
    let dies = true;
    const box = createCoreBox({ gpus: [16 * GIB], behaviour: () => ({ dies }) });
    box.drop('a', GIB, 'person');
    box.registry.update('a', { pinned: true });
    await pass(box, 3_000);
    expect(box.registry.get('a')).toMatchObject({ state: { name: 'failed' }, attempts: 1 });
    dies = false;
    await pass(box, 15_000);
    expect(box.registry.get('a')).toMatchObject({ state: { name: 'ready' }, attempts: 1 });
    const sinceMs = stateOf(box.registry.get('a'), 'ready')?.sinceMs ?? 0;
    await pass(box, sinceMs + 540_000 - box.clock.now());
    expect(box.registry.get('a')?.attempts).toBe(1);
    await pass(box, 61_000);
    expect(box.registry.get('a')?.attempts).toBe(0);
  });

  test('a keep-alive of zero ends with the stay: a person who loads the model afterwards keeps it', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.drop('a', GIB, 'person');
    await pass(box);
    const { lease } = ask(box, 'a');
    box.usage.keepAlive('a', 0);
    lease?.release();
    await pass(box);
    expect(box.state('a')).toBe('unloaded');
    box.admission.want('a', 'person', box.clock.now());
    box.orchestrator.wake('a');
    await pass(box, 6_000);
    expect(box.state('a')).toBe('ready');
  });

  test('always_loaded takes effect while running: added it loads, crashed it comes back', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.drop('a', GIB);
    await pass(box, 2_000);
    expect(box.state('a')).toBe('unloaded');
    const { policies } = box.settings.orchestration;
    box.settings.orchestration.policies = { ...policies, always_loaded: ['a'] };
    box.orchestrator.reconsiderAll();
    await pass(box);
    expect(box.state('a')).toBe('ready');
    // At once the first time, after the back-off the second.
    for (const state of ['ready', 'failed']) {
      [...box.simulated.values()].find((each) => each.alive)?.end({ code: 139, signal: null });
      await pass(box, 2_000);
      expect(box.state('a')).toBe(state);
    }
    await pass(box, 15_000);
    expect(box.state('a')).toBe('ready');
  });

  test('what was too large for the box is asked about again when a larger device comes', async () => {
    const only = (s: CoreBox['settings']) => ({ ...s, host: { ...s.host, memory_limit_mb: 64 } });
    const box = createCoreBox({ gpus: [8 * GIB], settings: only });
    box.drop('a', 20 * GIB, 'person');
    await pass(box);
    expect(box.registry.get('a')?.state).toMatchObject({ name: 'blocked', reason: 'too-large' });
    box.world.gpus.push(48 * GIB);
    await pass(box);
    expect(box.state('a')).toBe('unloaded');
    const { lease, code } = ask(box, 'a');
    await pass(box);
    expect([box.state('a'), lease, code]).toEqual(['ready', null, null]);
  });

  test('a drain for idleness is taken back by a request only as long as nothing else became of it', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.scan([A]);
    await pass(box);
    void box.manager.unloadModel('a', 'idle', { to: 'unloaded', reason: 'idle' });
    const { lease } = ask(box, 'a');
    expect([box.state('a'), lease?.modelId]).toEqual(['ready', 'a']);
    // At once drained for another reason: the first drain must not end what the second lets finish.
    void box.manager.unloadModel('a', 'memory', { to: 'unloaded', reason: 'memory' });
    await pass(box, 5_000);
    expect([box.state('a'), lives(box), lease?.cut.aborted]).toEqual(['draining', ['a'], false]);
    lease?.release();
    await pass(box);
    expect(box.state('a')).toBe('unloaded');
    ask(box, 'a');
    await pass(box, 6_000);
    expect(box.state('a')).toBe('ready');
  });

  test('output and queues of a removed model are forgotten with it', async () => {
    const box = createCoreBox({ gpus: [16 * GIB] });
    box.scan([A]);
    await pass(box);
    const output = box.manager.output('a');
    box.scan([]);
    await pass(box, 10_000);
    expect(box.state('a')).toBe('forgotten');
    expect(box.manager.output('a')).not.toBe(output);
  });
});
