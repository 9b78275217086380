/**
 * Ray Serve without Ray: where it is found, the application that it makes of a model, and its
 * steps, answered by the fake cluster of the fixtures.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { LoadTarget } from '../../../main/runtime/adapter.ts';
import type { MachineFacts } from '../../../main/runtime/module.ts';
import { rayAdapter } from '../../../main/runtime/ray/adapter.ts';
import { findRay, NOT_FOUND, type RayFound } from '../../../main/runtime/ray/find.ts';
import { ray } from '../../../main/runtime/ray/module.ts';
import { mapped } from '../../../main/runtime/ray/path-map.ts';
import { causeIn, cleaned, standingOf } from '../../../main/runtime/ray/state.ts';
import type { Step, Steps } from '../../../main/runtime/step.ts';
import type { Placement } from '../../../shared/decision.ts';
import type { Endpoint } from '../../../shared/model.ts';
import type { ModelForm, ModelProfile } from '../../../shared/profile.ts';
import { type ModelSettings, type Settings, settingsSchema } from '../../../shared/settings.ts';
import { FakeRay } from '../../fixtures/fake-ray/state.ts';
import { textProfile } from '../../helpers/core-box.ts';
import { searcher, searchMachine } from '../../helpers/searching.ts';

const folder = mkdtempSync(join(tmpdir(), 'ray-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const MIB = 1024 ** 2;
const FORM: ModelForm = { kind: 'transformers', files: ['model.safetensors'], codeFiles: [] };
const CPU: Placement = { kind: 'cpu', gpus: [], gpuLayers: null };
const GPU: Placement = { kind: 'gpu', gpus: ['GPU-0'], gpuLayers: null };
const ELSEWHERE: Placement = { kind: 'elsewhere', gpus: [], gpuLayers: null, where: 'there' };
const HEAD = {
  origin: 'http://head:8265',
  where: 'the Ray cluster at head:8265',
  host: 'head',
  isLocal: false,
  token: 'secret',
  problem: null,
};
const SERVER: Endpoint = {
  at: { url: HEAD.origin },
  key: 'secret',
  protocol: 'openai',
  model: '',
  prefix: '/v1',
  control: { at: { url: HEAD.origin }, key: 'secret' },
};

const profileOf = (change: Partial<ModelProfile> = {}): ModelProfile => ({
  ...textProfile(50 * MIB),
  kind: 'embedding',
  architecture: 'BertModel',
  forms: [FORM],
  ...change,
});

function machineWith(settings: object = {}, change: Partial<MachineFacts> = {}): MachineFacts {
  return searchMachine({ settings: settingsSchema.parse(settings) as Settings, settingsFolder: folder, home: folder, ...change });
}

const foundAt = (cluster: RayFound['cluster']): RayFound => ({ ...NOT_FOUND, cluster, program: cluster === null ? '/opt/ray' : null });

function setUp(options: { ray?: object; own?: boolean; model?: object; profile?: Partial<ModelProfile>; modelId?: string } = {}) {
  const machine = machineWith({ ray_serve: options.ray ?? {} });
  const adapter = rayAdapter(machine, foundAt(options.own === true ? null : HEAD));
  const settings = settingsSchema.parse({ models: { m: { ray: options.model ?? {} } } }).models['m'] as ModelSettings;
  const profile = profileOf(options.profile);
  const launch = { ...settings, runtime: 'ray', path: '/models/m' };
  const place = options.own === true ? CPU : ELSEWHERE;
  const plan = adapter.plan(profile, FORM, place, launch);
  const modelId = options.modelId ?? 'm';
  const target: LoadTarget = { modelId, path: '/models/m', file: '/models/m/model.safetensors', plan, profile, proof: 'embed' };
  return { adapter, machine, profile, launch, plan, target };
}

/** Answers steps by the fake cluster; `see` looks at each before it is answered. */
function run<Result>(steps: Steps<Result>, cluster: FakeRay, see: (step: Step) => void = () => {}): { result: Result; asked: Step[] } {
  const asked: Step[] = [];
  const all = <Inner>(inner: Steps<Inner>): Inner => {
    let turn = inner.next();
    while (!turn.done) {
      const step = turn.value;
      asked.push(step);
      see(step);
      turn = inner.next(step.do === 'alone' ? all(step.steps()) : answer(step, cluster));
      if (asked.length > 5_000) throw new Error('it never ends');
    }
    return turn.value;
  };
  return { result: all(steps), asked };
}

