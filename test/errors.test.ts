/**
 * Every code of shared/errors.ts is provoked here: over HTTP where HTTP can show it, else where it
 * is thrown. What nobody can provoke has to go.
 */
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, createServer, connect as openSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importedText } from '../main/cli/import.ts';
import { writeTemplate } from '../main/cli/init.ts';
import { trust } from '../main/cli/trust.ts';
import { connect } from '../main/client.ts';
import { tinyModel } from '../main/embedded/gguf/tiny-model.ts';
import { startEngine } from '../main/engine/engine.ts';
import { Connections } from '../main/http/connections.ts';
import { answerMalformed } from '../main/http/malformed.ts';
import { createHttpServer } from '../main/http/server.ts';
import { createClock } from '../main/io/clock.ts';
import { createImages } from '../main/io/images/images.ts';
import { createLargeJson } from '../main/io/large-json.ts';
import { createLedger } from '../main/io/ledger/ledger.ts';
import { openDatabase, openStore } from '../main/io/ledger/store.ts';
import { createPageFiles } from '../main/io/page-files.ts';
import { createProcesses } from '../main/io/processes/processes.ts';
import { fetchSampleModel } from '../main/io/sample-model.ts';
import { editSettings } from '../main/io/settings/settings-edit.ts';
import { IN_THIS_THREAD } from '../main/io/settings/settings-reader.ts';
import { nodeProgram } from '../main/packaged.ts';
import { programs } from '../main/programs.ts';
import { ERRORS, type ErrorCode, type ErrorEnvelope, ModeliumError } from '../shared/errors.ts';
import { DEFAULT_SETTINGS } from '../shared/settings.ts';
import { GIB } from '../shared/units.ts';
import { writeCodeModel } from './helpers/code-model.ts';
import { type CoreBox, createCoreBox } from './helpers/core-box.ts';
import { eventually } from './helpers/eventually.ts';
import { type Answered, answered, type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { makeSimulatedBox, type SimulatedBox } from './helpers/simulated-box.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

const provoked = new Set<string>();

function checkEnvelope(code: ErrorCode, { error }: ErrorEnvelope, origin: string): void {
  expect(error).toMatchObject({ code, type: ERRORS[code].type, origin, message: expect.stringMatching(/\w+ \w+/) });
  expect(error.param === null || typeof error.param === 'string').toBe(true);
  expect(JSON.stringify(error)).not.toMatch(/\n\s+at |\.ts:\d+|node:internal/);
  provoked.add(code);
}

function checkAnswer(code: ErrorCode, answer: Answered, origin = 'modelium'): void {
  expect(answer.json, answer.text).toMatchObject({ error: { code } });
  expect(answer.status).toBe(ERRORS[code].status);
  expect(answer.headers.get('content-type')).toContain('application/json');
  checkEnvelope(code, answer.json as ErrorEnvelope, origin);
}

async function checkThrown(code: ErrorCode, act: () => unknown): Promise<void> {
  const thrown = await (async () => act())().then(
    () => null,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(ModeliumError);
  checkEnvelope(code, (thrown as ModeliumError).envelope(), 'modelium');
}

/** fetch sets Host and Origin itself. */
function askAs(address: string, headers: Record<string, string>): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${address}/health`, { headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => {
        const type = response.headers['content-type'] ?? '';
        resolve({ status: response.statusCode ?? 0, headers: new Headers({ 'content-type': type }), text, json: JSON.parse(text) });
      });
    });
    request.on('error', reject).end();
  });
}

function sendBytes(address: string, bytes: string): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(address);
    let text = '';
    const socket = openSocket(Number(port), hostname, () => socket.write(bytes));
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    socket.on('error', reject).on('end', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n');
      const type = /content-type: (.*)/.exec(head)?.[1] ?? '';
      const status = Number(head.split(' ')[1]);
      resolve({ status, headers: new Headers({ 'content-type': type }), text: body, json: JSON.parse(body) });
    });
  });
}

let box: SimulatedBox;
let live: LiveEngine;
const CHAT = '/v1/chat/completions';
const SLOW = { args: ['--load-ms', '60000'] };

const settings = (queue_timeout_seconds: number) => ({
  llama: { command: box.runtimeCommand },
  orchestration: { policies: { load: 'on_request', max_queue: 1, queue_timeout_seconds } },
  api: { max_body_mb: 0.01 },
  models: {
    slow: SLOW,
    stopped: SLOW,
    leaves: SLOW,
    last: SLOW,
    greedy: { args: ['--oom'] },
    crashes: { args: ['--crash-on-request'] },
    breaks: { args: ['--crash-after-tokens', '3'] },
  },
});

beforeAll(async () => {
  box = makeSimulatedBox({ gpus: [] });
  live = await startLiveEngine({
    settings: settings(2),
    prepare: async ({ folder, watch }) => {
      for (const name of ['slow', 'stopped', 'last', 'greedy', 'crashes', 'breaks']) await writeTinyGguf(watch, { name });
      await writeTinyGguf(join(folder, 'elsewhere'), { name: 'leaves' });
      writeCodeModel(join(watch, 'coded'));
      const whole = tinyModel({})[0]!.bytes;
      writeFileSync(join(watch, 'half.gguf'), whole.subarray(0, whole.length / 2));
      writeFileSync(join(watch, 'broken.gguf'), Buffer.concat([Buffer.from('GGUF\x03\0\0\0'), Buffer.alloc(4_096, 0xff)]));
    },
  });
  for (const name of ['slow', 'stopped', 'last', 'greedy', 'crashes', 'breaks']) await live.comesTo(name, 'unloaded');
});

afterAll(async () => {
  await live.close();
  box.remove();
});

describe('over HTTP', () => {
  test.each<[ErrorCode, () => Promise<Answered>]>([
    ['malformed-http', () => sendBytes(live.address, 'GET / HTTP/1.1\r\nbad header\r\n\r\n')],
    ['head-too-large', () => sendBytes(live.address, `GET / HTTP/1.1\r\ncookie: ${'x'.repeat(20_000)}\r\n\r\n`)],
    [
      'proof-refused',
      () =>
        live.ask(
          'POST',
          '/control/models/slow/load',
          {},
          { authorization: `Modelium 1.${'0'.repeat(16)}.${'0'.repeat(64)}.${'0'.repeat(64)}` },
        ),
    ],
    ['invalid-json', () => live.ask('POST', '/predict/slow', '{"prompt": ')],
    ['invalid-body', () => live.predict('slow', { prompt: 'Hello', max_tokens: 'many' })],
    ['body-too-large', () => live.predict('slow', { prompt: 'x'.repeat(20_000) })],
    ['encoding-not-supported', () => live.ask('POST', CHAT, '{}', { 'content-encoding': 'compress' })],
    ['route-not-found', () => live.ask('GET', '/nowhere')],
    ['method-not-allowed', () => live.ask('DELETE', '/models')],
    ['model-required', () => live.ask('POST', CHAT, { messages: [{ role: 'user', content: 'Hello' }] })],
    ['model-not-found', () => live.predict('slaw')],
    ['not-supported-by-model', () => live.predict('breaks', { inputs: { x: [1] } })],
    ['host-not-allowed', () => askAs(live.address, { host: 'example.com' })],
    ['origin-not-allowed', () => askAs(live.address, { origin: 'https://example.com' })],
    ['token-required', () => live.ask('GET', '/control/snapshot')],
    ['upload-refused', () => live.control('POST', '/control/library/upload?name=notes.txt', {})],
    ['path-invalid', () => live.control('POST', '/control/library', { path: 'not/absolute' })],
    ['model-settling', () => live.predict('half')],
    ['upstream-failed', () => live.predict('breaks', { prompt: 'Hello', max_tokens: 20 })],
  ])('%s', async (code, ask) => {
    checkAnswer(code, await ask(), code === 'upstream-failed' ? 'llama' : 'modelium');
  });

  test('request-timeout: what never came whole', async () => {
    // Node tells of it after 20 s; here it is told at once.
    const late = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    const server = createServer((socket) => answerMalformed(late, socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    checkAnswer('request-timeout', await sendBytes(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'GET / HTTP/1.1\r\n'));
    server.close();
  });

  test('busy-with-images: so many of one caller wait', async () => {
    const images = createImages(programs.images, programs.imageDecoders, createClock());
    const question = { images: ['none'], input: {} as never, tensor: { name: 'x', datatype: 'UINT8', shape: [1] } };
    // One is being read, and 32 wait.
    const asked = Array.from({ length: 33 }, () => images.tensor(question).catch(() => null));
    await checkThrown('busy-with-images', () => images.tensor(question));
    await Promise.all(asked);
    await images.close();
  });

  test('busy-with-bodies: one budget for all of them', async () => {
    await live.set({ ...settings(2), api: { max_body_mb: 1, max_buffered_mb: 0.2 } });
    checkAnswer('busy-with-bodies', await live.predict('slow', { prompt: 'x'.repeat(400_000) }));
    await live.set(settings(2));
  });

  test('settings-refused, settings-changed, settings-unwritable: an edit that was not made', async () => {
    const file = join(live.folder, 'modelium.yaml');
    const edit = (revision: string, value: unknown) =>
      live.control('POST', '/control/settings', { changes: [{ path: ['api', 'max_body_mb'], value }], revision });
    const { revision } = (await live.control('GET', '/control/settings')).json;
    checkAnswer('settings-refused', await edit(revision, -1));
    checkAnswer('settings-changed', await edit('another', 1));
    chmodSync(file, 0o444);
    checkAnswer('settings-unwritable', await edit(revision, 1));
    chmodSync(file, 0o644);
  });

  test('model-blocked: a damaged file says what helps', async () => {
    await live.comesTo('broken', 'blocked');
    checkAnswer('model-blocked', await live.predict('broken'));
  });

  test('content-changed and confirmation-needed: nobody trusts code that was not looked at', async () => {
    await live.comesTo('coded', 'blocked');
    const wish = { form: 'transformers', hash: '0'.repeat(64), trusted: true };
    checkAnswer('content-changed', await live.control('POST', '/control/models/coded/trust', wish));
    const options = { yes: false, off: false, show: false };
    const nowhere = [{ name: 'pip', command: () => ['/nonexistent/python3'] as const }];
    await checkThrown('sample-unavailable', () => fetchSampleModel(live.folder, { fetchers: nowhere }));
    await checkThrown('confirmation-needed', () => trust({ stateFolder: live.state, json: false }, 'coded', options));
  });

  test('queue-full, then queue-timeout: both say when to ask again', async () => {
    const first = live.predict('slow');
    await eventually('the first request waits', async () => (await live.model('slow'))?.waiting === 1);
    const second = await live.predict('slow');
    checkAnswer('queue-full', second);
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
    const timedOut = await first;
    checkAnswer('queue-timeout', timedOut);
    expect(Number(timedOut.headers.get('retry-after'))).toBeGreaterThan(0);
    // The load goes on for whoever asks again; here a person ends it.
    expect((await live.model('slow'))?.state).toBe('loading');
    await live.control('POST', '/control/models/slow/unload', {});
    await live.comesTo('slow', 'unloaded');
  });

  test('cancelled: a person unloads what a request waits for, and it does not load again', async () => {
    await live.set(settings(60));
    const waiting = live.predict('stopped');
    await live.comesTo('stopped', 'loading');
    await live.control('POST', '/control/models/stopped/unload', {});
    checkAnswer('cancelled', await waiting);
    expect((await live.model('stopped'))?.state).toBe('unloaded');
  });

  test('model-gone: what a request waits for is forgotten', async () => {
    await live.control('POST', '/control/library', { path: join(live.folder, 'elsewhere', 'leaves.gguf') });
    await live.comesTo('leaves', 'loading');
    const waiting = live.predict('leaves');
    await eventually('the request waits', async () => (await live.model('leaves'))?.waiting === 1);
    await live.control('DELETE', '/control/library/leaves');
    checkAnswer('model-gone', await waiting);
    checkAnswer('model-not-found', await live.predict('leaves'));
  });

  test('model-failed: with the last words of the runtime, once and while it backs off', async () => {
    for (const name of ['greedy', 'crashes']) {
      for (let time = 0; time < 2; time += 1) {
        const answer = await live.predict(name);
        checkAnswer('model-failed', answer);
        expect((answer.json as ErrorEnvelope).error.last_words?.join('\n')).toMatch(/out of memory|simulated: crash/);
      }
    }
  });

  test('internal, busy-with-connections: a bug is told without its stack; more connections than descriptors are turned away', async () => {
    const server = createHttpServer({
      collectGarbage: () => {},
      connections: new Connections({ descriptors: 1, now: () => 0 }),
      largeJson: createLargeJson(programs.largeJson, createClock()),
      images: { tensor: async () => ({ problem: 'there is no image' }) },
      largeAnswers: { json: async () => ({ problem: 'there is no tensor' }) },
      settings: () => ({ ...DEFAULT_SETTINGS, api: { ...DEFAULT_SETTINGS.api, port: 0 } }),
      inference: {} as never,
      control: {} as never,
      clock: createClock(),
      token: 'token',
      version: '0',
      dispatch: () => {},
      log: { say: () => {}, warn: () => {}, error: () => {}, debug: () => {} },
      metricsText: async () => {
        throw new TypeError('a bug met a bug');
      },
      page: createPageFiles('/nonexistent'),
    });
    const { address } = await server.listen();
    checkAnswer('internal', await answered(await fetch(`${address}/metrics`)));
    const { port, hostname } = new URL(address);
    const sockets = Array.from({ length: 100 }, () => openSocket(Number(port), hostname));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    checkAnswer('busy-with-connections', await sendBytes(address, ''));
    for (const socket of sockets) socket.destroy();
    await server.close();
  });

  test('context_length_exceeded: the runtime says it, with itself as the origin', async () => {
    const real = await startLiveEngine({
      settings: { models: { tiny: { context: 64 } }, orchestration: { policies: { load: 'on_request' } } },
      prepare: ({ watch }) => writeTinyGguf(watch, { name: 'tiny' }),
    });
    try {
      await real.comesTo('tiny', 'unloaded');
      const body = { model: 'tiny', prompt: 'question '.repeat(500), max_tokens: 1 };
      checkAnswer('context_length_exceeded', await real.ask('POST', '/v1/completions', body), 'llama');
    } finally {
      await real.close();
    }
  });

  test('shutting-down: who waits when the engine ends is told; what failed is remembered by its code', async () => {
    const waiting = live.predict('last');
    await live.comesTo('last', 'loading');
    await Promise.all([live.engine.close(), waiting.then((answer) => checkAnswer('shutting-down', answer))]);
    const store = openStore(live.state, Date.now);
    const codes = Object.fromEntries(store.ledger.remembered().map(({ id, failure }) => [id, failure?.code]));
    store.close();
    expect(codes).toMatchObject({ greedy: 'out-of-memory', crashes: 'runtime-exited' });
    for (const id of ['greedy', 'crashes']) provoked.add(codes[id] ?? '');
  });
});

describe('at the start', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelium-errors-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('settings-invalid', () => checkThrown('settings-invalid', () => startLiveEngine({ settings: { metrix: {} } })));

  test('no-settings-file: an engine that was started without one has nothing to edit', () =>
    checkThrown('no-settings-file', () => editSettings({ config: null }, { changes: [], revision: '' }, IN_THIS_THREAD)));

  test('file-exists: init leaves what is there', () =>
    checkThrown('file-exists', () => writeTemplate({ path: import.meta.filename, force: false })));

  test('not-importable: import names what is no configuration', () =>
    checkThrown('not-importable', () => importedText('other: 1', 'config.yaml', {})));

  test('host-needs-key', () => checkThrown('host-needs-key', () => startLiveEngine({ settings: { api: { host: '0.0.0.0' } } })));

  test('port-taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await checkThrown('port-taken', () => startLiveEngine({ settings: { api: { port } } }));
    await checkThrown('no-free-port', () => createProcesses().freePort([port, port]));
    other.close();
  });

  test('already-running', async () => {
    const first = await startLiveEngine();
    const program = nodeProgram();
    await checkThrown('already-running', () =>
      startEngine({ config: null, stateFolder: first.state, port: 0, watch: [], program, write: () => {} }),
    );
    await first.close();
  });

  test('state-unusable', () =>
    checkThrown('state-unusable', () =>
      startLiveEngine({
        prepare: ({ state }) => {
          mkdirSync(state);
          const newer = new DatabaseSync(join(state, 'modelium.db'));
          newer.exec('PRAGMA user_version = 999');
          newer.close();
        },
      }),
    ));

  test('not-running', () => checkThrown('not-running', () => connect(folder)));

  test('disk-full', async () => {
    const file = join(folder, 'full.db');
    const database = openDatabase(file);
    const ledger = createLedger(database, file, Date.now);
    database.exec(`PRAGMA max_page_count = ${Number(database.prepare('PRAGMA page_count').get()?.['page_count']) + 1}`);
    const row = {
      modelId: 'a',
      action: 'place',
      reason: 'r',
      sentence: 'z'.repeat(3_000),
      because: { cause: { kind: 'by-hand' }, facts: [] },
      inputs: {},
      candidates: [],
    } as const;
    await checkThrown('disk-full', () => {
      for (let at = 0; at < 100; at += 1) ledger.decide({ ...row, action: 'load' });
    });
    database.close();
  });
});

describe('loads that fail', () => {
  const forced = (stall: number, most: number) =>
    createCoreBox({
      gpus: [16 * GIB],
      settings: (s) => {
        s.orchestration.policies.load_stall_seconds = stall;
        s.orchestration.policies.load_max_seconds = most;
        s.host.memory_limit_mb = 64;
        return s;
      },
      behaviour: (id) => ({ loadMs: id === 'long' ? 60_000 : 500 }),
    });

  async function pass(world: CoreBox, ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 250) {
      await world.clock.advance(250);
      world.sample();
    }
  }

  async function passUntilFailed(world: CoreBox, id: string): Promise<void> {
    for (let turn = 0; turn < 240 && world.state(id) !== 'failed'; turn += 1) await pass(world, 250);
  }

  /** The failure, as it stands in the state, and as a request hears of it. */
  function checkFailed(world: CoreBox, id: string, code: ErrorCode): void {
    expect(world.registry.get(id)?.state).toMatchObject({ name: 'failed', failure: { code, message: expect.stringContaining(id) } });
    const ask = () => world.waitingRoom.ensureReady(id, { signal: new AbortController().signal });
    expect(ask).toThrow(expect.objectContaining({ code: 'model-failed' }));
    provoked.add(code);
  }

  test.each([
    ['load-stalled', 5, 3_600],
    ['load-too-long', 180, 10],
  ] as const)('%s', async (code, stall, most) => {
    const world = forced(stall, most);
    world.drop('long', GIB, 'person');
    await passUntilFailed(world, 'long');
    checkFailed(world, 'long', code);
  });

  test('room-did-not-come: another program takes what a victim gave', async () => {
    const world = forced(180, 3_600);
    world.drop('a', 10 * GIB, 'content');
    world.drop('b', 10 * GIB);
    await pass(world, 15_000);
    world.admission.want('b', 'person', world.clock.now());
    world.orchestrator.wake('b');
    world.others[0] = 10 * GIB;
    await passUntilFailed(world, 'b');
    checkFailed(world, 'b', 'room-did-not-come');
  });

  test('not-convertible: the converter’s own sentence', async () => {
    const world = createCoreBox({
      gpus: [16 * GIB],
      prepares: () => [{ type: 'BF16', share: 1 }],
      behaviour: () => ({ prepareFails: 'a has a tensor without a place.' }),
    });
    world.drop('a', GIB, 'person');
    await passUntilFailed(world, 'a');
    checkFailed(world, 'a', 'not-convertible');
  });

  test('file-unreadable: the file, and what would help', async () => {
    const world = forced(180, 3_600);
    world.world.shut.set('/a', 'a.gguf cannot be read.');
    world.drop('a', GIB, 'person');
    await passUntilFailed(world, 'a');
    const failure = { code: 'file-unreadable', message: 'a.gguf cannot be read.', lastOutput: [], permanent: false };
    expect(world.registry.get('a')?.state).toMatchObject({ name: 'failed', failure });
    const asked = async () => world.waitingRoom.ensureReady('a', { signal: new AbortController().signal });
    await expect(asked()).rejects.toMatchObject({ code: 'model-failed', message: 'a could not be loaded: a.gguf cannot be read.' });
    provoked.add(failure.code);
  });

  test('still-alive: a process that even SIGKILL does not end is named', async () => {
    const world = forced(180, 3_600);
    world.drop('a', GIB, 'person');
    await pass(world, 3_000);
    const [stuck] = world.simulated.values();
    stuck!.end = () => {};
    void world.manager.unloadModel('a', 'user', { to: 'unloaded', reason: 'user' });
    await passUntilFailed(world, 'a');
    checkFailed(world, 'a', 'still-alive');
  });
});

test('no code is left over', () => {
  expect([...provoked].sort()).toEqual(Object.keys(ERRORS).sort());
});
