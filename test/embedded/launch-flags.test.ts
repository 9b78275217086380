/**
 * Each flag of a launch that a person may give (`models.<id>.args`, `llama.args`) has an effect,
 * seen in llama.cpp's own words.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { modeliumFolders } from '../../main/io/folders.ts';
import { sampleModelPath } from '../../main/io/sample-model.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { startServer } from './start-server.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelium-flags-'));
  file = await writeTinyGguf(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function launch(model: string, ...flags: readonly string[]) {
  const server = await startServer(['--model', model, '--ctx-size', '1024', ...flags]);
  try {
    const report = await server.message(({ type }) => type === 'memory');
    const { status } = await server.json('/v1/completions', { prompt: 'the', max_tokens: 4 });
    expect(status).toBe(200);
    return { kvBytes: Number(report['kvBytes']), computeBytes: Number(report['computeBytes']), words: server.lines.join('\n') };
  } finally {
    await server.stop();
  }
}

test('--cache-type-k and --cache-type-v: the cache grows and shrinks', async () => {
  const plain = await launch(file);
  // To the hundredth of a MiB that llama.cpp prints.
  expect((await launch(file, '--cache-type-k', 'f32')).kvBytes / plain.kvBytes).toBeCloseTo(1.5, 1);
  expect((await launch(file, '--cache-type-k', 'f32', '--cache-type-v', 'f32')).kvBytes / plain.kvBytes).toBeCloseTo(2, 1);
  // Quantized types need heads of 32 numbers: the tiny model's have 16.
  const sample = sampleModelPath(modeliumFolders().cache);
  if (!existsSync(sample)) return;
  const large = await launch(sample);
  const small = await launch(sample, '--cache-type-k', 'q8_0', '--cache-type-v', 'q8_0', '--flash-attn', 'on');
  expect(small.kvBytes / large.kvBytes).toBeCloseTo(34 / 64, 2);
});

test('--flash-attn: off is off', async () => {
  expect((await launch(file, '--flash-attn', 'off')).words).toMatch(/flash_attn\s+= disabled/);
  expect((await launch(file, '--flash-attn', 'on')).words).toMatch(/flash_attn\s+= enabled/);
});

test('--ubatch-size: the scratch memory follows it', async () => {
  const [small, large] = [await launch(file, '--ubatch-size', '64'), await launch(file, '--ubatch-size', '512')];
  expect(large.computeBytes).toBeGreaterThan(4 * small.computeBytes);
});