function answer(step: Step, cluster: FakeRay): unknown {
  if (step.do === 'enter') return SERVER;
  if (step.do === 'key') return 'application-key';
  if (step.do === 'pack') return { sha1: step.packing.below === '' ? 'c'.repeat(40) : 'd'.repeat(40), bytes: 1 };
  if (step.do === 'upload') return cluster.handle(step.method, step.path, null);
  if (step.do === 'http')
    return step.path.startsWith('/api/') ? cluster.handle(step.method, step.path, step.body) : { status: 200, body: '{}' };
  return undefined;
}

/** Ray's own, which are where nothing else is said. */
const DELAYS = { upscale_delay_s: 30, downscale_delay_s: 600 };
const FOREIGN = { name: 'theirs', import_path: 'a:b', args: { model: 'x' }, route_prefix: '/theirs' };
const putsIn = (asked: readonly Step[]) =>
  asked.flatMap((step) => (step.do === 'http' && step.method === 'PUT' ? [step.body as { applications: { name: string }[] }] : []));

describe('found', () => {
  const search = (settings: object, change: Partial<MachineFacts> = {}) =>
    searcher.search(findRay(machineWith({ ray_serve: settings }, change), NOT_FOUND));

  test('ray_serve.command, or an environment beside the settings; it has to have Serve; enabled: false switches it off', async () => {
    expect(await search({})).toMatchObject({ program: null, isWrong: false, message: expect.stringContaining('pip install "ray[serve]"') });
    const packages = join(folder, '.venv/lib/python3.11/site-packages');
    for (const name of ['bin', 'lib/python3.11/site-packages/ray-2.58.0.dist-info'])
      mkdirSync(join(folder, '.venv', name), { recursive: true });
    writeFileSync(join(folder, '.venv/bin/ray'), '#!/bin/sh\n');
    chmodSync(join(folder, '.venv/bin/ray'), 0o755);
    expect(await search({})).toMatchObject({ program: null, message: expect.stringMatching(/lacks Serve \(fastapi and uvicorn\)/) });
    for (const name of ['fastapi', 'uvicorn']) mkdirSync(join(packages, name));
    expect(await search({})).toMatchObject({ program: join(folder, '.venv/bin/ray'), version: '2.58.0' });
    expect(await search({ command: '/no/ray' })).toMatchObject({
      program: null,
      isWrong: true,
      message: expect.stringContaining('/no/ray'),
    });
    expect([false, 'auto', true].map((enabled) => ray.isEnabled(machineWith({ ray_serve: { enabled } }).settings))).toEqual([
      false,
      true,
      true,
    ]);
  });

  test('ray_serve.url with its token, by token_env or token_file, and what is wrong with that', async () => {
    const url = 'http://head:8265';
    expect(await search({ url, token_env: 'T' }, { env: { T: ' abc\n' } })).toMatchObject({
      cluster: { origin: url, isLocal: false, token: 'abc' },
    });
    expect(await search({ url, token_env: 'T' })).toMatchObject({ isWrong: true, message: expect.stringContaining('ray_serve.token_env') });
    writeFileSync(join(folder, 'token'), 'xyz\n');
    expect(await search({ url: 'http://127.0.0.1:8265', token_file: 'token' })).toMatchObject({ cluster: { isLocal: true, token: 'xyz' } });
    writeFileSync(join(folder, 'two'), 'x y');
    expect(await search({ url, token_file: 'two' })).toMatchObject({ isWrong: true, message: expect.stringContaining('spaces') });
    expect(() => machineWith({ ray_serve: { url, token_env: 'T', token_file: 't' } })).toThrow(/not both/);
    expect(() => machineWith({ ray_serve: { url: 'http://a:b@head:1/x' } })).toThrow(/dashboard/);
  });
});

