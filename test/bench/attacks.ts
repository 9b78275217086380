/**
 * What a client, or a folder, can do to everybody else: for each attack the latency of /health and
 * of a ready model's answers, without it, with it and with the same attack on somebody else, in
 * turns, and how much memory the engine keeps when it is over. What the attack on somebody else
 * costs (`sink.ts`, a folder that nobody watches) is the machine's share and not the engine's: with
 * two processors it alone doubles the latency at times. The bar is held against the larger of the
 * two. Both models are served by the embedded llama.cpp.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { ATTACKS, DROPPED_FILES, ENDLESS, ENDLESS_TEMPLATE, OF_FILES, TARGET, VICTIM } from './attacker.ts';
import {
  type BenchOptions,
  bringUp,
  eventually,
  freePort,
  type Program,
  pause,
  quantile,
  type Row,
  residentMiB,
  type Served,
  serve,
  start,
  untilOk,
} from './kit.ts';

const ATTACKER = fileURLToPath(new URL('attacker.ts', import.meta.url));
const SINK = fileURLToPath(new URL('sink.ts', import.meta.url));
/** Until the attacker's process sends. */
const BEGINS_MS = 500;
/** What else the machine does weighs on the three alike when they take turns. */
const TURNS = 4;
/** What so many models need until each has its verdict, with a little rest. */
const FILES_SECONDS = 10;
/** A new engine is slower at first: compared with that, an attack would look harmless. */
const WARM_UP_SECONDS = 12;
const HEALTH_BAR_MS = 100;
const ANSWER_BAR = 1.2;
const MEMORY_BAR = 1.2;
/** After so long nothing of an attack is under way any more. */
const CALM_MS = 1_500;
/** After so long the engine has given back what it will. */
const REST_MS = 8_000;

class Latencies {
  readonly health: number[] = [];
  readonly answers: number[] = [];
  failed = 0;
}

/** Adds to what was found before. */
async function measure(port: number, seconds: number, found = new Latencies()): Promise<Latencies> {
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

export async function attacks({ seconds, only }: BenchOptions): Promise<readonly Row[]> {
  const served = await serve({ models: [VICTIM, TARGET], settings: { orchestration: { policies: { load: 'on_request' } } } });
  try {
    await writeTinyGguf(served.watch, { name: ENDLESS, chatTemplate: ENDLESS_TEMPLATE });
    for (const model of [VICTIM, TARGET]) await bringUp(served, model);
    await measure(served.port, WARM_UP_SECONDS);
    const rows: Row[] = [];
    for (const attack of Object.keys(ATTACKS).filter((name) => name.includes(only))) rows.push(...(await under(attack, served, seconds)));
    const startMs = performance.now();
    await served.program.stop();
    const endedMs = performance.now() - startMs;
    return [...rows, { what: 'SIGTERM with 500 models', unit: 'ms', value: endedMs, bar: '<= 10,000 ms', within: endedMs <= 10_000 }];
  } finally {
    await served.stop();
  }
}

interface Baseline {
  readonly name: string;
  readonly ms: number;
}

async function under(name: string, served: Served, seconds: number): Promise<readonly Row[]> {
  const memoryBefore = residentMiB(served.program.pid);
  const [before, elsewhere, during] = [new Latencies(), new Latencies(), new Latencies()];
  const turnSeconds = name === OF_FILES ? FILES_SECONDS : seconds / TURNS;
  for (let turn = 0; turn < TURNS; turn += 1) {
    await removeDropped(served);
    await measure(served.port, turnSeconds, before);
    await attackedElsewhere(name, served, turnSeconds, elsewhere);
    const attacker = startAttacker(name, served.port, served.watch);
    await pause(BEGINS_MS);
    await measure(served.port, turnSeconds, during);
    await attacker.stop();
    await pause(CALM_MS);
  }
  await pause(REST_MS);
  // The model answers still.
  await eventually(async () => (await measure(served.port, 0.1)).failed === 0, served.program);
  const memory = residentMiB(served.program.pid);
  const health = quantile(during.health, 0.99);
  const [quiet, beside, busy] = [before, elsewhere, during].map(({ answers }) => quantile(answers, 0.99)) as [number, number, number];
  // Without an attack it takes no longer than with one elsewhere, but for chance.
  const [own, less] = [
    { name: 'elsewhere', ms: beside },
    { name: 'quiet', ms: quiet },
  ].toSorted((one, other) => other.ms - one.ms) as [Baseline, Baseline];
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
    {
      ...row("a ready model's answer, p99", 'ms', busy, own.ms, `<= x ${ANSWER_BAR}`, busy <= own.ms * ANSWER_BAR),
      baselineName: own.name,
    },
    { what: `${name}: the same`, unit: 'ms', value: busy, baseline: less.ms, baselineName: less.name },
    row('requests of others that failed', '', during.failed, before.failed, '0', during.failed === 0),
    row('memory when it is over', 'MiB', memory, memoryBefore, `<= x ${MEMORY_BAR}`, memory <= memoryBefore * MEMORY_BAR),
  ];
}

/** The files of the turn before, and the models that the engine made of them. */
async function removeDropped(served: Served): Promise<void> {
  const dropped = readdirSync(served.watch).filter((name) => DROPPED_FILES.test(name));
  if (dropped.length === 0) return;
  for (const name of dropped) rmSync(join(served.watch, name));
  async function areGone(): Promise<boolean> {
    const { models } = await served.get<{ models: readonly { id: string }[] }>('/models');
    return !models.some(({ id }) => DROPPED_FILES.test(id));
  }
  await eventually(areGone, served.program, CALM_MS);
  await pause(REST_MS);
}

/** Behind all others. */
function startAttacker(name: string, port: number, watch: string): Program {
  return start([ATTACKER, name, String(port), watch], { ownSession: true });
}

async function attackedElsewhere(name: string, served: Served, seconds: number, found: Latencies): Promise<void> {
  const port = await freePort();
  const sink = start([SINK, '--port', String(port)]);
  const folder = join(served.folder, 'elsewhere');
  mkdirSync(folder, { recursive: true });
  await untilOk(port, '/', sink);
  const attacker = startAttacker(name, port, folder);
  await pause(BEGINS_MS);
  await measure(served.port, seconds, found);
  await attacker.stop();
  await sink.stop();
  rmSync(folder, { recursive: true });
  await pause(CALM_MS);
}
