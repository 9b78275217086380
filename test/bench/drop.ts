/**
 * From the last byte of a dropped file to the verdict and to the first answer, against the embedded
 * server started directly on that file.
 */

import { BUILT_SERVER } from '../helpers/built-app.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import {
  type BenchOptions,
  eventually,
  freePort,
  median,
  type Row,
  removeFolder,
  type Served,
  serve,
  start,
  temporaryFolder,
} from './kit.ts';

const ROUNDS = 4;
const KEY = 'bench';
const EARLY = ['discovered', 'settling'];

interface Listed {
  readonly models: readonly { readonly id: string; readonly state: string }[];
}

export async function drop(_options: BenchOptions): Promise<readonly Row[]> {
  const folder = temporaryFolder();
  const file = await writeTinyGguf(folder);
  const verdict: number[] = [];
  const answering: number[] = [];
  const own: number[] = [];
  const served = await serve({ policies: { load: 'on_drop' } });
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const name = `dropped-${round}`;
      await writeTinyGguf(served.watch, { name });
      const began = performance.now();
      await eventually(async () => !EARLY.includes((await stateOf(served, name)) ?? 'discovered'), served.program);
      verdict.push(performance.now() - began);
      await eventually(async () => (await stateOf(served, name)) === 'ready', served.program);
      await answer(served.port, name);
      answering.push(performance.now() - began);
      own.push(await directly(file));
    }
  } finally {
    await served.stop();
    removeFolder(folder);
  }
  const load = median(own);
  return [
    { what: 'drop: last byte to verdict', unit: 'ms', value: median(verdict), bar: '<= 1000 ms', within: median(verdict) <= 1000 },
    {
      what: 'drop: last byte to answering',
      unit: 'ms',
      value: median(answering),
      baseline: load,
      baselineName: 'own load',
      bar: '<= own load + 2000 ms',
      within: median(answering) <= load + 2000,
    },
  ];
}

async function stateOf(served: Served, id: string): Promise<string | undefined> {
  const listed = await served.get<Listed | Listed['models']>('/models');
  const models = 'models' in listed ? listed.models : listed;
  return models.find((model) => model.id === id)?.state;
}

async function answer(port: number, model: string, headers: Record<string, string> = {}): Promise<void> {
  const body = JSON.stringify({ model, prompt: 'Hello', max_tokens: 1 });
  const response = await fetch(`http://127.0.0.1:${port}/v1/completions`, { method: 'POST', body, headers });
  if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

/** The runtime alone: spawned with the engine's flags until it has answered. */
async function directly(file: string): Promise<number> {
  const port = await freePort();
  const began = performance.now();
  const flags = ['--model', file, '--alias', 'alone', '--port', String(port), '--threads', '1', '--ctx-size', '8192', '--parallel', '4'];
  const program = start([BUILT_SERVER, ...flags], { env: { LLAMA_API_KEY: KEY } });
  await eventually(async () => (await fetch(`http://127.0.0.1:${port}/health`).catch(() => null))?.ok === true, program);
  await answer(port, 'alone', { 'content-type': 'application/json', authorization: `Bearer ${KEY}` });
  const tookMs = performance.now() - began;
  await program.stop();
  return tookMs;
}
