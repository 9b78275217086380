/**
 * Remote servers, as a person has them: a second Modelium, and a server of somebody else that wants
 * a key, is killed, and comes back.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { toFindings } from '../main/cli/check.ts';
import { runProgram } from '../main/cli/program.ts';
import { checkRuntimes } from '../main/engine/check-runtimes.ts';
import { DEFAULT_SETTINGS } from '../shared/settings.ts';
import type { Snapshot } from '../shared/snapshot.ts';
import { CHROMIUM, launchChromium, openWindow } from './helpers/browser.ts';
import { startTestEngine, type TestEngine } from './helpers/engine.ts';
import { eventually } from './helpers/eventually.ts';

const KEY = 'sk-secret-of-the-lab-8471';
const WRONG_KEY = 'sk-wrong-of-the-lab-3305';
const PROGRAM = join(import.meta.dirname, 'fixtures/fake-remote/program.ts');
let other: TestEngine;
let mine: TestEngine;
let lab: ChildProcess;
let labUrl = '';

async function startLab(port: string, ...models: readonly string[]): Promise<void> {
  lab = spawn(process.execPath, [PROGRAM, port, KEY, ...models], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(lab.stdout!, 'data')) as [Buffer];
  labUrl = String(line).trim();
}

async function killLab(): Promise<void> {
  lab.kill('SIGKILL');
  await once(lab, 'exit');
}

const remotes = (lab: object) => ({
  remotes: {
    other: { url: `${other.engine.address}/v1`, prefix: 'other/' },
    lab: { url: `${labUrl}/v1`, models: ['alpha', 'beta'], ...lab },
  },
});
const keyFile = () => join(mine.folder, 'lab-key');

beforeAll(async () => {
  [other] = await Promise.all([startTestEngine(), startLab('0', 'alpha', 'text-embedding-small')]);
  await other.drop('far');
  await other.waitFor('far', 'ready');
  mine = await startTestEngine();
  writeFileSync(keyFile(), `${WRONG_KEY}\n`);
  mine.saveSettings(remotes({ key_file: 'lab-key' }));
});
afterAll(async () => {
  await Promise.all([mine?.close(), other?.close()]);
  lab?.kill('SIGKILL');
});

const client = () => new OpenAI({ baseURL: `${mine.engine.address}/v1`, apiKey: 'none', maxRetries: 0 });
const listed = async () =>
  ((await (await fetch(`${mine.engine.address}/v1/models`)).json()) as { data: { id: string; remote?: string }[] }).data;

test('a second Modelium: its models are listed here, told apart, and asked by name, whole, streamed and by /predict', async () => {
  const model = await eventually('it is listed', async () => (await listed()).find(({ id }) => id === 'other-far'));
  expect(model.remote).toBe(`other (${other.engine.address}/v1)`);
  const asked = { model: 'other/far', max_tokens: 4, messages: [{ role: 'user' as const, content: 'Hello' }] };
  const whole = await client().chat.completions.create(asked);
  expect(whole.usage?.completion_tokens).toBeGreaterThan(0);
  const chunks = [];
  for await (const chunk of await client().chat.completions.create({ ...asked, stream: true })) chunks.push(chunk);
  expect(chunks.length).toBeGreaterThan(1);
  const predicted = await mine.predict('other-far', { prompt: 'Hello', max_tokens: 4 });
  expect([predicted.status, typeof predicted.text]).toEqual([200, 'string']);
  const view = await mine.model('other-far');
  expect([view.state, view.devices, view.measuredBytes, view.pids, view.remote]).toEqual(['ready', [], {}, [], model.remote]);
  // At a terminal, too: it takes no memory, and nobody unloads it.
  for (const [verb, row] of [
    ['ls', /^other-far +ready +remote +remote +- /m],
    ['ps', /^other-far +ready +remote +remote +- .* never$/m],
  ] as const) {
    const print = vi.spyOn(console, 'log').mockImplementation(() => {});
    expect(await runProgram(['node', 'modelium', '--state-folder', join(mine.folder, 'state'), verb])).toBe(0);
    const told = print.mock.calls.flat().join('\n');
    print.mockRestore();
    expect(told).toMatch(row);
  }
  const metrics = await (await fetch(`${mine.engine.address}/metrics`)).text();
  expect(metrics).toMatch(/modelium_requests_total\{[^}]*model="other-far"[^}]*\} 3/);
});

test.skipIf(CHROMIUM === null)('the window tells it apart, and its playground asks it: needs Chromium', async () => {
  const browser = await launchChromium();
  try {
    const { page, errors } = await openWindow(browser, mine.engine.address, { token: mine.engine.token, page: 'models' });
    const row = page.getByRole('row').filter({ hasText: 'other-far' });
    await row.getByText('remote', { exact: true }).waitFor();
    await row.getByText('Ready').waitFor();
    await page.goto(`${mine.engine.address}/#/playground/other-far`);
    await page.getByRole('textbox', { name: 'Message' }).fill('Hello');
    await page.getByRole('button', { name: 'Send' }).click();
    await page
      .getByText(/tokens\/s/)
      .first()
      .waitFor();
    expect(errors).toEqual([]);
  } finally {
    await browser.close();
  }
});

test('a wrong key is named, the right one is taken up, and neither is ever told', async () => {
  const refused = await eventually('it is refused', async () => {
    const view = await mine.model('alpha').catch(() => null);
    return view?.blockedReason === 'away' ? view : null;
  });
  expect(refused.message).toBe(`lab (${labUrl}/v1) refuses the key that remotes.lab.key_file names (status 401).`);
  const answer = await mine.predict('alpha', { prompt: 'Hello' });
  expect([answer.status, answer.error?.code, answer.error?.message]).toEqual([
    503,
    'model-blocked',
    expect.stringContaining('refuses the key'),
  ]);
  writeFileSync(keyFile(), `${KEY}\n`);
  mine.saveSettings(remotes({ key_file: keyFile() }));
  await mine.waitFor('alpha', 'ready');
  expect((await mine.predict('alpha', { prompt: 'Hello' })).text).toBe('alpha says hello');
  // What the server quotes of a key, and what we hold of it, is nowhere to be read.
  const [status, snapshot, settings, decisions] = await Promise.all([
    fetch(`${mine.engine.address}/status`).then((each) => each.text()),
    mine.control('GET', '/snapshot'),
    mine.control('GET', '/settings'),
    mine.decisions(),
  ]);
  const reported = JSON.stringify([status, snapshot, settings, decisions, mine.logged, answer]);
  expect([reported.includes(KEY), reported.includes(WRONG_KEY), snapshot.status, settings.status]).toEqual([false, false, 200, 200]);
  expect((await mine.model('beta')).message).toMatch(/does not offer beta\. It offers alpha, text-embedding-small\./);
});

test('a key comes from the environment as well, and no file of ours holds one', async () => {
  vi.stubEnv('MODELIUM_TEST_LAB_KEY', WRONG_KEY);
  mine.saveSettings(remotes({ key_env: 'MODELIUM_TEST_LAB_KEY' }));
  await eventually('it is refused', async () =>
    (await mine.model('alpha')).message.includes('refuses the key that remotes.lab.key_env names'),
  );
  vi.stubEnv('MODELIUM_TEST_LAB_KEY', KEY);
  mine.saveSettings({ ...remotes({ key_env: 'MODELIUM_TEST_LAB_KEY' }), gpus: { reserve_mb: 1 } });
  await mine.waitFor('alpha', 'ready');
  expect((await mine.predict('alpha', { prompt: 'Hello' })).text).toBe('alpha says hello');
  vi.unstubAllEnvs();
  const state = join(mine.folder, 'state');
  const files = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(state, name)).isFile());
  expect(files.length).toBeGreaterThan(2);
  const holding = [...files.map((name) => join(state, name)), join(mine.folder, 'modelium.yaml')].filter((file) =>
    [KEY, WRONG_KEY].some((key) => readFileSync(file).includes(key)),
  );
  expect([holding, mine.logged.filter((line) => line.includes(KEY) || line.includes(WRONG_KEY))]).toEqual([[], []]);
  mine.saveSettings(remotes({ key_file: keyFile() }));
});

test('a server that is killed is told at the very request, and found again when it is back; what it drops is told too', async () => {
  const { port } = new URL(labUrl);
  await killLab();
  const answer = await mine.predict('alpha', { prompt: 'Hello' });
  expect([answer.status, answer.error?.message]).toEqual([
    503,
    expect.stringMatching(/^alpha cannot be served: lab \(.*\) does not answer: nothing listens there\./),
  ]);
  // Neither the page nor `check` calls a server found that does not answer.
  const snapshot = (await mine.control('GET', '/snapshot')).body as Snapshot;
  const remote = snapshot.runtimes.find(({ id }) => id === 'remote');
  expect([remote?.isWrong, remote?.message]).toEqual([true, expect.stringContaining('does not answer: nothing listens there.')]);
  expect(toFindings(snapshot).find(({ what }) => what === 'runtime remote')?.verdict).toBe('wrong');
  await startLab(port, 'beta');
  await mine.waitFor('beta', 'ready');
  expect((await mine.model('alpha')).message).toMatch(/does not offer alpha\. It offers beta\./);
  expect((await mine.predict('beta', { prompt: 'Hello' })).text).toBe('beta says hello');
});

test('modelium check names what is wrong with each', async () => {
  const named = {
    right: { url: `${labUrl}/v1`, key_file: keyFile() },
    keyless: { url: `${labUrl}/v1` },
    unset: { url: `${labUrl}/v1`, key_env: 'MODELIUM_TEST_NO_SUCH_KEY' },
    // Some people put the key where its place is to be named: that is not printed.
    fileless: { url: `${labUrl}/v1`, key_file: 'sk-a-key' },
    away: { url: 'http://127.0.0.1:9/v1' },
    rootless: { url: labUrl, key_file: keyFile() },
  };
  const settings = {
    ...DEFAULT_SETTINGS,
    llama: { ...DEFAULT_SETTINGS.llama, enabled: false },
    vllm: { ...DEFAULT_SETTINGS.vllm, enabled: false },
    remotes: Object.fromEntries(Object.entries(named).map(([name, remote]) => [name, { models: 'all' as const, prefix: '', ...remote }])),
  };
  const findings = await checkRuntimes({ settings, file: null }, { isPresent: false, why: 'no GPU' });
  const reported = findings
    .filter(({ what }) => what.startsWith('remote '))
    .map(({ what, verdict, message }) => `${what} ${verdict}: ${message}`);
  expect(reported).toEqual([
    `remote right ok: right (${labUrl}/v1), 1 model`,
    expect.stringMatching(/^remote keyless wrong: .*wants a key \(status 401\)\. Name an environment variable/),
    expect.stringMatching(/^remote unset wrong: The environment variable that remotes\.unset\.key_env names is not set/),
    expect.stringMatching(/^remote fileless wrong: The file that remotes\.fileless\.key_file names cannot be read\. key_env is/),
    expect.stringMatching(/^remote away wrong: .*does not answer: nothing listens there/),
    expect.stringMatching(
      /^remote rootless wrong: .*has no list of models \(status 404\)\. Is remotes\.rootless\.url right\? Most end in \/v1/,
    ),
  ]);
  expect(reported.join()).not.toContain('sk-a-key');
});
