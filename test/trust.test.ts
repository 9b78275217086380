/** Trust over HTTP and by the command line, on a real engine and real files. */
import { existsSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { trust } from '../main/cli/trust.ts';
import { nodeProgram } from '../main/packaged.ts';
import type { ModelView, TrustView } from '../shared/snapshot.ts';
import { CODE_FILE, CODE_TEXT, writeCodeModel } from './helpers/code-model.ts';
import { eventually } from './helpers/eventually.ts';
import { type LiveEngine, type LiveOptions, startLiveEngine } from './helpers/live-engine.ts';

const settings = { orchestration: { model_discovery: { scan_interval_seconds: 1 } } };
/** Seconds since 1970. */
const LONG_AGO = 1_000_000_000;
const ROUTE = '/control/models/coded/trust';
const engines: LiveEngine[] = [];

async function start(prepare: NonNullable<LiveOptions['prepare']>): Promise<LiveEngine> {
  const live = await startLiveEngine({ settings, prepare });
  engines.push(live);
  return live;
}

afterEach(async () => {
  for (const live of engines.splice(0)) await live.close();
});

const blockedBy = (live: LiveEngine, reason: string) =>
  eventually(`it is blocked by ${reason}`, async () => {
    const model = await live.model('coded');
    return model?.blockedReason === reason && model;
  });

/**
 * Before a change is noticed, the files are not those that are known; then there is no form until
 * they are read.
 */
async function seen(live: LiveEngine) {
  const forms = await eventually('its one form', async () => {
    const { status, json } = await live.control('GET', ROUTE);
    return status === 200 && (json as TrustView).forms.length > 0 && (json as TrustView).forms;
  });
  expect(forms).toHaveLength(1);
  return forms[0]!;
}

test('code is shown, trusted by its hash, and no longer trusted when it changes', async () => {
  const live = await start(({ watch }) => writeCodeModel(join(watch, 'coded')));
  const blocked = await blockedBy(live, 'needs-trust');
  expect(blocked.message).toContain(CODE_FILE);
  expect(blocked.help).toContain('modelium trust coded');
  const form = await seen(live);
  expect(form).toMatchObject({ form: 'transformers', trusted: false, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(form.files.find((file) => file.path === CODE_FILE)).toMatchObject({
    bytes: CODE_TEXT.length,
    preview: CODE_TEXT,
    isCut: false,
    why: expect.stringContaining('Python'),
  });
  expect(form.files.find((file) => file.path === 'config.json')?.why).toContain('auto_map');

  const wish = { form: 'transformers', hash: form.hash, trusted: true };
  expect((await live.control('POST', ROUTE, { ...wish, hash: 'ab'.repeat(32) })).json.error).toMatchObject({ code: 'content-changed' });
  expect((await live.control('POST', ROUTE, { ...wish, form: 'onnx' })).json.error).toMatchObject({ code: 'invalid-body', param: 'form' });
  expect((await live.control('POST', ROUTE, { ...wish, hash: 'no hash' })).status).toBe(400);
  expect((await live.ask('POST', ROUTE, wish)).status).toBe(401);
  expect((await live.model('coded'))?.blockedReason).toBe('needs-trust');

  // No runtime of this version takes the form: trust moves the verdict on, and no further.
  expect((await live.control('POST', ROUTE, wish)).json.model).toMatchObject({ id: 'coded', blockedReason: 'no-runtime' });
  expect((await seen(live)).trusted).toBe(true);

  writeFileSync(join(live.watch, 'coded', CODE_FILE), `${CODE_TEXT}\nimport os\n`);
  await blockedBy(live, 'needs-trust');
  const changed = await seen(live);
  expect(changed).toMatchObject({ trusted: false });
  expect(changed.hash).not.toBe(form.hash);
  expect(live.logged.some((line) => line.includes('coded is no longer trusted'))).toBe(true);
  expect((await live.control('POST', ROUTE, wish)).status).toBe(409);
});

test('a write that hides itself (same size, time set back) takes trust back; touching alone does not', async () => {
  const live = await start(({ watch }) => writeCodeModel(join(watch, 'coded')));
  await blockedBy(live, 'needs-trust');
  const { hash } = await seen(live);
  await live.control('POST', ROUTE, { form: 'transformers', hash, trusted: true });
  const path = join(live.watch, 'coded', CODE_FILE);
  const { atime, mtime, ctimeMs } = statSync(path);
  utimesSync(path, atime, mtime);
  expect(statSync(path).ctimeMs).toBeGreaterThan(ctimeMs);
  // Read again, and found to be the same.
  await eventually('the touched file is compared', async () => (await live.model('coded'))?.blockedReason === 'no-runtime');
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect((await seen(live)).trusted).toBe(true);
  expect((await live.model('coded'))?.blockedReason).toBe('no-runtime');

  writeFileSync(path, CODE_TEXT.replace('torch', 'osxxx'));
  utimesSync(path, atime, mtime);
  await blockedBy(live, 'needs-trust');
  expect((await seen(live)).trusted).toBe(false);
});

test('a configuration that comes to name code in the same bytes, its time set back, starts nothing before it is asked about', async () => {
  const naming = JSON.stringify({ auto_map: { AutoTokenizer: ['evil/repo--evil.Tokenizer', null] } });
  const plain = JSON.stringify({}).padEnd(naming.length, ' ');
  const live = await startLiveEngine({
    settings: {
      ...settings,
      gpus: { use: 'none' },
      host: { reserve_mb: 0 },
      runtimes: {
        own: {
          command: '/bin/sh',
          args: ['-c', 'echo started >> "$0/../../started"; exec sleep 600', '{model}', '{port}'],
          formats: ['transformers', 'safetensors'],
          memory_mb: 10,
          port_range: [16_600, 16_690],
        },
      },
    },
    async prepare({ watch }) {
      await writeCodeModel(join(watch, 'coded'));
      const file = join(watch, 'coded', 'tokenizer_config.json');
      writeFileSync(file, plain);
      utimesSync(file, LONG_AGO, LONG_AGO);
    },
  });
  engines.push(live);
  const path = join(live.watch, 'coded', 'tokenizer_config.json');
  const starts = () =>
    existsSync(join(live.folder, 'started')) ? readFileSync(join(live.folder, 'started'), 'utf8').split('\n').length - 1 : 0;
  await blockedBy(live, 'needs-trust');
  expect((await seen(live)).files.map((file) => file.path)).not.toContain('tokenizer_config.json');
  await live.control('POST', ROUTE, { form: 'transformers', hash: (await seen(live)).hash, trusted: true });
  await live.control('POST', '/control/models/coded/load', {});
  await eventually('it is started', () => starts() === 1);
  await live.control('POST', '/control/models/coded/unload', {});
  writeFileSync(path, naming, { flag: 'r+' });
  utimesSync(path, LONG_AGO, LONG_AGO);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await live.control('POST', '/control/models/coded/load', {});
  await blockedBy(live, 'needs-trust');
  expect((await seen(live)).files.map((file) => file.path)).toContain('tokenizer_config.json');
  expect(starts()).toBe(1);
});

test('a folder that is renamed stays trusted; renamed with other code in it, it is looked at anew', async () => {
  const live = await start(({ watch }) => writeCodeModel(join(watch, 'coded')));
  await blockedBy(live, 'needs-trust');
  await live.control('POST', ROUTE, { form: 'transformers', hash: (await seen(live)).hash, trusted: true });
  const called = (name: string) => eventually(name, async () => (await live.model('coded'))?.aliases.includes(name) === true);
  renameSync(join(live.watch, 'coded'), join(live.watch, 'second'));
  await called('second');
  expect((await seen(live)).trusted).toBe(true);
  const path = join(live.watch, 'second', CODE_FILE);
  const { atime, mtime } = statSync(path);
  writeFileSync(path, CODE_TEXT.replace('torch', 'osxxx'));
  utimesSync(path, atime, mtime);
  renameSync(join(live.watch, 'second'), join(live.watch, 'third'));
  // Whether it counts as the same model or as a new one depends on what the file system tells.
  const third = await eventually('the verdict on it', async () => {
    const { models } = (await live.ask('GET', '/models')).json as { readonly models: readonly ModelView[] };
    return models.find(({ path, blockedReason }) => path === join(live.watch, 'third') && blockedReason === 'needs-trust') ?? false;
  });
  const { forms } = (await live.control('GET', `/control/models/${third.id}/trust`)).json as TrustView;
  expect(forms.map(({ trusted }) => trusted)).toEqual([false]);
});

test('another folder that comes in place of a deleted one is another model, and nobody has trusted it', async () => {
  const live = await start(({ watch }) => writeCodeModel(join(watch, 'coded')));
  await blockedBy(live, 'needs-trust');
  await live.control('POST', ROUTE, { form: 'transformers', hash: (await seen(live)).hash, trusted: true });
  rmSync(join(live.watch, 'coded'), { recursive: true });
  await writeCodeModel(join(live.watch, 'foreign'));
  await eventually('it is another model', async () => (await live.model('foreign'))?.id === 'foreign');
  const foreign = await eventually('its verdict', async () => {
    const model = await live.model('foreign');
    return model?.blockedReason != null && model;
  });
  expect([foreign.blockedReason, foreign.aliases]).toEqual(['needs-trust', []]);
});

test('trust outlives a restart, and a change while the engine is away ends it', async () => {
  const live = await start(({ watch }) => writeCodeModel(join(watch, 'coded')));
  await blockedBy(live, 'needs-trust');
  const { hash } = await seen(live);
  await live.control('POST', ROUTE, { form: 'transformers', hash, trusted: true });
  const { startEngine } = await import('../main/engine/engine.ts');
  const again = async () => {
    await live.engine.close();
    const program = nodeProgram();
    const config = join(live.folder, 'modelium.yaml');
    const engine = await startEngine({ config, stateFolder: live.state, watch: [live.watch], program, write: () => {} });
    const get = async () =>
      (await (await fetch(engine.address + ROUTE, { headers: { authorization: `Bearer ${engine.token}` } })).json()) as Partial<TrustView>;
    const view = await eventually('the model is read', async () => (await get()).forms);
    await engine.close();
    return view;
  };
  expect(await again()).toMatchObject([{ hash, trusted: true }]);
  writeFileSync(join(live.watch, 'coded', CODE_FILE), `${CODE_TEXT}#\n`);
  const [form] = await again();
  expect(form).toMatchObject({ trusted: false });
});

test('the command line: --json shows, --yes trusts, --off takes back; a model without code says so', async () => {
  const live = await start(async ({ watch }) => writeCodeModel(join(watch, 'coded')));
  await live.drop('plain');
  await blockedBy(live, 'needs-trust');
  await live.comesTo('plain', 'ready');
  const lines: string[] = [];
  const log = console.log;
  console.log = (line: string) => void lines.push(line);
  const run = async (model: string, options: Partial<Parameters<typeof trust>[2]>, json = false) => {
    lines.length = 0;
    const code = await trust({ stateFolder: live.state, json }, model, { yes: false, off: false, show: false, ...options });
    return { code, out: lines.join('\n') };
  };
  try {
    expect(JSON.parse((await run('coded', {}, true)).out)).toMatchObject({ id: 'coded', forms: [{ trusted: false }] });
    const shown = await run('coded', { yes: true, show: true });
    expect(shown).toMatchObject({ code: 0, out: expect.stringContaining('class TinyForCausalLM') });
    expect(shown.out).toContain('coded is blocked');
    expect((await seen(live)).trusted).toBe(true);
    expect((await run('coded', { off: true })).code).toBe(0);
    expect((await seen(live)).trusted).toBe(false);
    expect(await run('plain', {})).toEqual({ code: 0, out: 'plain brings no code, so it needs no trust.' });
  } finally {
    console.log = log;
  }
  expect(readFileSync(join(live.watch, 'coded', CODE_FILE), 'utf8')).toBe(CODE_TEXT);
});
