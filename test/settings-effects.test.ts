/**
 * (I13) Every key of modelium.yaml has an effect, and a test that shows it: the table names it.
 * Those without a home elsewhere are here.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Lease } from '../main/core/gateway.ts';
import { type Settings, settingsSchema } from '../shared/settings.ts';
import { GIB } from '../shared/units.ts';
import { type CoreBox, createCoreBox } from './helpers/core-box.ts';
import { eventually } from './helpers/eventually.ts';
import { type LiveEngine, type LiveOptions, startLiveEngine } from './helpers/live-engine.ts';
import { makeSimulatedBox } from './helpers/simulated-box.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

const HERE = 'test/settings-effects.test.ts';
const ERRORS = 'test/errors.test.ts';
const SERVER = 'test/http/server.test.ts';
const RAY = 'test/runtime/ray/ray.test.ts';
const RAY_FOUND = `${RAY}: ray_serve.command, or an environment beside the settings; it has to have Serve; enabled: false switches it off`;
const RAY_CLUSTER = `${RAY}: ray_serve.url with its token, by token_env or token_file, and what is wrong with that`;
const RAY_OWN = `${RAY}: ray_serve.object_store_mb, port_range and env make the launch of our own cluster`;
const RAY_MODEL = `${RAY}: models.NAME.ray says replicas, autoscaling, cpus, gpus, devices and resources`;
const RAY_FILES = `${RAY}: ray_serve.path_map, the longest folder first, models.NAME.ray.source, or an upload: how the files get there`;
const RAY_LOAD = `${RAY}: packs the code flat, uploads it once, puts what others have back, and ends at the application with a key of its own`;
const LAUNCH = `${HERE}: llama.command, args, env and port_range make the launch`;
const VLLM = 'test/vllm.test.ts: vllm.command, args, env and port_range make the launch; enabled: false leaves the folder to llama.cpp';
const PLANS = 'test/plans.test.ts';
const GPUS = `${HERE}: gpus.nvidia_smi, use and reserve_mb, and a model’s own gpus, choose the place`;
const HOST = `${HERE}: host.reserve_mb and memory_limit_mb bound what models may take of main memory`;

const OWN =
  'test/custom-runtime.test.ts: a runtime of one’s own serves what its formats say, two models at once, by its own command, until they are idle and the GPU is seen free';
const OWN_PARTS = 'test/runtime/custom/custom.test.ts';
const CACHE =
  'test/io/prepared-files.test.ts: cache.folder is where it lies, and cache.max_gb bounds it: the least recently used go first, and nothing in use';

const REMOTE =
  'test/remotes.test.ts: a second Modelium: its models are listed here, told apart, and asked by name, whole, streamed and by /predict';
const REMOTE_KEY = 'test/remotes.test.ts: a wrong key is named, the right one is taken up, and neither is ever told';
const REMOTE_ENV = 'test/remotes.test.ts: a key comes from the environment as well, and no file of ours holds one';

const TRITON_PARTS = 'test/runtime/triton/triton.test.ts';
const TRITON_FOUND = `${TRITON_PARTS}: it is found by triton.command, or where its container has it, with the backends beside it or in triton.backends; enabled: false`;
const TRITON_KEY = 'test/triton-elsewhere.test.ts: a wrong header and a wrong key are each told in a sentence, and no key is ever told';
const TRITON_ELSEWHERE =
  'test/triton-elsewhere.test.ts: a model goes there with its files under a name of ours, is asked, and leaves; memory that stays is told, and nothing is started anew';
const TRITON_CONTAINER =
  'test/runtime/triton/container.test.ts: an image in triton.container makes it one, by container.program, with container.args, and folders for reading only';
const TRITON_LAUNCH = `${TRITON_PARTS}: a server of ours is closed to everybody else; triton.args and env make its launch`;
const TRITON_TOLD = `${TRITON_PARTS}: what a TorchScript file does not tell, a person says in models.NAME.triton: inputs, outputs and max_batch_size`;

const IMAGE = 'test/io/images.test.ts: $of with $input';
const IMAGE_TENSOR = 'test/io/images.test.ts: has the values of torchvision in the layout of its shape, and of models.NAME.image_inputs';

/** `file: name of the test`. */
const SHOWN_BY: Readonly<Record<string, string>> = {
  'vllm.enabled': VLLM,
  'vllm.command': VLLM,
  'vllm.args': VLLM,
  'vllm.env': VLLM,
  'vllm.port_range': VLLM,
  'triton.enabled': TRITON_FOUND,
  'triton.url': TRITON_ELSEWHERE,
  'triton.metrics_url': TRITON_ELSEWHERE,
  'triton.http_max_input_mb':
    'test/runtime/triton/triton.test.ts: what is larger than triton.http_max_input_mb is not sent, and what to do is said',
  'triton.key_header': TRITON_KEY,
  'triton.key_file': TRITON_KEY,
  'triton.key_env':
    'test/runtime/triton/triton.test.ts: the key of a Triton elsewhere comes from a variable, and one that is not set is told',
  'triton.container.image': TRITON_CONTAINER,
  'triton.container.program': TRITON_CONTAINER,
  'triton.container.folders': TRITON_CONTAINER,
  'triton.container.args': TRITON_CONTAINER,
  'triton.command': TRITON_FOUND,
  'triton.backends': TRITON_FOUND,
  'triton.args': TRITON_LAUNCH,
  'triton.env': TRITON_LAUNCH,
  'models.<id>.image_inputs.<id>.size': IMAGE,
  'models.<id>.image_inputs.<id>.resize': IMAGE,
  'models.<id>.image_inputs.<id>.short_side': IMAGE,
  'models.<id>.image_inputs.<id>.pad_value': IMAGE,
  'models.<id>.image_inputs.<id>.filter': IMAGE,
  'models.<id>.image_inputs.<id>.channels': IMAGE,
  'models.<id>.image_inputs.<id>.layout': IMAGE_TENSOR,
  'models.<id>.image_inputs.<id>.scale': IMAGE_TENSOR,
  'models.<id>.image_inputs.<id>.mean': IMAGE_TENSOR,
  'models.<id>.image_inputs.<id>.std': IMAGE_TENSOR,
  'models.<id>.triton.inputs': TRITON_TOLD,
  'models.<id>.triton.outputs': TRITON_TOLD,
  'models.<id>.triton.max_batch_size': TRITON_TOLD,
  'ray_serve.enabled': RAY_FOUND,
  'ray_serve.command': RAY_FOUND,
  'ray_serve.url': RAY_CLUSTER,
  'ray_serve.token_env': RAY_CLUSTER,
  'ray_serve.token_file': RAY_CLUSTER,
  'ray_serve.path_map': RAY_FILES,
  'ray_serve.http_port': RAY_LOAD,
  'ray_serve.object_store_mb': RAY_OWN,
  'ray_serve.env': RAY_OWN,
  'ray_serve.port_range': RAY_OWN,
  'models.<id>.ray.gpus': RAY_MODEL,
  'models.<id>.ray.devices': RAY_MODEL,
  'models.<id>.ray.cpus': RAY_MODEL,
  'models.<id>.ray.resources': RAY_MODEL,
  'models.<id>.ray.replicas': RAY_MODEL,
  'models.<id>.ray.autoscaling.min': RAY_MODEL,
  'models.<id>.ray.autoscaling.max': RAY_MODEL,
  'models.<id>.ray.autoscaling.target': RAY_MODEL,
  'models.<id>.ray.autoscaling.up_after_seconds': RAY_MODEL,
  'models.<id>.ray.autoscaling.down_after_seconds': RAY_MODEL,
  'models.<id>.ray.source': RAY_FILES,
  'models.<id>.ray.llm': RAY_MODEL,
  'llama.enabled': `${HERE}: llama.enabled: false blocks what only it serves, until it is true again`,
  'llama.command': LAUNCH,
  'llama.args': LAUNCH,
  'llama.env': LAUNCH,
  'llama.port_range': LAUNCH,
  'orchestration.model_discovery.watch_directories': `${HERE}: watch_directories are watched, and what is added to them while it runs`,
  'orchestration.model_discovery.scan_interval_seconds': `${HERE}: scan_interval_seconds: a folder that comes later is found at the next look`,
  'orchestration.policies.evict_after_idle_seconds': `${HERE}: evict_after_idle_seconds: a number, or auto by the usual gap between requests`,
  'orchestration.policies.load': `${HERE}: load: on_request leaves a dropped model unloaded; always_loaded loads it all the same`,
  'orchestration.policies.always_loaded': `${HERE}: load: on_request leaves a dropped model unloaded; always_loaded loads it all the same`,
  'orchestration.policies.max_queue': `${ERRORS}: queue-full, then queue-timeout: both say when to ask again`,
  'orchestration.policies.queue_timeout_seconds': `${ERRORS}: queue-full, then queue-timeout: both say when to ask again`,
  'orchestration.policies.drain_seconds': `${HERE}: drain_seconds: the time that a request in flight gets`,
  'orchestration.policies.min_residency_seconds': `${HERE}: min_residency_seconds: nobody leaves before`,
  'orchestration.policies.fairness_max_wait_seconds': `${HERE}: fairness_max_wait_seconds: then a busy model leaves too`,
  'orchestration.policies.sleep_after_idle_seconds':
    'test/vllm.test.ts: an idle one sleeps, wakes through the queue for the next request, and is stopped later',
  'orchestration.policies.load_stall_seconds': `${ERRORS}: load-stalled`,
  'orchestration.policies.load_max_seconds': `${ERRORS}: load-too-long`,
  'metrics.enabled': 'test/metrics.test.ts: a port of its own, behind the guard; none when metrics.enabled is false',
  'metrics.include_runtime': 'test/vllm.test.ts: metrics.include_runtime: the figures of vLLM itself, under the names of the models',
  'metrics.port': 'test/metrics.test.ts: a port of its own, behind the guard; none when metrics.enabled is false',
  'api.host': `${HERE}: api.host and api.port are where it listens`,
  'api.port': `${HERE}: api.host and api.port are where it listens`,
  'api.cors_origins': `${SERVER}: lets a configured origin in, with a preflight, and no other`,
  'api.allowed_hosts': `${SERVER}: obeys api.allowed_hosts`,
  'api.max_buffered_mb':
    'test/http/bodies.test.ts: refuses with 503 and Retry-After when it is used up, serves small requests on, and is given back',
  'api.max_body_mb': `${SERVER}: refuses what is larger than api.max_body_mb, by its length or as it comes; the setting counts at once`,
  'gpus.use': GPUS,
  'gpus.reserve_mb': GPUS,
  'gpus.nvidia_smi': GPUS,
  'host.reserve_mb': HOST,
  'host.memory_limit_mb': HOST,
  'cache.folder': CACHE,
  'cache.max_gb': CACHE,
  'runtimes.<id>.command': OWN,
  'runtimes.<id>.args': OWN,
  'runtimes.<id>.env': OWN,
  'runtimes.<id>.port_range': OWN,
  'runtimes.<id>.formats': OWN,
  'runtimes.<id>.memory_mb': OWN,
  'runtimes.<id>.health':
    'test/custom-runtime.test.ts: a port that never opens is a stall, which says so; health that is well too early is not believed; one that breaks off is tried again later',
  'runtimes.<id>.protocol': `${OWN_PARTS}: of a server without a protocol its health is all that is known`,
  'runtimes.<id>.kinds': `${OWN_PARTS}: its formats and kinds, in words`,
  'runtimes.<id>.model_name': `${OWN_PARTS}: of a server without a protocol its health is all that is known`,
  'runtimes.<id>.stop.signal': OWN,
  'runtimes.<id>.stop.grace_seconds': `${OWN_PARTS}: what it is told to end by, and how long it gets`,
  'remotes.<id>.url': REMOTE,
  'remotes.<id>.key_env': REMOTE_ENV,
  'remotes.<id>.key_file': REMOTE_KEY,
  'remotes.<id>.models': REMOTE_KEY,
  'remotes.<id>.prefix': REMOTE,
  'models.<id>.pin': `${HERE}: a model’s own pin and evict_after_idle_seconds beat the policy`,
  'models.<id>.gpus': GPUS,
  'models.<id>.context': `${HERE}: a model’s own context, args and aliases`,
  'models.<id>.parallel': `${PLANS}: models.NAME.parallel: requests side by side, on llama.cpp and vLLM`,
  'models.<id>.memory_mb': `${PLANS}: models.NAME.memory_mb: a person’s word in place of the estimate, told in the reason`,
  'models.<id>.evict_after_idle_seconds': `${HERE}: a model’s own pin and evict_after_idle_seconds beat the policy`,
  'models.<id>.aliases': `${HERE}: a model’s own context, args and aliases`,
  'models.<id>.runtime':
    'test/vllm.test.ts: one that is installed while we run is found, and serves at the next load what llama.cpp served until then',
  'models.<id>.quantization': 'test/quantizations.test.ts: the best that fits is loaded; models.NAME.quantization: another one, by hand',
  'models.<id>.args': `${HERE}: a model’s own context, args and aliases`,
};

