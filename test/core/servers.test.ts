/**
 * Models that live in one server of ours: started for the first, ended with the last, one back-off,
 * memory by difference. On the simulated box.
 */
import { describe, expect, test } from 'vitest';
import { stateOf } from '../../main/core/registry.ts';
import type { ModelProfile } from '../../shared/profile.ts';
import { GIB } from '../../shared/units.ts';
import { FAKE_SERVER } from '../fixtures/fake-server/module.ts';
import { type CoreBox, createCoreBox, textProfile } from '../helpers/core-box.ts';

const onnx = (bytes: number): ModelProfile => ({
  ...textProfile(bytes),
  kind: 'vision',
  forms: [{ kind: 'onnx', files: ['m.onnx'], codeFiles: [], inputs: [{ name: 'x', type: 'FP32', shape: ['batch', 3] }] }],
});

async function pass(box: CoreBox, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    await box.clock.advance(250);
    box.sample();
  }
}

async function boxWith(names: readonly string[], change: (box: CoreBox) => void = () => {}): Promise<CoreBox> {
  const box = createCoreBox({
    gpus: [24 * GIB],
    fakeServer: true,
    serves: (form) => form.kind === 'gguf',
    profile: (id, bytes) => (id.startsWith('g') ? textProfile(bytes) : onnx(bytes)),
  });
  change(box);
  for (const [index, name] of names.entries()) box.drop(name, (3 + index) * GIB, 'person');
  await pass(box, 3_000);
  return box;
}

const living = (box: CoreBox) => [...box.simulated.values()].filter(({ alive }) => alive).map(({ modelId }) => modelId);
const measured = (box: CoreBox, id: string) => stateOf(box.registry.get(id), 'ready')?.measured['GPU-0'];
const unload = async (box: CoreBox, id: string) => {
  box.admission.unwant(id);
  void box.doer.unloadModel(id, 'user', { to: 'unloaded', reason: 'user' });
  await pass(box, 1_000);
};

describe.each([[true], [false]])('models in one server (the driver names processes: %s)', (namesProcesses) => {
  const set = (box: CoreBox) => void Object.assign(box.world, { namesProcesses });

  test('share it: started once, each measured by difference, ended with the last one, its memory seen free', async () => {
    const box = await boxWith(['a', 'b'], set);
    expect([box.state('a'), box.state('b'), living(box)]).toEqual(['ready', 'ready', [FAKE_SERVER]]);
    expect([measured(box, 'a'), measured(box, 'b')]).toEqual([3 * GIB, 4 * GIB]);
    const room = box.devices.rooms()[0];
    expect([room?.byModel['a'], room?.byModel['b'], room?.othersBytes]).toEqual([3 * GIB, 4 * GIB, 0]);
    await unload(box, 'a');
    expect([living(box), box.usedOn('GPU-0')]).toEqual([[FAKE_SERVER], 4 * GIB]);
    await unload(box, 'b');
    expect([living(box), box.rows.size, box.servers.state(FAKE_SERVER)]).toEqual([[], 0, 'absent']);
  });

  test('make way for others, and others for them', async () => {
    const box = await boxWith(['a', 'g'], set);
    await pass(box, 12_000);
    box.drop('big', 21 * GIB, 'person');
    await pass(box, 12_000);
    expect([box.state('a'), box.state('g'), box.state('big')]).toEqual(['unloaded', 'unloaded', 'ready']);
    expect(box.usedOn('GPU-0')).toBe(21 * GIB);
  });
});

describe('a server of ours', () => {
  test('that ends by itself takes its models along, and comes back for the next request; soon after, one back-off counts for all', async () => {
    const box = await boxWith(['a', 'b']);
    const crash = async () => {
      [...box.simulated.values()].find(({ alive }) => alive)?.end({ code: 7, signal: null });
      await pass(box, 1_000);
    };
    await crash();
    expect([box.state('a'), box.state('b'), box.rows.size]).toEqual(['unloaded', 'unloaded', 0]);
    const ask = (id: string) => box.waitingRoom.ensureReady(id, { signal: new AbortController().signal });
    const both = Promise.all([ask('a'), ask('b')]);
    await pass(box, 3_000);
    for (const lease of await both) lease.release();
    expect(living(box)).toEqual([FAKE_SERVER]);
    await crash();
    const refused = Promise.allSettled([ask('a'), ask('b')]);
    await pass(box, 1_000);
    const reasons = (await refused).map((each) => (each.status === 'rejected' ? String(each.reason) : 'served'));
    for (const reason of reasons) expect(reason).toMatch(/server:fake is started again in \d+ s: The fake server ended with 7/);
    expect([box.registry.get('a')?.attempts, box.registry.get('b')?.attempts]).toEqual([0, 0]);
    await pass(box, 20_000);
    const again = ask('a');
    await pass(box, 3_000);
    expect((await again).modelId).toBe('a');
  });

  test('that keeps the memory of a model that left is started anew, when the others have left', async () => {
    const box = await boxWith(['a', 'b'], (made) => void Object.assign(made.world, { leaks: true }));
    const held = await box.waitingRoom.ensureReady('b', { signal: new AbortController().signal });
    void box.doer.unloadModel('a', 'user', { to: 'unloaded', reason: 'user' });
    await pass(box, 12_000);
    // What is in flight ends first.
    expect([box.servers.state(FAKE_SERVER), box.state('b'), box.usedOn('GPU-0')]).toEqual(['recycling', 'draining', 7 * GIB]);
    const wanted = box.waitingRoom.ensureReady('a', { signal: new AbortController().signal });
    await pass(box, 1_000);
    held.release();
    await pass(box, 3_000);
    expect([(await wanted).modelId, box.usedOn('GPU-0'), living(box)]).toEqual(['a', 3 * GIB, [FAKE_SERVER]]);
  });

  test('whose only model is cancelled while it starts is ended', async () => {
    const box = createCoreBox({ gpus: [24 * GIB], fakeServer: true, serves: () => false, profile: (_id, bytes) => onnx(bytes) });
    box.world.hangs = true;
    box.drop('a', GIB, 'person');
    await pass(box, 1_000);
    expect([box.state('a'), box.servers.state(FAKE_SERVER)]).toEqual(['loading', 'starting']);
    await unload(box, 'a');
    expect([box.state('a'), living(box), box.rows.size, box.servers.state(FAKE_SERVER)]).toEqual(['unloaded', [], 0, 'absent']);
  });
});
