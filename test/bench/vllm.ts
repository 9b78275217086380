/**
 * The real vLLM on a processor, in the environment that test/runtimes/setup makes: what Modelium
 * adds from a request to a model that is not loaded until its answer, beyond vLLM's own start, and
 * to each request afterwards.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeHome, type Served, startServe } from '../helpers/serve.ts';
import { writeTinyFolder } from '../helpers/tiny-folder.ts';
import { type BenchOptions, median, pause, quantile, type Row } from './kit.ts';

const LOADS = 3;
const REQUESTS = 300;
const TICKS_PER_SECOND = 100;
const BODY = { model: 'tiny', prompt: 'Hello', max_tokens: 1, temperature: 0 };

export async function vllm(_options: BenchOptions): Promise<readonly Row[]> {
  const setup = fileURLToPath(new URL('../runtimes/setup', import.meta.url));
  execFileSync(setup, { stdio: 'inherit' });
  const command = join(dirname(execFileSync(setup, ['--where'], { encoding: 'utf8' }).trim()), 'vllm');
  const home = makeHome({
    vllm: { command },
    models: { tiny: { runtime: 'vllm', context: 256 } },
    orchestration: { policies: { load: 'on_request' } },
  });
  cpSync(await writeTinyFolder(join(home.root, 'made/tiny'), { type: 'F32', hidden: 128 }), join(home.watch, 'tiny'), { recursive: true });
  const served = await startServe(home);
  try {
    await served.becomes('tiny', 'unloaded');
    const before: number[] = [];
    const after: number[] = [];
    const own: number[] = [];
    for (let load = 0; load < LOADS; load += 1) {
      const times = await timeLoad(served);
      before.push(times.beforeMs);
      after.push(times.afterMs);
      own.push(times.ownMs);
      if (load < LOADS - 1) await unload(served);
    }
    const { added, direct } = await timeRequests(served);
    return [
      { what: 'vllm: its own start, from its process to /health (median of 3)', unit: 's', value: median(own) / 1000 },
      { what: 'vllm: request until its process is there', unit: 'ms', value: median(before) },
      {
        what: 'vllm: /health until the answer, first proof and answer included',
        unit: 'ms',
        value: median(after),
        bar: '<= 2 s with the above',
        within: median(before) + median(after) <= 2000,
      },
      { what: 'vllm: one token straight from it, p50', unit: 'ms', value: median(direct) },
      { what: 'vllm: the same through Modelium, p50 more', unit: 'ms', value: median(added) - median(direct) },
      { what: 'vllm: the same, p95 more', unit: 'ms', value: quantile(added, 0.95) - quantile(direct, 0.95) },
    ];
  } finally {
    await served.end('SIGTERM');
    await home.remove();
  }
}

async function unload(served: Served): Promise<void> {
  await served.control('POST', '/control/models/tiny/unload', {});
  await served.becomes('tiny', 'unloaded');
}

async function timeLoad(served: Served): Promise<{ readonly beforeMs: number; readonly ownMs: number; readonly afterMs: number }> {
  const askedMs = Date.now();
  const asked = served.predict('tiny', { prompt: 'Hello', max_tokens: 1 });
  let port = 0;
  let startedMs = 0;
  while (port === 0) {
    const pid = (await served.model('tiny'))?.pids[0];
    if (pid !== undefined) {
      port = Number(/--port\0(\d+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'latin1'))?.[1] ?? 0);
      startedMs = startOf(pid);
    }
    await pause(20);
  }
  while ((await statusOf(port)) !== 200) await pause(5);
  const healthyMs = Date.now();
  await asked;
  return { beforeMs: startedMs - askedMs, ownMs: healthyMs - startedMs, afterMs: Date.now() - healthyMs };
}

/** When a process began, by the wall clock; to 10 ms. */
function startOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
  const upSeconds = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
  return Date.now() - (upSeconds - Number(fields[19]) / TICKS_PER_SECOND) * 1000;
}

function statusOf(port: number): Promise<number> {
  return new Promise((resolve) => {
    const asked = request({ port, host: '127.0.0.1', path: '/health', timeout: 1_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('error', () => resolve(0)).on('timeout', () => asked.destroy());
    asked.end();
  });
}

/** The same request straight to vLLM and through Modelium, in turn. */
async function timeRequests(served: Served): Promise<{ readonly added: readonly number[]; readonly direct: readonly number[] }> {
  const pid = (await served.model('tiny'))?.pids[0] ?? 0;
  const key = /VLLM_API_KEY=([^\0]+)/.exec(readFileSync(`/proc/${pid}/environ`, 'latin1'))?.[1] ?? '';
  const port = Number(/--port\0(\d+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'latin1'))?.[1]);
  const ask = async (address: string): Promise<number> => {
    const began = performance.now();
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await fetch(`${address}/v1/completions`, { method: 'POST', body: JSON.stringify(BODY), headers });
    await answer.text();
    if (answer.status !== 200) throw new Error(`${address} answered ${answer.status}`);
    return performance.now() - began;
  };
  const added: number[] = [];
  const direct: number[] = [];
  for (let index = 0; index < REQUESTS; index += 1) {
    direct.push(await ask(`http://127.0.0.1:${port}`));
    added.push(await ask(served.address));
  }
  return { added, direct };
}