describe('the application', () => {
  const planned = (options: Parameters<typeof setUp>[0]) => JSON.parse(setUp(options).plan.args.at(-1) ?? '');

  test('models.NAME.ray says replicas, autoscaling, cpus, gpus, devices and resources', () => {
    const reported = planned({ model: { replicas: 2, cpus: 0.5, gpus: 0.25, resources: { fast_disk: 0.1 } } });
    expect(reported).toMatchObject({ task: 'embed', trusted: false, gpus: 0.25, env: {} });
    expect(reported.deployment).toMatchObject({ num_replicas: 2, ray_actor_options: { num_cpus: 0.5, resources: { fast_disk: 0.1 } } });
    expect(planned({ model: { autoscaling: { min: 1, max: 4, target: 3 } } }).deployment).toMatchObject({
      autoscaling_config: { min_replicas: 1, max_replicas: 4, target_ongoing_requests: 3, ...DELAYS },
    });
    const quick = { min: 1, max: 2, target: 1, up_after_seconds: 4, down_after_seconds: 9 };
    expect(planned({ model: { autoscaling: quick } }).deployment.autoscaling_config).toMatchObject({
      upscale_delay_s: 4,
      downscale_delay_s: 9,
    });
    expect(planned({ model: { devices: ['1', 'GPU-x'] } })).toMatchObject({ gpus: 0, env: { CUDA_VISIBLE_DEVICES: '1,GPU-x' } });
    expect(setUp({ model: { replicas: 3 } }).plan.parallelSequences).toBe(3 * setUp({}).plan.parallelSequences);
    expect(planned({ model: { llm: true } }).llm).toBeNull();
  });

  test('on a cluster of our own the GPUs are those that were chosen, counted by us, and no processor is set aside', () => {
    const { adapter, profile } = setUp({ own: true });
    const reported = JSON.parse(adapter.plan(profile, FORM, GPU, {}).args.at(-1) ?? '');
    expect(reported).toMatchObject({
      source: 'here',
      gpus: 0,
      env: { CUDA_VISIBLE_DEVICES: 'GPU-0' },
      deployment: { ray_actor_options: { num_cpus: 0 } },
    });
  });

  test('a plan says in lines what Ray would make of it', () => {
    const reported = (options: Parameters<typeof setUp>[0]) => setUp(options).plan.args.slice(0, -1);
    expect(reported({})).toEqual([
      'application: modelium-a-test-NAME, at the route /modelium-a-test-NAME',
      'task: embed',
      'replicas: 1',
      'each replica: 1 GPU where the cluster has any, 1 processors set aside',
      'files: uploaded',
    ]);
    const scaled = { autoscaling: { min: 1, max: 4, target: 3 }, gpus: 0.25, cpus: 2, resources: { fast_disk: 0.1 } };
    expect(reported({ model: scaled, ray: { path_map: { '/models': '/mnt/m' } } }).slice(2)).toEqual([
      'replicas: 1 to 4, another one at 3 requests each',
      'each replica: 0.25 GPU, 2 processors set aside, 0.1 of fast_disk',
      'files: read as /mnt/m/m',
    ]);
    expect(reported({ model: { devices: ['0', '1'], source: 's3://bucket/m.zip' } }).slice(3)).toEqual([
      'each replica: GPU 0,1, 1 processors set aside',
      'files: s3://bucket/m.zip',
    ]);
    expect(reported({ own: true }).slice(3)).toEqual(['each replica: no GPU, 0 processors set aside', 'files: read where they lie']);
  });

  test('each setting of models.NAME.ray reaches the application that Ray is given', () => {
    const put = (model: object, profile?: Partial<ModelProfile>) => {
      const { adapter, target } = setUp({ model, ...(profile === undefined ? {} : { profile }) });
      const cluster = new FakeRay();
      run(adapter.load(target), cluster);
      return cluster.apps[0] as unknown as {
        args: { deployment: object; source: object; llm?: object };
        runtime_env: { env_vars: object };
      };
    };
    expect(put({ replicas: 2, cpus: 0.5, gpus: 0.25, resources: { fast_disk: 0.1 } }).args.deployment).toEqual({
      num_replicas: 2,
      max_ongoing_requests: 4,
      ray_actor_options: { num_cpus: 0.5, num_gpus: 0.25, resources: { fast_disk: 0.1 } },
    });
    expect(put({ autoscaling: { min: 1, max: 4, target: 3 } }).args.deployment).toMatchObject({
      autoscaling_config: { min_replicas: 1, max_replicas: 4, target_ongoing_requests: 3, ...DELAYS },
    });
    expect(put({ autoscaling: {} }).args.deployment).not.toHaveProperty('num_replicas');
    const exact = put({ devices: ['1', 'GPU-x'] });
    expect([exact.args.deployment, exact.runtime_env.env_vars]).toMatchObject([
      { ray_actor_options: { num_gpus: 0 } },
      { CUDA_VISIBLE_DEVICES: '1,GPU-x', CUDA_DEVICE_ORDER: 'PCI_BUS_ID' },
    ]);
    expect(put({ source: '/mnt/x' }).args.source).toEqual({ path: '/mnt/x' });
    expect(put({ source: 'hf://owner/name' })).toMatchObject({ args: { source: { uri: 'hf://owner/name' } } });
    expect(put({}).args).not.toHaveProperty('llm');
    // The GPU is of vLLM's worker: of the server beside it, it would be a second one.
    const llm = put({ llm: true, replicas: 2 }, { kind: 'chat', architecture: 'LlamaForCausalLM' });
    expect(llm.args).toMatchObject({
      deployment: { num_replicas: 2, max_ongoing_requests: 64, ray_actor_options: { num_gpus: 0 } },
      llm: { placement_group_config: { bundles: [{ GPU: 1 }] } },
    });
    expect(llm.args.deployment).toMatchObject({ max_constructor_retry_count: 1, health_check_period_s: 2 });
    expect(llm.runtime_env.env_vars).toMatchObject({ VLLM_NO_USAGE_STATS: '1' });
  });

  test.each<[string, Partial<ModelProfile>, string | null]>([
    ['chat', { kind: 'chat', architecture: 'LlamaForCausalLM' }, 'generate'],
    ['rankings', { kind: 'reranker', architecture: 'BertForSequenceClassification' }, 'rank'],
    ['classes', { kind: 'classifier', architecture: 'BertForSequenceClassification' }, 'classify'],
    ['answers in texts', { kind: 'classifier', architecture: 'BertForQuestionAnswering' }, null],
    ['images', { kind: 'vision', architecture: 'ViTForImageClassification' }, 'image'],
    ['depths', { kind: 'vision', architecture: 'DPTForDepthEstimation' }, null],
    ['images by words', { kind: 'embedding', architecture: 'CLIPModel' }, 'zero-shot-image'],
    ['speech', { kind: 'speech', architecture: 'WhisperForConditionalGeneration' }, 'speech'],
  ])('its task for %s', (_what, change, task) => {
    const { adapter, profile } = setUp({ profile: change });
    expect(adapter.supports(profile, FORM).supported).toBe(task !== null);
    if (task !== null) expect(planned({ profile: change }).task).toBe(task);
  });

  test('ray_serve.path_map, the longest folder first, models.NAME.ray.source, or an upload: how the files get there', () => {
    const map = { '/models': '/mnt/a', '/models/deep': '/mnt/b/' };
    expect(mapped('/models/m', map)).toBe('/mnt/a/m');
    expect(mapped('/models/deep/m', map)).toBe('/mnt/b/m');
    expect(mapped('/models2/m', map)).toBeNull();
    expect(planned({ ray: { path_map: { '/models': '/mnt/m' } } }).source).toBe('mapped');
    expect(planned({ model: { source: 's3://bucket/m.zip' } }).source).toEqual({ at: 's3://bucket/m.zip' });
    expect(planned({}).source).toBe('upload');
    const large = setUp({ profile: { weightBytes: 91 * MIB } });
    const said = large.adapter.lacks?.(FORM, large.launch, large.profile);
    expect(said).toMatch(/head:8265 cannot read its folder.*91 MiB.*path_map.*models\.NAME\.ray\.source/);
    expect(large.adapter.lacking).toBe('not-visible-on-cluster');
    const seen = setUp({ profile: { weightBytes: 91 * MIB }, ray: { path_map: { '/models': '/m' } } });
    expect(seen.adapter.lacks?.(FORM, seen.launch, seen.profile)).toBeNull();
  });
});

