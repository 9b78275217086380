/**
 * Records what the real vLLM says when it fails: `node test/runtimes/record-vllm.ts [NAME ...]`.
 * Writes test/fixtures/vllm/NAME.txt. About half a minute each; what is recorded is explained by
 * every run of `npm test`.
 */
import { writeFile } from 'node:fs/promises';
import { GOOD_FLAGS, VLLM_FAILURES } from '../fixtures/vllm/failures.ts';
import { here } from './children.ts';
import { runVllm } from './vllm-run.ts';

const good = { name: 'good', damage: async () => {}, flags: GOOD_FLAGS };
const wanted = process.argv.slice(2);
for (const failure of [good, ...VLLM_FAILURES].filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const { code, signal, text, seconds } = await runVllm(failure);
  await writeFile(here(`../fixtures/vllm/${failure.name}.txt`), text);
  console.log(`${failure.name}: ${signal ?? code} after ${seconds.toFixed(1)} s, ${text.split('\n').length} lines`);
}
