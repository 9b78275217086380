/**
 * Records what the real vLLM says when it fails: `node test/runtimes/record-vllm.ts [NAME ...]`. Writes test/fixtures/vllm/NAME.txt, with the
 * machine's own paths taken out. About half a minute each.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { flagsOf, GOOD_FLAGS, makeFailing, VLLM_FAILURES } from '../fixtures/vllm/failures.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const python = (await promisify(execFile)(here('setup'), ['--where'])).stdout.trim();
const environment = dirname(dirname(python));
const base = (await promisify(execFile)(python, ['-c', 'import sys; print(sys.base_prefix)'])).stdout.trim();
const ENV = { VLLM_TARGET_DEVICE: 'cpu', HF_HUB_OFFLINE: '1', VLLM_NO_USAGE_STATS: '1', OMP_NUM_THREADS: '1', VLLM_LOGGING_COLOR: '0' };
const GIVE_UP_MS = 240_000;

const good = { name: 'good', damage: async () => {}, flags: GOOD_FLAGS, says: /./ };
const wanted = process.argv.slice(2);
for (const failure of [good, ...VLLM_FAILURES].filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const root = await mkdtemp(join(tmpdir(), 'modelium-record-'));
  const folder = await makeFailing(join(root, 'tiny'), failure);
  const flags = ['serve', folder, '--served-model-name', 'tiny', '--host', '127.0.0.1', '--port', '18231', ...flagsOf(failure)];
  const child = spawn(join(environment, 'bin/vllm'), flags, {
    env: { PATH: process.env['PATH'], HOME: root, TMPDIR: root, ...ENV },
    detached: true,
  });
  let text = '';
  const began = Date.now();
  const giveUp = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), GIVE_UP_MS);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (part.includes('Application startup complete')) child.kill('SIGTERM');
    });
  }
  const code = await new Promise((resolve) => child.on('close', (status, signal) => resolve(signal ?? status)));
  clearTimeout(giveUp);
  const clean = text
    .replaceAll(folder, '/models/tiny')
    .replaceAll(root, '/tmp/home')
    .replaceAll(environment, '/venv')
    .replaceAll(base, '/usr')
    .replace(/mq_connect_ip=[\d.]+/g, 'mq_connect_ip=127.0.0.1');
  await writeFile(here(`../fixtures/vllm/${failure.name}.txt`), clean);
  console.log(`${failure.name}: ${String(code)} after ${((Date.now() - began) / 1000).toFixed(1)} s, ${clean.split('\n').length} lines`);
  await rm(root, { recursive: true, force: true });
}
