/**
 * Runs the real vLLM until it has failed, or until it is up: what it says is recorded, or
 * explained.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { flagsOf, makeFailing, type VllmFailure } from '../fixtures/vllm/failures.ts';
import { here } from './children.ts';

const run = promisify(execFile);
const ENV = { VLLM_TARGET_DEVICE: 'cpu', HF_HUB_OFFLINE: '1', VLLM_NO_USAGE_STATS: '1', OMP_NUM_THREADS: '1', VLLM_LOGGING_COLOR: '0' };
const GIVE_UP_MS = 240_000;
const PORT = 18_231;

export interface VllmRun {
  readonly code: number | null;
  readonly signal: string | null;
  /** Both streams as they came, with the machine's own paths taken out. */
  readonly text: string;
  readonly seconds: number;
}

/** The command of the runtime tests' environment. */
export async function vllmCommand(): Promise<string> {
  const { stdout } = await run(here('setup'), ['--where']);
  return join(dirname(stdout.trim()), 'vllm');
}

export async function runVllm(failure: Pick<VllmFailure, 'damage' | 'flags'>): Promise<VllmRun> {
  const command = await vllmCommand();
  const environment = dirname(dirname(command));
  const base = (await run(join(dirname(command), 'python'), ['-c', 'import sys; print(sys.base_prefix)'])).stdout.trim();
  const root = await mkdtemp(join(tmpdir(), 'modelium-record-'));
  const folder = await makeFailing(join(root, 'tiny'), failure);
  const flags = ['serve', folder, '--served-model-name', 'tiny', '--host', '127.0.0.1', '--port', String(PORT), ...flagsOf(failure)];
  const child = spawn(command, flags, { env: { PATH: process.env['PATH'], HOME: root, TMPDIR: root, ...ENV }, detached: true });
  const began = Date.now();
  const giveUp = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), GIVE_UP_MS);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (part.includes('Application startup complete')) child.kill('SIGTERM');
    });
  }
  const ended = await new Promise<Pick<VllmRun, 'code' | 'signal'>>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal })),
  );
  clearTimeout(giveUp);
  await rm(root, { recursive: true, force: true });
  const clean = text
    .replaceAll(folder, '/models/tiny')
    .replaceAll(root, '/tmp/home')
    .replaceAll(environment, '/venv')
    .replaceAll(base, '/usr');
  return { ...ended, text: clean.replace(/mq_connect_ip=[\d.]+/g, 'mq_connect_ip=127.0.0.1'), seconds: (Date.now() - began) / 1000 };
}