function leaves(schema: z.core.$ZodType, path: readonly string[] = []): readonly string[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return leaves(schema.unwrap() as z.core.$ZodType, path);
  }
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape as Record<string, z.core.$ZodType>).flatMap(([key, inner]) => leaves(inner, [...path, key]));
  }
  if (schema instanceof z.ZodRecord && schema.valueType instanceof z.ZodObject) return leaves(schema.valueType, [...path, '<id>']);
  return [path.join('.')];
}

test('every key names the test that shows its effect, and no other key is named', () => {
  expect(leaves(settingsSchema).toSorted()).toEqual(Object.keys(SHOWN_BY).sort());
});

test.each(Object.entries(SHOWN_BY))('%s is shown by a test that is there', (_key, shownBy) => {
  const at = shownBy.indexOf(': ');
  const source = readFileSync(resolve(import.meta.dirname, '..', shownBy.slice(0, at)), 'utf8');
  expect(source).toContain(`'${shownBy.slice(at + 2)}',`);
});

async function withEngine(options: LiveOptions, act: (live: LiveEngine) => Promise<void>): Promise<void> {
  const live = await startLiveEngine(options);
  try {
    await act(live);
  } finally {
    await live.close();
  }
}

const policies = (own: object) => ({ orchestration: { policies: own } });

