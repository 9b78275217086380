/** Real Triton, the whole engine in front of it. Its backend of ONNX Runtime is a stand-in (test/runtimes/triton/onnxruntime.py): that one proves the entries, not the backend. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';
import { here } from './children.ts';
import { realFiles } from './real-files.ts';
import { copyOnnx, tritonProgram, writeTextModel } from './triton-models.ts';

let live: LiveEngine;
beforeAll(async () => {
  execFileSync(here('setup-triton'));
  const onnx = join(await realFiles('magika'), 'magika/models/standard_v3_3/model.onnx');
  live = await startLiveEngine({
    settings: { triton: { command: tritonProgram() }, gpus: { use: 'none' } },
    prepare: ({ watch }) => {
      copyOnnx(onnx, join(watch, 'magika'));
      writeTextModel(join(watch, 'backwards'));
    },
  });
});
afterAll(() => live?.close());

test('an ONNX file in a folder is loaded', async () => {
  await live.comesTo('magika', 'ready', 60_000);
  expect((await live.ask('GET', '/upstream/magika/v2/models/magika')).json).toMatchObject({
    inputs: [{ name: 'bytes', datatype: 'INT32' }],
  });
});
