/**
 * The way through `preparing`: real orchestrator, brain, manager, preparations and process hosts;
 * the converter, GPUs and time are simulated.
 */
import { describe, expect, test } from 'vitest';
import { GIB } from '../../shared/units.ts';
import { createCoreBox, textProfile } from '../helpers/core-box.ts';

const TYPES = [
  { type: 'BF16', share: 1 },
  { type: 'Q8_0', share: 0.53 },
] as const;

function boxWith(options: Partial<Parameters<typeof createCoreBox>[0]> = {}) {
  return createCoreBox({
    gpus: [16 * GIB],
    prepares: (id) => (id.startsWith('folder') ? TYPES : null),
    profile: (id, bytes) => ({ ...textProfile(bytes), name: id }),
    ...options,
  });
}

describe('a model that has to be converted', () => {
  test('is converted with no memory promised, and then loaded; the second time it is there', async () => {
    const box = boxWith();
    box.drop('folder', 4 * GIB, 'person');
    await box.clock.advance(700);
    expect(box.state('folder')).toBe('preparing');
    expect(box.registry.get('folder')?.state).toMatchObject({ progress: 0.25 });
    expect(box.devices.rooms().map(({ promisedBytes, loading }) => [promisedBytes, loading])).toEqual([
      [0, null],
      [0, null],
    ]);
    await box.clock.advance(5_000);
    expect(box.state('folder')).toBe('ready');
    expect(box.registry.get('folder')?.state).toMatchObject({ plan: { preparation: { type: 'BF16' } } });
    expect(box.decisions.map(({ action, reason }) => `${action} ${reason}`)).toEqual(['prepare converts', 'load fits']);
    expect(box.decisions[0]?.sentence).toMatch(/^Converted to a GGUF \(BF16\) first, then on GPU 0; .*; weights as BF16$/);
    expect(box.decisions[0]).toMatchObject({ inputs: { chosen: 0 }, outcome: { ok: true, message: 'converted', seconds: 1 } });
    expect(box.rows.size).toBe(1);

    void box.doer.unloadModel('folder', 'user', { to: 'unloaded', reason: 'user' });
    await box.clock.advance(40_000);
    box.admission.want('folder', 'person', box.clock.now());
    box.orchestrator.wake('folder');
    await box.clock.advance(3_000);
    expect(box.state('folder')).toBe('ready');
    expect(box.decisions.filter(({ action }) => action === 'prepare')).toHaveLength(1);
  });

  test('a converted file in use is never cleaned away for another one, be its model ready or on its way out', async () => {
    const box = boxWith();
    box.world.tightCache = true;
    const files = () => [...box.world.prepared].length;
    // What is made of each is another file, as its sources are.
    for (const id of ['a', 'b', 'c', 'd'])
      box.world.unseen.set(`/folder-${id}`, [{ path: `${id}.safetensors`, bytes: 1, mtimeMs: 1, inode: 1, device: 1 }]);
    for (const [at, id] of ['folder-a', 'folder-b'].entries()) {
      box.drop(id, 2 * GIB, 'person');
      await box.clock.advance(6_000);
      expect([box.state(id), files()]).toEqual(['ready', at + 1]);
    }
    const held = box.waitingRoom.ensureReady('folder-a', { signal: new AbortController().signal });
    expect(held).not.toBeInstanceOf(Promise);
    void box.doer.unloadModel('folder-a', 'user', { to: 'unloaded', reason: 'user' });
    expect(box.state('folder-a')).toBe('draining');
    box.drop('folder-c', 2 * GIB, 'person');
    await box.clock.advance(6_000);
    expect([box.state('folder-a'), box.state('folder-c'), files()]).toEqual(['draining', 'ready', 3]);
    // Nobody reads from its file any more: it may go.
    await box.clock.advance(60_000);
    expect(box.state('folder-a')).toBe('unloaded');
    box.drop('folder-d', 2 * GIB, 'person');
    await box.clock.advance(6_000);
    expect([box.state('folder-d'), files()]).toEqual(['ready', 3]);
  });

  test('what was made is gone: it is made again, and loads', async () => {
    const box = boxWith();
    box.drop('folder', 4 * GIB, 'person');
    await box.clock.advance(6_000);
    void box.doer.unloadModel('folder', 'user', { to: 'unloaded', reason: 'user' });
    await box.clock.advance(40_000);
    box.world.prepared.clear();
    box.admission.want('folder', 'person', box.clock.now());
    box.orchestrator.wake('folder');
    await box.clock.advance(6_000);
    expect(box.state('folder')).toBe('ready');
    expect(box.decisions.filter(({ action }) => action === 'prepare')).toHaveLength(2);
  });

  test('where the weights as they are do not fit, the smaller type is chosen, and the decision says why', async () => {
    const box = boxWith({ gpus: [4 * GIB], settings: (s) => ({ ...s, gpus: { ...s.gpus, reserve_mb: 0 } }) });
    box.drop('folder', 6 * GIB, 'person');
    await box.clock.advance(6_000);
    expect(box.registry.get('folder')?.state).toMatchObject({
      name: 'ready',
      plan: { preparation: { type: 'Q8_0' }, placement: { kind: 'gpu' } },
    });
    expect(box.decisions.at(-1)?.sentence).toMatch(/weights as Q8_0: there is no room for BF16/);
  });

  test('one at a time; what needs no conversion is not held up', async () => {
    const box = boxWith({ behaviour: () => ({ prepareMs: 60_000 }) });
    box.drop('folder-1', 2 * GIB, 'person');
    box.drop('folder-2', 2 * GIB, 'person');
    box.drop('plain', 2 * GIB, 'person');
    await box.clock.advance(5_000);
    expect(box.state('folder-1')).toBe('preparing');
    expect(box.registry.get('folder-2')?.state).toMatchObject({ name: 'queued', why: 'Waiting: another model is being converted' });
    expect(box.state('plain')).toBe('ready');
    await box.clock.advance(130_000);
    expect([box.state('folder-1'), box.state('folder-2')]).toEqual(['ready', 'ready']);
  });

  test('unloaded by a person in the middle: the process is gone, and nothing of it is left', async () => {
    const box = boxWith({ behaviour: () => ({ prepareMs: 60_000, ignoresTerm: true }) });
    box.drop('folder', 2 * GIB, 'person');
    await box.clock.advance(2_000);
    box.admission.unwant('folder');
    const done = box.doer.unloadModel('folder', 'user', { to: 'unloaded', reason: 'user' });
    await box.clock.advance(10);
    await box.clock.advance(1_000);
    await done;
    expect(box.registry.get('folder')?.state).toMatchObject({ name: 'unloaded', reason: 'user' });
    expect([...box.simulated.values()].some(({ alive }) => alive)).toBe(false);
    expect(box.world.discarded).toHaveLength(1);
    expect(box.rows.size).toBe(0);
    // And the next one may begin.
    box.drop('folder-2', 2 * GIB, 'person');
    await box.clock.advance(2_000);
    expect(box.state('folder-2')).toBe('preparing');
  });

  test.each(['list', 'commit'] as const)('unloaded in its last moment (%s): it was not converted, and nobody says so', async (work) => {
    const box = boxWith();
    const leave = () => {
      box.admission.unwant('folder');
      void box.doer.unloadModel('folder', 'user', { to: 'unloaded', reason: 'user' });
    };
    // The files are listed before the conversion, and again when it is done.
    box.world.meanwhile = work === 'commit' ? { commit: leave } : { list: () => (box.world.meanwhile.list = leave) };
    box.drop('folder', 2 * GIB, 'person');
    await box.clock.advance(10_000);
    expect(box.registry.get('folder')?.state).toMatchObject({ name: 'unloaded', reason: 'user' });
    if (work === 'list') expect([...box.world.prepared]).toEqual([]);
    expect(box.logged.filter((line) => /converted/i.test(line))).toEqual([]);
    expect(box.decisions[0]?.outcome ?? { ok: false }).toMatchObject({ ok: false });
    // The next one may begin.
    box.world.prepared.clear();
    box.drop('folder-2', 2 * GIB, 'person');
    await box.clock.advance(700);
    expect(box.state('folder-2')).toBe('preparing');
  });

  test('nobody wants it any more: it stops by itself', async () => {
    const box = boxWith({ behaviour: () => ({ prepareMs: 60_000 }) });
    box.drop('folder', 2 * GIB, 'person');
    await box.clock.advance(2_000);
    box.admission.unwant('folder');
    box.orchestrator.wake('folder');
    await box.clock.advance(1_000);
    expect(box.registry.get('folder')?.state).toMatchObject({ name: 'unloaded', reason: 'cancelled' });
  });

  test('a model that cannot be converted fails with its sentence, and is not tried again by itself', async () => {
    const box = boxWith({ behaviour: () => ({ prepareFails: 'No place for the tensor strange.weight.' }) });
    box.drop('folder', 2 * GIB, 'person');
    await box.clock.advance(60_000);
    expect(box.registry.get('folder')?.state).toMatchObject({
      name: 'failed',
      attempts: 1,
      retryAtMs: null,
      failure: { code: 'not-convertible', message: 'No place for the tensor strange.weight.', permanent: true },
    });
    expect(box.world.discarded).toHaveLength(1);
    expect(box.decisions[0]?.outcome).toMatchObject({ ok: false, message: 'No place for the tensor strange.weight.' });
  });

  test('a full disk is tried again later, and works when there is room', async () => {
    const box = boxWith();
    box.world.fullDisk = true;
    box.drop('folder', 2 * GIB, 'person');
    await box.clock.advance(2_000);
    expect(box.registry.get('folder')?.state).toMatchObject({ name: 'failed', failure: { code: 'disk-full', permanent: false } });
    box.world.fullDisk = false;
    await box.clock.advance(120_000);
    expect(box.state('folder')).toBe('ready');
  });

  test('files that change while they are converted are looked at again, and what was made of them is not used', async () => {
    const box = boxWith({ behaviour: () => ({ prepareMs: 5_000 }) });
    box.drop('folder', 2 * GIB, 'person');
    await box.clock.advance(2_000);
    box.world.unseen.set('/folder', [{ path: 'model.safetensors', bytes: 1, mtimeMs: 9, device: 1, inode: 9 }]);
    await box.clock.advance(4_600);
    expect(box.logged.join('\n')).toContain('The files of folder changed while they were converted.');
    expect(box.state('folder')).not.toBe('ready');
    expect(box.world.discarded).toHaveLength(1);
  });

  test('quitting ends it', async () => {
    const box = boxWith({ behaviour: () => ({ prepareMs: 60_000 }) });
    box.drop('folder', 2 * GIB, 'person');
    await box.clock.advance(2_000);
    box.orchestrator.close();
    const closed = box.preparations.close();
    await box.clock.advance(1_000);
    await closed;
    expect(box.registry.get('folder')?.state).toMatchObject({ name: 'unloaded', reason: 'quit' });
    expect([...box.simulated.values()].some(({ alive }) => alive)).toBe(false);
  });
});
