/**
 * A folder whose configuration names several ends of a generation, converted and served: each of
 * them ends one.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { convert } from '../../../main/embedded/convert/convert.ts';
import { writeTinyFolder } from '../../helpers/tiny-folder.ts';
import { startServer, type TestServer } from '../start-server.ts';

/** Names by which llama.cpp knows no end. */
const NAMES = ['<|a|>', '<|b|>', '<|c|>'];
const ENDS = [0, 1, 2, 50, 51];

let folder: string;
let server: TestServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelium-ends-'));
  const source = await writeTinyFolder(join(folder, 'model'), { type: 'F32', config: { eos_token_id: ENDS } });
  let tokenizer = await readFile(join(source, 'tokenizer.json'), 'utf8');
  for (const [at, name] of ['<|endoftext|>', '<|im_start|>', '<|im_end|>'].entries()) tokenizer = tokenizer.replaceAll(name, NAMES[at]!);
  await writeFile(join(source, 'tokenizer.json'), tokenizer);
  await writeFile(
    join(source, 'tokenizer_config.json'),
    JSON.stringify({ tokenizer_class: 'PreTrainedTokenizerFast', eos_token: '<|a|>', chat_template: { default: 'x', tool_use: 'y' } }),
  );
  const names = await readdir(source);
  const output = join(folder, 'model.gguf');
  convert({ files: Object.fromEntries(names.map((name) => [name, join(source, name)])), output, earlier: null, type: 'F32' }, () => {});
  server = await startServer(['--model', output, '--alias', 'ends', '--ctx-size', '256']);
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

test('each of them ends a generation, and no other token does', async () => {
  const saying = async (token: number) => {
    const asked = { prompt: 'Hi', max_tokens: 5, temperature: 0, logit_bias: { [token]: 100 } };
    const { body } = await server.json('/v1/completions', asked);
    return [body.choices[0]!.finish_reason, body.usage.completion_tokens];
  };
  for (const end of ENDS) expect([end, ...(await saying(end))]).toEqual([end, 'stop', 0]);
  expect(await saying(60)).toEqual(['length', 5]);
});
