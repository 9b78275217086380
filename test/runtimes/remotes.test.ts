/**
 * A remote server that is not ours: xllamacpp's HTTP server from PyPI with the real SmolLM2, behind
 * a key: asked, killed, back, and asked with another key.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sampleModel } from '../../main/cli/sample-model.ts';
import { modeliumFolders } from '../../main/io/folders.ts';
import { freePort } from '../embedded/start-server.ts';
import { startTestEngine, type TestEngine } from '../helpers/engine.ts';
import { eventually } from '../helpers/eventually.ts';
import { here } from './children.ts';

const run = promisify(execFile);
const ASKED = { messages: [{ role: 'user' as const, content: 'What is a GPU?' }], max_tokens: 24, temperature: 0 };
const PROMPT = { prompt: 'What is a GPU?', max_tokens: 24, temperature: 0 };
const KEY = 'a-key-of-the-lab';
let python = '';
let file = '';
let port = 0;
let server: ChildProcess;
let mine: TestEngine;

async function startServer(): Promise<void> {
  const args = [here('python/own_server.py'), '--port', String(port), '--model', file, '--alias', 'smol', '--context', '1024'];
  server = spawn(python, args, { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, OWN_KEY: KEY } });
  await once(server.stdout!, 'data');
  server.stdout?.resume();
}

async function killServer(): Promise<void> {
  server.kill('SIGKILL');
  await once(server, 'exit');
}

beforeAll(async () => {
  await run(here('setup-own-server'), [], { timeout: 280_000 });
  python = (await run(here('setup-own-server'), ['--where'])).stdout.trim();
  const sample = await sampleModel(modeliumFolders().cache, () => {});
  expect(sample.real).toBe(true);
  ({ file } = sample);
  port = await freePort();
  await startServer();
  mine = await startTestEngine();
  writeFileSync(join(mine.folder, 'key'), KEY);
  mine.saveSettings({ remotes: { lab: { url: `http://127.0.0.1:${port}/v1`, key_file: 'key', prefix: 'lab/' } } });
  await mine.waitFor('lab-smol', 'ready', 60_000);
}, 300_000);
afterAll(async () => {
  await mine?.close();
  server?.kill('SIGKILL');
});

test('is asked by /predict and the openai client, whole and streamed, as if it were here', async () => {
  const client = new OpenAI({ baseURL: `${mine.engine.address}/v1`, apiKey: 'any', maxRetries: 0 });
  const { status, text } = await mine.predict('lab-smol', PROMPT);
  expect([status, text]).toEqual([200, expect.stringMatching(/graphics/i)]);
  const whole = await client.chat.completions.create({ model: 'lab/smol', ...ASKED });
  let streamed = '';
  for await (const { choices } of await client.chat.completions.create({ model: 'lab/smol', ...ASKED, stream: true })) {
    streamed += choices[0]?.delta.content ?? '';
  }
  expect([whole.choices[0]?.message.content, streamed]).toEqual([text, text]);
  expect((await mine.model('lab-smol')).profile?.contextLength).toBeGreaterThan(0);
});

test('that is killed is told in the answer, and asked again when it is back', async () => {
  await killServer();
  const answer = await mine.predict('lab-smol', PROMPT);
  expect([answer.status, answer.error?.message]).toEqual([503, expect.stringMatching(/lab \(.*\) does not answer: nothing listens there/)]);
  await startServer();
  await mine.waitFor('lab-smol', 'ready', 60_000);
  expect((await mine.predict('lab-smol', PROMPT)).text).toMatch(/graphics/i);
});

test('that refuses the key says so in place of an answer', async () => {
  writeFileSync(join(mine.folder, 'key'), 'another-key');
  mine.saveSettings({ remotes: { lab: { url: `http://127.0.0.1:${port}/v1`, key_file: join(mine.folder, 'key'), prefix: 'lab/' } } });
  const answer = await eventually('the key is refused', async () => {
    const asked = await mine.predict('lab-smol', PROMPT);
    return asked.error?.message.includes('key') ? asked : null;
  });
  expect([answer.status, answer.error?.message]).toEqual([
    503,
    expect.stringMatching(/refuses the key that remotes\.lab\.key_file names \(status 401\)/),
  ]);
});