describe('a load', () => {
  test('packs the code flat, uploads it once, puts what others have back, and ends at the application with a key of its own', () => {
    const { adapter, target } = setUp({ ray: { http_port: 8123 } });
    const cluster = new FakeRay();
    const { result, asked } = run(adapter.load(target), cluster);
    expect(result).toEqual({
      at: { url: 'http://head:8123' },
      key: 'application-key',
      protocol: 'openai',
      model: 'm',
      prefix: '/modelium-a-test-m/v1',
      control: SERVER.control,
    });
    expect(putsIn(asked)).toMatchObject([{ http_options: { host: '0.0.0.0', port: 8123 }, applications: [{ name: 'modelium-a-test-m' }] }]);
    expect(cluster.apps[0]).toMatchObject({
      import_path: 'modelium_serve:build',
      args: { model: 'm', task: 'embed', source: { package: 'd'.repeat(40) }, deployment: { ray_actor_options: { num_gpus: 1 } } },
      runtime_env: {
        working_dir: `gcs://_ray_pkg_${'c'.repeat(40)}.zip`,
        env_vars: { MODELIUM_KEY: 'application-key', HF_HUB_OFFLINE: '1' },
      },
    });
    // What nobody trusted is not sent: code, and what unpickles.
    expect(asked).toContainEqual({
      do: 'pack',
      folder: '/models/m',
      packing: expect.objectContaining({ without: expect.arrayContaining(['.py', '.bin']) }),
    });
    const again = run(adapter.load({ ...target, modelId: 'n' }), cluster);
    expect(again.asked.filter((step) => step.do === 'upload')).toEqual([]);
    expect(cluster.apps.map(({ name }) => name)).toEqual(['modelium-a-test-m', 'modelium-a-test-n']);
    // They count when Serve starts alone.
    expect(putsIn(again.asked)[0]).not.toHaveProperty('http_options');
    run(adapter.detach!('m', result), cluster);
    expect(cluster.apps.map(({ name }) => name)).toEqual(['modelium-a-test-n']);
  });

  test('applications of others stay, those of an earlier run of ours go, and names of models cannot meet', () => {
    const { adapter, target } = setUp();
    const cluster = new FakeRay();
    cluster.http = { host: '127.0.0.1', port: 9 };
    cluster.apps = [FOREIGN, { name: 'modelium-a-test-old', args: { model: 'old' } }, { name: 'modelium-other-x', args: { model: 'x' } }];
    run(adapter.load({ ...target, modelId: 'a/b c' }), cluster);
    expect(cluster.apps.map(({ name }) => name)).toEqual(['theirs', 'modelium-other-x', 'modelium-a-test-a_2f_b_20_c']);
    expect(cluster.apps[0]).toEqual(FOREIGN);
    const { asked } = run(adapter.detach!('never-there', SERVER), cluster);
    expect(putsIn(asked)).toEqual([]);
  });

  test('whoever puts a list over ours is noticed, and ours is put there again; again and again is an error', () => {
    const { adapter, target } = setUp();
    const cluster = new FakeRay();
    let left = 2;
    const overtaken = (step: Step): void => {
      if (step.do === 'pause' && left-- > 0) cluster.apps = [FOREIGN];
    };
    const { asked } = run(adapter.load(target), cluster, overtaken);
    expect(putsIn(asked)).toHaveLength(3);
    expect(cluster.apps.map(({ name }) => name)).toEqual(['theirs', 'modelium-a-test-m']);
    left = 1_000;
    expect(() => run(adapter.load(target), cluster, overtaken)).toThrow(
      /Another program removes it from the Ray cluster at head:8265 repeatedly/,
    );
  });

  test('a constructor that raised and a cluster without room are told in Ray’s own words, without its colours', () => {
    const raises = setUp({ modelId: 'raises' });
    expect(() => run(raises.adapter.load(raises.target), new FakeRay())).toThrow(
      /^It failed on the Ray cluster at head:8265: OSError: no file named model\.safetensors found in directory \/models\/raises\.$/,
    );
    const endless = setUp({ modelId: 'endless' });
    const phases: string[] = [];
    // Its steps never end by themselves: load_max_seconds ends them.
    const until = (step: Step) => {
      if (step.do === 'phase') phases.push(step.phase);
      if (phases.length === 9) throw new Error('long enough');
    };
    expect(() => run(endless.adapter.load(endless.target), new FakeRay(), until)).toThrow('long enough');
    expect(phases.at(-1)).toMatch(
      /^starting on 192\.0\.2\.7 \(0 of 1 replicas run\) for \d\d+ s: its node may be starting, fetching files or loading weights; Ray does not say which$/,
    );
    const homeless = setUp({ modelId: 'homeless' });
    expect(() => run(homeless.adapter.load(homeless.target), new FakeRay())).toThrow(
      /no node for it: Resources required for each replica: {"CPU": 1\.0, "GPU": 1}, total resources available: {"CPU": 2\.0}/,
    );
  });

  test('a controller that is started anew is waited for, one that never comes back is not; a wrong token says so', () => {
    const { adapter, target } = setUp();
    const cluster = new FakeRay();
    let pauses = 0;
    const dead = (until: number) => (step: Step) => {
      if (step.do === 'pause') cluster.controller = pauses++ >= until;
    };
    expect(run(adapter.load(target), cluster, dead(20)).result.model).toBe('m');
    pauses = 0;
    expect(() => run(adapter.load(target), cluster, dead(10_000))).toThrow(/controller of the Ray cluster at head:8265 does not answer/);
    cluster.controller = true;
    const refuses = Object.assign(new FakeRay(), { handle: () => ({ status: 401, body: '' }) });
    expect(() => run(adapter.load(target), refuses)).toThrow(/token is missing or wrong.*ray_serve\.token_env/);
  });

  test('an unload waits for the processes of its replicas', () => {
    const { adapter, target } = setUp();
    const cluster = new FakeRay();
    const { result } = run(adapter.load(target), cluster);
    cluster.clinging.push('modelium-a-test-m');
    expect(() => run(adapter.detach!('m', result), cluster)).toThrow(/did not end the replicas of modelium-a-test-m/);
    cluster.clinging.length = 0;
    expect(run(adapter.detach!('m', result), cluster).asked.filter((step) => step.do === 'pause')).toEqual([]);
  });
});