describe('on a real engine', () => {
  test('llama.enabled: false blocks what only it serves, until it is true again', async () => {
    await withEngine({ settings: { llama: { enabled: false } } }, async (live) => {
      await live.drop('tiny');
      expect(await live.comesTo('tiny', 'blocked')).toMatchObject({ blockedReason: 'no-runtime' });
      await live.set({ llama: { enabled: true }, ...policies({ load: 'on_request' }) });
      await eventually('it is servable', async () => (await live.model('tiny'))?.state !== 'blocked');
    });
  });

  test('llama.command, args, env and port_range make the launch', async () => {
    const box = makeSimulatedBox({ gpus: [] });
    const command = join(box.dir, 'told');
    writeFileSync(command, `#!/bin/sh\necho "env $TOLD args $*" >&2\nexec ${box.runtimeCommand} "$@"\n`);
    chmodSync(command, 0o755);
    const first = await freePort();
    const llama = { command, args: ['--memory-mb', '7'], env: { TOLD: 'heard' }, port_range: [first, first] };
    try {
      await withEngine({ settings: { llama } }, async (live) => {
        await live.drop('tiny');
        await live.comesTo('tiny', 'ready');
        const { lines } = (await live.control('GET', '/control/logs?model=tiny')).json as { readonly lines: readonly string[] };
        const reported = lines.find((line) => line.startsWith('env '));
        expect(reported).toMatch(/^env heard args .*--memory-mb 7/);
        expect(reported).toContain(`--port ${first} `);
      });
    } finally {
      box.remove();
    }
  });

  test('watch_directories are watched, and what is added to them while it runs', async () => {
    let [one, two] = ['', ''];
    const discovery = (...watch_directories: string[]) => ({
      orchestration: { model_discovery: { watch_directories }, policies: { load: 'on_request' } },
    });
    const live = await startLiveEngine({ watchBySettings: true, settings: discovery() });
    try {
      [one, two] = [join(live.folder, 'one'), join(live.folder, 'two')];
      await writeTinyGguf(one, { name: 'first' });
      await writeTinyGguf(two, { name: 'second' });
      expect((await live.status()).watchFolders).toEqual([]);
      await live.set(discovery(one));
      await live.comesTo('first', 'unloaded');
      expect(await live.model('second')).toBeUndefined();
      await live.set(discovery(one, two));
      await live.comesTo('second', 'unloaded');
    } finally {
      await live.close();
    }
  });

  test('scan_interval_seconds: a folder that comes later is found at the next look', async () => {
    const live = await startLiveEngine({ watchBySettings: true });
    const late = join(live.folder, 'late');
    const look = (scan_interval_seconds: number) => ({
      orchestration: { model_discovery: { watch_directories: [late], scan_interval_seconds } },
    });
    const isThere = async () => (await live.status()).watchFolders.some(({ path, ok }) => path === late && ok);
    try {
      await live.set(look(3_600));
      const isMissed = async () =>
        (await live.status()).watchFolders.some(({ path, ok, message }) => path === late && !ok && message !== 'not scanned yet');
      await eventually('the first look missed the folder', isMissed);
      mkdirSync(late);
      await expect(eventually('the folder is found', isThere, 1_500)).rejects.toThrow();
      await live.set(look(0.1));
      await eventually('the new interval is in force, the folder found', isThere);
      await live.set({ orchestration: { model_discovery: { watch_directories: [join(late, 'inner')], scan_interval_seconds: 0.1 } } });
      mkdirSync(join(late, 'inner'));
      const found = async () => (await live.status()).watchFolders.some(({ path, ok }) => path.endsWith('inner') && ok);
      await eventually('the inner folder is found', found);
    } finally {
      await live.close();
    }
  });

  test('load: on_request leaves a dropped model unloaded; always_loaded loads it all the same', async () => {
    await withEngine({ settings: policies({ load: 'on_request', always_loaded: ['always'] }) }, async (live) => {
      await live.drop('lazy');
      await live.drop('always');
      await live.comesTo('always', 'ready');
      expect((await live.comesTo('lazy', 'unloaded')).message).toContain('not loaded');
      expect(live.logged.join('\n')).not.toContain('Loading lazy');
    });
  });

  test('api.host and api.port are where it listens', async () => {
    const port = await freePort();
    const host = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1';
    await withEngine({ settings: { api: { host, port } } }, async (live) => {
      expect(live.address).toBe(`http://${host}:${port}`);
      expect((await live.ask('GET', '/health')).status).toBe(200);
    });
  });

  test('gpus.nvidia_smi, use and reserve_mb, and a model’s own gpus, choose the place', async () => {
    const box = makeSimulatedBox({ gpus: [{ totalMiB: 4_096 }, { totalMiB: 4_096 }, { totalMiB: 4_096 }] });
    const settings = {
      llama: { command: box.runtimeCommand },
      gpus: { nvidia_smi: box.nvidiaSmi, use: [1, 2], reserve_mb: 300 },
      models: { second: { gpus: [2] } },
    };
    try {
      await withEngine({ settings }, async (live) => {
        const gpus = (await live.status()).devices.filter(({ kind }) => kind === 'gpu');
        expect(gpus.map(({ reservedBytes }) => reservedBytes)).toEqual(Array(3).fill(300 * 1024 ** 2));
        await live.drop('first');
        expect((await live.comesTo('first', 'ready')).plan?.placement.gpus).toEqual([box.uuids[1]]);
        await live.drop('second', { seed: 2 });
        expect((await live.comesTo('second', 'ready')).plan?.placement.gpus).toEqual([box.uuids[2]]);
      });
    } finally {
      box.remove();
    }
  });

  test('a model’s own context, args and aliases', async () => {
    const box = makeSimulatedBox({ gpus: [] });
    const own = { context: 96, args: ['--token-ms', '1'], aliases: ['my-name'] };
    try {
      await withEngine({ settings: { llama: { command: box.runtimeCommand }, models: { tiny: own } } }, async (live) => {
        await live.drop('tiny');
        const { plan, aliases } = await live.comesTo('tiny', 'ready');
        expect(plan).toMatchObject({ contextTokens: 96, args: expect.arrayContaining(own.args) });
        expect(aliases).toEqual(own.aliases);
        const answer = await live.predict('my-name');
        expect([answer.status, answer.headers.get('x-modelium-model')]).toEqual([200, 'tiny']);
        expect((await live.predict('my-nam')).text).toContain('my-name');
        await live.set({ llama: { command: box.runtimeCommand }, models: { tiny: { ...own, aliases: ['other'] } } });
        expect([(await live.predict('my-name')).status, (await live.predict('other')).status]).toEqual([404, 200]);
      });
    } finally {
      box.remove();
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

describe('on a simulated box with a virtual clock', () => {
  /** One GPU of 16 GiB, no room on the host; `change` is what the test is about. */
  function world(change: (settings: Settings) => void): CoreBox {
    return createCoreBox({
      gpus: [16 * GIB],
      settings: (settings) => {
        settings.host.memory_limit_mb = 64;
        change(settings);
        return settings;
      },
    });
  }
  const withPolicies = (own: Partial<Settings['orchestration']['policies']>) =>
    world((settings) => Object.assign(settings.orchestration.policies, own));

  async function pass(box: CoreBox, seconds: number): Promise<void> {
    for (let quarter = 0; quarter < seconds * 4; quarter += 1) {
      await box.clock.advance(250);
      box.sample();
    }
  }

  /** Holds its lease until it is released. */
  async function ask(box: CoreBox, id: string): Promise<{ lease: Lease | null }> {
    const asked: { lease: Lease | null } = { lease: null };
    void Promise.resolve(box.waitingRoom.ensureReady(id, { signal: new AbortController().signal })).then((lease) => {
      asked.lease = lease;
    });
    await box.clock.advance(0);
    return asked;
  }

  test('evict_after_idle_seconds: a number, or auto by the usual gap between requests', async () => {
    const ends = async (limit: number | 'auto', seconds: number) => {
      const box = withPolicies({ evict_after_idle_seconds: limit });
      box.drop('a', GIB, 'content');
      await pass(box, 2);
      for (let round = 0; round < 3; round += 1) {
        (await ask(box, 'a')).lease?.release();
        await pass(box, 10);
      }
      await pass(box, seconds);
      return box.state('a');
    };
    expect(await ends(20, 5)).toBe('ready');
    expect(await ends(20, 15)).toBe('unloaded');
    expect(await ends('auto', 15)).toBe('ready');
    expect(await ends('auto', 60)).toBe('unloaded');
    expect(await ends(300, 60)).toBe('ready');
  });

  test('drain_seconds: the time that a request in flight gets', async () => {
    const isCut = async (drain_seconds: number) => {
      const box = withPolicies({ drain_seconds });
      box.drop('a', GIB, 'person');
      await pass(box, 3);
      const { lease } = await ask(box, 'a');
      void box.manager.unloadModel('a', 'user', { to: 'unloaded', reason: 'user' });
      await pass(box, 5);
      return lease?.cut.aborted;
    };
    expect([await isCut(2), await isCut(20)]).toEqual([true, false]);
  });

  /**
   * Who may be there 25 s after `a` came, when `b` is asked for after 5 s and only one fits.
   * `held`: a request stays at `a`.
   */
  async function contest(box: CoreBox, held: boolean): Promise<string> {
    box.drop('a', 10 * GIB, 'content');
    box.drop('b', 10 * GIB);
    await pass(box, 5);
    const first = held ? await ask(box, 'a') : { lease: null };
    await ask(box, 'b');
    await pass(box, 20);
    const stays = box.state('a') === 'ready';
    first.lease?.release();
    return stays ? 'a' : 'b';
  }

  test('min_residency_seconds: nobody leaves before', async () => {
    expect(await contest(withPolicies({ min_residency_seconds: 60 }), false)).toBe('a');
    expect(await contest(withPolicies({ min_residency_seconds: 1 }), false)).toBe('b');
  });

  test('fairness_max_wait_seconds: then a busy model leaves too', async () => {
    expect(await contest(withPolicies({ fairness_max_wait_seconds: 60 }), true)).toBe('a');
    expect(await contest(withPolicies({ fairness_max_wait_seconds: 5 }), true)).toBe('b');
  });

  test('a model’s own pin and evict_after_idle_seconds beat the policy', async () => {
    const box = world((settings) => {
      settings.orchestration.policies.evict_after_idle_seconds = 60;
      settings.models = { pinned: { pin: true }, brief: { evict_after_idle_seconds: 5 } };
    });
    for (const id of ['pinned', 'brief', 'usual']) box.drop(id, GIB, 'content');
    await pass(box, 20);
    expect(['pinned', 'brief', 'usual'].map(box.state)).toEqual(['ready', 'unloaded', 'ready']);
    await pass(box, 60);
    expect(['pinned', 'brief', 'usual'].map(box.state)).toEqual(['ready', 'unloaded', 'unloaded']);
  });

  test('host.reserve_mb and memory_limit_mb bound what models may take of main memory', async () => {
    const verdict = async (host: Partial<Settings['host']>) => {
      const box = createCoreBox({ gpus: [], settings: (settings) => ({ ...settings, host: { ...settings.host, ...host } }) });
      box.drop('a', 4 * GIB, 'content');
      await pass(box, 3);
      return box.state('a');
    };
    expect(await verdict({})).toBe('ready');
    expect(await verdict({ memory_limit_mb: 3 * 1024 })).toBe('blocked');
    expect(await verdict({ reserve_mb: 510 * 1024 })).toBe('blocked');
  });
});
