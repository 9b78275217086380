/**
 * Stock clients that stream from a model which is not loaded: a real engine, a real llama.cpp, a
 * program that takes its time to start. Nothing that goes out while they wait may break them, and
 * the tokens of those who do not ask for the usage are counted all the same.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { programs } from '../main/programs.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { readStrictly } from './helpers/strict-stream.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

let folder: string;
let live: LiveEngine;
let client: OpenAI;
const MODELS = ['chat', 'texts'] as const;
const messages = [{ role: 'user' as const, content: 'Hello' }];
/**
 * Its own: for the second before its programs listen, another engine could be told the same port,
 * and its server would answer here.
 */
const PORTS = [19_100, 19_139];
const short = { max_tokens: 4, temperature: 0 };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'modelium-slow-'));
  const command = join(folder, 'slow-llama');
  writeFileSync(command, `#!/bin/sh\nsleep 1\nexec "${process.execPath}" "${programs.embeddedServer}" "$@"\n`);
  chmodSync(command, 0o755);
  live = await startLiveEngine({
    settings: { llama: { command, port_range: PORTS }, orchestration: { policies: { load: 'on_request' } } },
    prepare: async ({ watch }) => {
      for (const name of MODELS) await writeTinyGguf(watch, { name, contextTokens: 512 });
    },
  });
  client = new OpenAI({ baseURL: `${live.address}/v1`, apiKey: 'any', maxRetries: 0 });
  for (const name of MODELS) await live.comesTo(name, 'unloaded');
});

afterAll(async () => {
  await live?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('every client that streams from a model while it loads reads its answer to the end', async () => {
  const raw = (path: string, body: object) => live.ask('POST', path, { stream: true, ...short, ...body });
  const [chat, completion, loop, helper, texts] = await Promise.all([
    raw('/v1/chat/completions', { model: 'chat', messages, stream_options: { include_usage: true } }),
    raw('/v1/completions', { model: 'texts', prompt: 'the' }),
    plainLoop(),
    client.chat.completions.stream({ model: 'chat', messages, ...short }).finalChatCompletion(),
    plainTexts(),
  ]);
  const read = readStrictly(chat.text, { route: 'chat', usage: true });
  expect(read.comments.length).toBeGreaterThan(1);
  expect(read.finishReasons).toEqual(['length']);
  const completed = readStrictly(completion.text, { route: 'completion' });
  expect(completed.finishReasons).toEqual(['length']);
  expect([loop, texts]).toEqual([read.text, completed.text]);
  expect(helper.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: read.text } });
  const metrics = await live.metrics();
  expect(metrics).toContain('modelium_tokens_total{model="chat",direction="completion"} 12');
  expect(metrics).toContain('modelium_tokens_total{model="texts",direction="completion"} 8');
});

/** As the first example of its README does it: the first choice of every chunk. */
async function plainLoop(): Promise<string> {
  let text = '';
  for await (const chunk of await client.chat.completions.create({ model: 'chat', messages, stream: true, ...short })) {
    const [choice] = chunk.choices;
    if (choice === undefined) throw new Error(`a chunk without a choice: ${JSON.stringify(chunk)}`);
    text += choice.delta.content ?? '';
  }
  return text;
}

async function plainTexts(): Promise<string> {
  let text = '';
  for await (const chunk of await client.completions.create({ model: 'texts', prompt: 'the', stream: true, ...short })) {
    const [choice] = chunk.choices;
    if (choice === undefined) throw new Error(`a chunk without a choice: ${JSON.stringify(chunk)}`);
    text += choice.text;
  }
  return text;
}
