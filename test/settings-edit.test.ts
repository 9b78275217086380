/** Settings edited over HTTP on a real engine: what the form of the window does. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Engine, startEngine } from '../main/engine/engine.ts';
import { answerTo } from '../main/io/settings/settings-text.ts';
import { nodeProgram } from '../main/packaged.ts';
import type { EditedSettings, SettingsView } from '../shared/api-settings.ts';
import { DEFAULT_SETTINGS, type Settings, settingsJsonSchema } from '../shared/settings.ts';
import { answered } from './helpers/live-engine.ts';

let folder: string;
let engine: Engine | null = null;

afterEach(async () => {
  await engine?.close();
  engine = null;
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function start(text: string | null | undefined): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'modelium-form-'));
  vi.stubEnv('XDG_CONFIG_HOME', join(folder, 'home'));
  const config = text == null ? text : join(folder, 'modelium.yaml');
  if (typeof text === 'string') writeFileSync(join(folder, 'modelium.yaml'), text);
  engine = await startEngine({
    config,
    stateFolder: join(folder, 'state'),
    port: 0,
    watch: [],
    program: nodeProgram(),
    write: () => {},
  });
}

async function ask(method: string, body?: unknown) {
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  const headers = { authorization: `Bearer ${engine?.token}` };
  return answered(await fetch(`${engine?.address}/control/settings`, { method, headers, ...init }));
}

async function view(): Promise<SettingsView & { readonly settings: Settings }> {
  return (await ask('GET')).json;
}

/** Of this thread alone, whatever others do. */
async function processorTime(act: () => unknown): Promise<number> {
  const before = process.threadCpuUsage();
  await act();
  const { user, system } = process.threadCpuUsage(before);
  return user + system;
}

const text = (): string => readFileSync(join(folder, 'modelium.yaml'), 'utf8');

