/**
 * What a client, or a folder, can do to everybody else: for each attack the latency of /health and
 * of a ready model's answers, without and with it in one run, and how much memory the engine keeps
 * when it is over. Both models are served by the embedded llama.cpp.
 */
import { fileURLToPath } from 'node:url';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { ATTACKS, ENDLESS, ENDLESS_TEMPLATE, TARGET, VICTIM } from './attacker.ts';
import { type BenchOptions, bringUp, eventually, pause, quantile, type Row, residentMiB, type Served, serve, start } from './kit.ts';

const ATTACKER = fileURLToPath(new URL('attacker.ts', import.meta.url));
/** Until the attacker's process sends. */
const BEGINS_MS = 500;
const HEALTH_BAR_MS = 100;
const ANSWER_BAR = 1.2;
const MEMORY_BAR = 1.2;
/** After so long the engine has given back what it will. */
const REST_MS = 8_000;

interface Latencies {
  readonly health: number[];
  readonly answers: number[];
  failed: number;
}

async function measure(port: number, seconds: number): Promise<Latencies> {
  const found: Latencies = { health: [], answers: [], failed: 0 };
  const endMs = performance.now() + seconds * 1000;
  async function ask(path: string, into: number[], init: RequestInit): Promise<void> {
    while (performance.now() < endMs) {
      const startMs = performance.now();
      const response = await fetch(`http://127.0.0.1:${port}${path}`, init).catch(() => null);
      await response?.arrayBuffer().catch(() => null);
      if (response?.status === 200) into.push(performance.now() - startMs);
      else found.failed += 1;
      await pause(10);
    }
  }
  const predict = { method: 'POST', body: JSON.stringify({ prompt: 'Hello', max_tokens: 1 }) };
  await Promise.all([ask('/health', found.health, {}), ask(`/predict/${VICTIM}`, found.answers, predict)]);
  return found;
}

export async function attacks({ seconds }: BenchOptions): Promise<readonly Row[]> {
  const served = await serve({ models: [VICTIM, TARGET], settings: { orchestration: { policies: { load: 'on_request' } } } });
  try {
    await writeTinyGguf(served.watch, { name: ENDLESS, chatTemplate: ENDLESS_TEMPLATE });
    for (const model of [VICTIM, TARGET]) await bringUp(served, model);
    await measure(served.port, 2);
    const rows: Row[] = [];
    for (const attack of Object.keys(ATTACKS)) rows.push(...(await under(attack, served, seconds)));
    const startMs = performance.now();
    await served.program.stop();
    const endedMs = performance.now() - startMs;
    return [...rows, { what: 'SIGTERM with 500 models', unit: 'ms', value: endedMs, bar: '<= 10,000 ms', within: endedMs <= 10_000 }];
  } finally {
    await served.stop();
  }
}

async function under(name: string, served: Served, seconds: number): Promise<readonly Row[]> {
  const memoryBefore = residentMiB(served.program.pid);
  const before = await measure(served.port, seconds);
  const attacker = start([ATTACKER, name, String(served.port), served.watch]);
  await pause(BEGINS_MS);
  const during = await measure(served.port, seconds);
  await attacker.stop();
  await pause(REST_MS);
  // The model answers still.
  await eventually(async () => (await measure(served.port, 0.1)).failed === 0, served.program);
  const memory = residentMiB(served.program.pid);
  const health = quantile(during.health, 0.99);
  const [quiet, busy] = [quantile(before.answers, 0.99), quantile(during.answers, 0.99)];
  const row = (what: string, unit: string, value: number, baseline: number, bar: string, within: boolean): Row => ({
    what: `${name}: ${what}`,
    unit,
    value,
    baseline,
    bar,
    within,
  });
  return [
    row('/health, p99', 'ms', health, quantile(before.health, 0.99), `<= ${HEALTH_BAR_MS} ms`, health <= HEALTH_BAR_MS),
    row("a ready model's answer, p99", 'ms', busy, quiet, `<= x ${ANSWER_BAR}`, busy <= quiet * ANSWER_BAR),
    row('requests of others that failed', '', during.failed, before.failed, '0', during.failed === 0),
    row('memory when it is over', 'MiB', memory, memoryBefore, `<= x ${MEMORY_BAR}`, memory <= memoryBefore * MEMORY_BAR),
  ];
}
