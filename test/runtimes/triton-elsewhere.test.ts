/**
 * A real Triton that is not ours, with its restricted API: models go into it with their files and
 * leave it. Its backend of ONNX Runtime is a stand-in (test/runtimes/triton/onnxruntime.py).
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';
import { here } from './children.ts';
import { realFiles } from './real-files.ts';
import { copyOnnx, tritonProgram, writeTextModel } from './triton-models.ts';

const repository = mkdtempSync(join(tmpdir(), 'modelium-theirs-'));
let theirs: ChildProcess;
let live: LiveEngine;
let url = '';

/** Where it runs stays as its maker wrote it: here he left it to the server. */
function writePlaceless(folder: string): void {
  writeTextModel(folder);
  const config = readFileSync(join(folder, 'config.pbtxt'), 'utf8');
  writeFileSync(join(folder, 'config.pbtxt'), config.replace(/^(?:name|instance_group).*$/gm, ''));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

const namesThere = async (): Promise<readonly string[]> =>
  ((await (await fetch(`${url}/v2/models/stats`)).json()) as { model_stats: { name: string }[] }).model_stats.map(({ name }) => name);

beforeAll(async () => {
  execFileSync(here('setup-triton'));
  writePlaceless(join(repository, 'theirs'));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const program = tritonProgram();
  theirs = spawn(
    program,
    [
      `--model-repository=${repository}`,
      `--backend-directory=${join(dirname(dirname(program)), 'backends')}`,
      '--model-control-mode=explicit',
      '--load-model=theirs',
      '--strict-readiness=false',
      '--http-address=127.0.0.1',
      `--http-port=${port}`,
      '--allow-grpc=false',
      '--allow-metrics=false',
      '--exit-timeout-secs=3',
      '--http-restricted-api=model-repository:lab-key=secret-of-the-lab',
      // Two on one machine would share each other's shared memory.
      '--backend-config=python,shm-region-prefix-name=theirs',
    ],
    { stdio: 'ignore' },
  );
  await eventually('it is up', async () => (await fetch(`${url}/v2/health/ready`).catch(() => null))?.status === 200, 60_000);
  const onnx = join(await realFiles('magika'), 'magika/models/standard_v3_3/model.onnx');
  live = await startLiveEngine({
    settings: { triton: { url, key_file: 'key', key_header: 'lab-key' }, gpus: { use: 'none' } },
    prepare: ({ folder, watch }) => {
      writeFileSync(join(folder, 'key'), 'secret-of-the-lab\n');
      copyOnnx(onnx, join(watch, 'magika'));
      writePlaceless(join(watch, 'backwards'));
    },
  });
});
afterAll(async () => {
  await live?.close();
  theirs?.kill('SIGTERM');
  if (theirs?.exitCode === null) await once(theirs, 'exit');
  rmSync(repository, { recursive: true, force: true });
});

test('an ONNX file goes there with the call that loads it, and answers as JSON and as bytes', async () => {
  await live.comesTo('magika', 'ready', 60_000);
  const bytes = new Array<number>(2048).fill(256);
  const predicted = await live.predict('magika', { inputs: { bytes: [bytes] } });
  expect([predicted.status, predicted.json.outputs.target_label[0].length]).toEqual([200, 214]);
  const header = JSON.stringify({
    inputs: [{ name: 'bytes', datatype: 'INT32', shape: [1, 2048], parameters: { binary_data_size: 8192 } }],
    outputs: [{ name: 'target_label', parameters: { binary_data: true } }],
  });
  const answer = await fetch(`${live.address}/v2/models/magika/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(header.length) },
    body: Buffer.concat([Buffer.from(header), Buffer.from(Int32Array.from(bytes).buffer)]),
  });
  const body = Buffer.from(await answer.arrayBuffer());
  const reported = Number(answer.headers.get('inference-header-content-length'));
  expect([answer.status, body.length - reported]).toEqual([200, 214 * 4]);
  expect(body.readFloatLE(reported)).toBeCloseTo(predicted.json.outputs.target_label[0][0], 5);
});

test('a folder with code goes there as soon as it is trusted; what that server has itself is offered beside it', async () => {
  const { json } = await live.control('GET', '/control/models/backwards/trust');
  const [{ form, hash }] = json.forms;
  await live.control('POST', '/control/models/backwards/trust', { form, hash, trusted: true });
  await live.comesTo('backwards', 'ready', 60_000);
  expect((await live.predict('backwards', { prompt: 'Hello' })).json.text).toBe('olleH');
  expect((await live.predict('backwards', { prompt: 'Hello', stream: true })).text).toContain('data: {"text":"olleH"}');
  expect((await live.predict('theirs', { prompt: 'abc' })).json.text).toBe('cba');
});

test('each leaves it when it is unloaded, and nothing of ours stays; what was there stays', async () => {
  for (const id of ['magika', 'backwards', 'theirs']) await live.control('POST', `/control/models/${id}/unload`, {});
  for (const id of ['magika', 'backwards']) await live.comesTo(id, 'unloaded', 60_000);
  expect([await namesThere(), theirs.exitCode]).toEqual([['theirs'], null]);
});