describe('the form', () => {
  test('sees what the file sets, what is in force, and what each key means', async () => {
    await start('metrics: { enabled: false } # no\napi:\n  max_body_mb: 3\n');
    const { file, target, problem, given, settings, schema, revision } = await view();
    expect([file, target, problem]).toEqual([join(folder, 'modelium.yaml'), join(folder, 'modelium.yaml'), null]);
    expect(given).toEqual({ metrics: { enabled: false }, api: { max_body_mb: 3 } });
    expect(settings).toEqual({
      ...DEFAULT_SETTINGS,
      metrics: { ...DEFAULT_SETTINGS.metrics, enabled: false },
      api: { ...DEFAULT_SETTINGS.api, max_body_mb: 3, port: 0 },
    });
    expect(schema).toEqual(settingsJsonSchema());
    expect(revision).toMatch(/^[0-9a-f]{64}$/);
  });

  test('an edit is in force when it is answered, with what needs a restart, and can go on from its answer', async () => {
    await start('# mine\nmetrics: { enabled: false } # no\n');
    let { revision } = await view();
    for (const [path, value] of [
      [['orchestration', 'policies', 'evict_after_idle_seconds'], 77],
      [['models', 'tiny', 'pin'], true],
      [['metrics', 'port'], 9191],
    ] as const) {
      const answer = await ask('POST', { changes: [{ path, value }], revision });
      expect(answer.status).toBe(200);
      const edited = answer.json as EditedSettings;
      expect(path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], edited.settings)).toBe(value);
      expect(edited.notes).toEqual(path[0] === 'metrics' ? ['metrics.port takes effect when Modelium is started again.'] : []);
      expect(edited.problem).toBeNull();
      revision = edited.revision;
    }
    const { notes: _, ...last } = (await ask('POST', { changes: [{ path: ['models', 'tiny', 'pin'], value: null }], revision }))
      .json as EditedSettings;
    expect(await view()).toEqual(last);
    expect(text()).toBe(
      '# mine\nmetrics: { enabled: false, port: 9191 } # no\norchestration:\n  policies:\n    evict_after_idle_seconds: 77\n',
    );
  });

  test('a refused edit says why, and changes neither the file nor what is in force', async () => {
    await start('metrics: { enabled: false }\n');
    const before = await view();
    const refused = await ask('POST', { changes: [{ path: ['api', 'max_body_mb'], value: 0 }], revision: before.revision });
    expect([refused.status, refused.json.error]).toMatchObject([400, { code: 'settings-refused', param: 'api.max_body_mb' }]);
    const stale = await ask('POST', { changes: [{ path: ['api', 'max_body_mb'], value: 1 }], revision: 'old' });
    expect([stale.status, stale.json.error.code]).toEqual([409, 'settings-changed']);
    expect(await view()).toEqual(before);
  });

  test('an edit mends a file that is broken, and many at once come one after the other', async () => {
    await start('metrics: { enabled: false }\n');
    writeFileSync(join(folder, 'modelium.yaml'), 'metrics: { enabled: false }\napi: { prot: 1 }\n');
    const { revision } = await view();
    const mended = (await ask('POST', { changes: [{ path: ['api', 'prot'], value: null }], revision })).json as EditedSettings;
    expect([mended.problem, mended.given]).toEqual([null, { metrics: { enabled: false } }]);
    const edits = [1, 2, 3, 4].map((value) =>
      ask('POST', { changes: [{ path: ['api', 'max_body_mb'], value }], revision: mended.revision }),
    );
    expect((await Promise.all(edits)).map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409]);
  });

  test('long settings are read and edited beside the engine’s own thread, which goes on', async () => {
    const models = (count: number) => Array.from({ length: count }, (_, at) => `  m${at}: { pin: true }\n`).join('');
    const long = `models:\n${models(800)}`;
    const changes = Array.from({ length: 8 }, (_, at) => ({ path: ['models', `m${at}`, 'pin'], value: false }));
    await start(long);
    const { revision } = await view();
    // What one such edit costs a thread, as it is at this moment.
    const whole = await processorTime(() => answerTo({ kind: 'edited', file: '', text: long, changes }));
    const edited = await processorTime(async () => expect((await ask('POST', { changes, revision })).status).toBe(200));
    expect(edited).toBeLessThan(whole / 2);
    expect(text()).toContain('  m7: { pin: false }\n');
  });

  test('without a file one is made in the user’s folder, and is in force', async () => {
    await start(undefined);
    const { file, target, revision } = await view();
    expect([file, target]).toEqual([null, join(folder, 'home', 'modelium', 'modelium.yaml')]);
    const edited = (await ask('POST', { changes: [{ path: ['host', 'reserve_mb'], value: 5 }], revision })).json as EditedSettings;
    expect(edited).toMatchObject({ file: target, settings: { host: { reserve_mb: 5 } } });
  });

  test('an engine that runs without one says so', async () => {
    await start(null);
    expect(await view()).toMatchObject({ file: null, target: null, given: {} });
    const refused = await ask('POST', { changes: [{ path: ['api', 'port'], value: 1 }], revision: 'none' });
    expect([refused.status, refused.json.error.code]).toEqual([409, 'no-settings-file']);
  });

  test.each<[string, readonly { path: readonly (string | number)[]; value: unknown }[], string]>([
    ['a key', [{ path: ['llama', 'command'], value: '/tmp/evil' }], 'llama.command'],
    ['a variable', [{ path: ['vllm', 'env', 'LD_PRELOAD'], value: '/tmp/evil.so' }], 'vllm.env'],
    ['a whole section', [{ path: ['llama'], value: { args: ['--evil'] } }], 'llama.args'],
    ['an item of a list', [{ path: ['models', 'a', 'args', 0], value: '--evil' }], 'models.a.args'],
    ['a model', [{ path: ['models'], value: { b: { args: ['--evil'] } } }], 'models.a.args'],
    [
      'among others',
      [
        { path: ['api', 'max_body_mb'], value: 9 },
        { path: ['gpus', 'nvidia_smi'], value: '/tmp/evil' },
      ],
      'gpus.nvidia_smi',
    ],
    ['taking one away', [{ path: ['vllm', 'command'], value: null }], 'vllm.command'],
    ['the command of a server of one’s own', [{ path: ['runtimes', 'mine', 'command'], value: '/tmp/evil' }], 'runtimes.mine.command'],
    ['its variables', [{ path: ['runtimes', 'mine', 'env'], value: { LD_PRELOAD: '/tmp/evil.so' } }], 'runtimes.mine.env'],
    ['another server', [{ path: ['runtimes', 'evil'], value: { command: '/tmp/evil' } }], 'runtimes.evil.command'],
  ])('changes no program that is started, by %s', async (_, changes, key) => {
    const before =
      'vllm: { command: /opt/vllm }\nmodels: { a: { args: ["--good"] } }\nruntimes: { mine: { command: /opt/mine, args: ["--port", "{port}"] } }\n';
    await start(before);
    const { revision } = await view();
    const { status, json } = await ask('POST', { changes, revision });
    expect([status, json.error.code, json.error.param]).toEqual([400, 'settings-refused', key]);
    expect(json.error.message).toContain(join(folder, 'modelium.yaml'));
    expect(text()).toBe(before);
    // Everything else beside them can be changed.
    const other = await ask('POST', { changes: [{ path: ['models', 'a', 'pin'], value: true }], revision });
    expect(other.status).toBe(200);
  });
});