describe('modelium check', () => {
  const checked = (settings: object, cluster = new FakeRay(), change: Partial<MachineFacts> = {}) => {
    const steps = ray.check?.(machineWith({ ray_serve: settings }, change));
    if (steps === undefined) throw new Error('expected a check');
    return run(steps, cluster).result;
  };

  test('names a cluster with its nodes and GPUs, and says when it requires no token', () => {
    const url = 'http://head:8265';
    const [open] = checked({ url });
    expect(open).toEqual({
      what: 'ray runtime',
      verdict: 'ok',
      message: 'the Ray cluster at head:8265: 1 node, 2 GPUs; it requires no token, so anybody who reaches it can run programs there',
    });
    const [closed] = checked({ url, token_env: 'T' }, new FakeRay(), { env: { T: 'abc' } });
    expect(closed?.message).toBe('the Ray cluster at head:8265: 1 node, 2 GPUs');
  });

  test('says what is wrong with a cluster: a token that it refuses, or that is not there', () => {
    const url = 'http://head:8265';
    const refuses = Object.assign(new FakeRay(), { handle: () => ({ status: 403, body: '' }) });
    expect(checked({ url }, refuses)).toMatchObject([
      { verdict: 'wrong', message: expect.stringMatching(/token is missing or wrong.*ray_serve\.token_env/) },
    ]);
    expect(checked({ url, token_env: 'T' })).toMatchObject([{ verdict: 'wrong', message: expect.stringContaining('ray_serve.token_env') }]);
    expect(checked({ enabled: false })).toEqual([{ what: 'ray runtime', verdict: 'ok', message: 'off in the settings' }]);
  });

  test('says how to get Ray, or what a cluster of our own opens', async () => {
    const look = (settings: object, home: string) =>
      searcher.search(ray.check!(machineWith({ ray_serve: settings }, { home, settingsFolder: home })));
    expect(await look({}, join(folder, 'nowhere'))).toMatchObject([
      { verdict: 'missing', message: expect.stringContaining('pip install "ray[serve]"') },
    ]);
    const [own] = await look({}, folder);
    expect(own).toMatchObject({
      verdict: 'ok',
      message: expect.stringMatching(
        /^Ray 2\.58\.0: .*listen on all addresses of this machine and require a token; the routes of models listen on loopback$/,
      ),
    });
  });
});

