/**
 * Ray Serve as users meet it: an engine and a cluster of somebody else, which the fake program of
 * the fixtures stands in for (test/fixtures/fake-ray).
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test, vi } from 'vitest';
import { statusText } from '../main/cli/status.ts';
import { startFakeCluster } from './helpers/fake-cluster.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { writeTinyFolder } from './helpers/tiny-folder.ts';

vi.setConfig({ testTimeout: 120_000 });
const MIB = 1024 ** 2;

async function start({ onTestFinished }: TestContext, names: readonly string[], ray: object = {}) {
  const cluster = await startFakeCluster();
  onTestFinished(() => cluster.stop());
  const settings = (more: object = {}) => ({
    gpus: { use: 'none' },
    ray_serve: { ...cluster.settings, ...more },
    orchestration: { policies: { load: 'on_request' }, model_discovery: { scan_interval_seconds: 2 } },
    models: Object.fromEntries(names.map((name) => [name, { runtime: 'ray', ray }])),
  });
  const live = await startLiveEngine({
    settings: settings(),
    prepare: ({ folder }) => writeFileSync(join(folder, 'token'), cluster.token),
  });
  onTestFinished(() => live.close());
  return { live, settings, applications: cluster.applications };
}

const planOf = async (live: LiveEngine, target: string) => (await live.control('POST', '/control/plan', { target })).json;

test('a folder that the cluster cannot see is blocked with what to do, until path_map says where it is', async (context) => {
  const { live, settings, applications } = await start(context, ['large']);
  await writeTinyFolder(join(live.watch, 'large'), { type: 'F32', minimumBytes: 95 * MIB });
  const { blockedReason } = await live.comesTo('large', 'blocked', 60_000);
  expect(blockedReason).toBe('not-visible-on-cluster');
  const sentence = /cannot read its folder.*too much to upload \(90 MiB at most\).*ray_serve\.path_map.*models\.NAME\.ray\.source/;
  const planned = await planOf(live, 'large');
  expect(planned.decision.kind).toBe('refuse');
  expect(JSON.stringify(planned)).toMatch(sentence);
  const asked = await live.predict('large');
  expect([asked.status, asked.json.error.code]).toEqual([503, 'model-blocked']);
  await live.set(settings({ path_map: { [live.watch]: '/mnt/models' } }));
  await live.comesTo('large', 'unloaded', 60_000);
  expect((await live.ask('POST', '/v1/completions', { model: 'large', prompt: 'Hello', max_tokens: 1 })).status).toBe(200);
  expect(await applications()).toMatchObject([{ args: { source: { path: '/mnt/models/large' } } }]);
});

test('a plan for a folder says the application that it would be, before anything is loaded', async (context) => {
  const { live, applications } = await start(context, ['small'], { gpus: 0.5, replicas: 2 });
  await writeTinyFolder(join(live.watch, 'small'), { type: 'F32' });
  await live.comesTo('small', 'unloaded', 60_000);
  const { decision } = await planOf(live, 'small');
  expect(decision.kind).toBe('place');
  const lines: readonly string[] = decision.candidate.plan.args;
  expect(lines).toEqual([
    expect.stringMatching(/^application: modelium-\w+-NAME, at the route \/modelium-\w+-NAME$/),
    'task: generate',
    'replicas: 2',
    'each replica: 0.5 GPU, 1 processors set aside',
    'files: uploaded',
    expect.stringContaining('"task":"generate"'),
  ]);
  expect(await applications()).toEqual([]);
});

test('nodes of the cluster and their GPUs are in the status, told apart from this machine', async (context) => {
  const { live } = await start(context, []);
  const snapshot = await vi.waitFor(async () => {
    const found = await live.status();
    expect(found.runtimes.find(({ id }) => id === 'ray')?.nodes).toMatchObject([{ name: '192.0.2.7', gpus: 2, gpuName: 'A100' }]);
    return found;
  }, 60_000);
  expect(snapshot.devices.filter(({ kind }) => kind === 'gpu')).toEqual([]);
  expect(statusText(snapshot, Date.now())).toMatch(
    /elsewhere.* node 192\.0\.2\.7: 0 of 2 GPUs promised \(A100\), 0 of 2 processors promised, 1\.0 GiB of memory/,
  );
});

test('what Ray says of a load that failed reaches whoever asked, in its words and without its colours', async (context) => {
  const { live } = await start(context, ['raises']);
  await writeTinyFolder(join(live.watch, 'raises'), { type: 'F32' });
  await live.comesTo('raises', 'unloaded', 60_000);
  const { status, json } = await live.predict('raises');
  expect([status, json.error.message]).toEqual([
    503,
    expect.stringMatching(/It failed on the Ray cluster at 127\.0\.0\.1:\d+: OSError: no file named model\.safetensors found/),
  ]);
  expect(json.error.message).not.toContain('[36m');
});