test('a look at a cluster tells its nodes, and which of our models are there', () => {
  const { adapter, target } = setUp();
  const cluster = new FakeRay();
  run(adapter.load(target), cluster);
  const [facts] = adapter.servers ?? [];
  if (facts?.isForeign !== true) throw new Error('expected a cluster of others');
  const { result } = run(facts.check(), cluster);
  const node = { name: '192.0.2.7', isAlive: true, cpus: 2, gpus: 2, gpuName: 'A100', usedGpus: 0, usedCpus: 0, memoryBytes: 2 ** 30 };
  expect(result).toMatchObject({ isThere: true, loaded: ['m'], nodes: [node] });
  // Ray itself replaces a replica that was killed.
  cluster.unhealthy = true;
  expect(run(facts.check(), cluster).result).toMatchObject({ loaded: ['m'] });
  cluster.apps = [];
  expect(run(facts.check(), cluster).result).toMatchObject({ loaded: [] });
  cluster.controller = false;
  expect(run(facts.check(), cluster).result).toMatchObject({ isThere: true, loaded: undefined });
});

test('ray_serve.object_store_mb, port_range and env make the launch of our own cluster', () => {
  const settings = { ray_serve: { object_store_mb: 100, env: { A: 'b' }, port_range: [9000, 9010] } };
  const adapter = rayAdapter(machineWith(settings), foundAt(null));
  expect(adapter.portRange).toEqual([9000, 9010]);
  const [facts] = adapter.servers ?? [];
  if (facts?.isForeign !== false) throw new Error('expected a cluster of our own');
  let next = 9000;
  const cluster = new FakeRay();
  const steps = facts.start();
  let turn = steps.next();
  let spawned: Extract<Step, { do: 'spawn' }> | null = null;
  while (!turn.done) {
    const step: Step = turn.value;
    if (step.do === 'spawn') spawned = step;
    turn = steps.next(step.do === 'port' ? next++ : step.do === 'key' ? 'token' : step.do === 'scratch' ? '/s' : answer(step, cluster));
  }
  expect(spawned?.args.join(' ')).toMatch(/^start --head --block .*--port 9002 .*--object-store-memory 104857600 --temp-dir \/s$/);
  expect(spawned?.args.join(' ')).not.toContain('token');
  expect(spawned?.env).toMatchObject({ A: 'b', RAY_AUTH_MODE: 'token', RAY_AUTH_TOKEN: 'token' });
  // Serve's host and port are those of its first start.
  expect([cluster.http, turn.value]).toEqual([
    { host: '127.0.0.1', port: 9000 },
    expect.objectContaining({ at: { port: 9000 }, key: 'token' }),
  ]);
});

test('Ray’s words are cleaned and bounded', () => {
  expect(cleaned(`${String.fromCharCode(27)}[36mray::X${String.fromCharCode(27)}[39m [31mred[0m`)).toBe('ray::X red');
  expect(
    causeIn(
      'Traceback (most recent call last):\n  File "x"\nValueError: a\n\nThe above exception was the direct cause\nray.exceptions.RuntimeEnvSetupError: b\n',
    ),
  ).toBe('ray.exceptions.RuntimeEnvSetupError: b');
  expect(causeIn('nothing   that\nis an exception class')).toBe('nothing that is an exception class');
  expect(causeIn('x'.repeat(5_000)).length).toBeLessThan(600);
  expect(standingOf({ status: 'UNHEALTHY', message: 'm' })).toEqual({ is: 'failed', why: 'm' });
  expect(standingOf({ status: 'DELETING' })).toEqual({ is: 'absent' });
});
