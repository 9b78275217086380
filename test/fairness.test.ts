/**
 * Two models that do not fit together, and clients that never let up on either: everybody is
 * served, in turns. Real llama.cpp.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEnvironments, readText } from '../main/io/processes/proc.ts';
import type { ModelView } from '../shared/snapshot.ts';
import { MIB } from '../shared/units.ts';
import { eventually } from './helpers/eventually.ts';
import { FULL } from './helpers/full.ts';
import { type Home, makeHome, type Served, startServe } from './helpers/serve.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

const MODELS = ['left', 'right'] as const;
const CLIENTS_EACH = 4;
const SECONDS = FULL ? 60 : 6;
/**
 * Each model's turns, so that shares mean something; a machine that loads slowly takes longer than
 * SECONDS for them.
 */
const LEAST_TURNS = FULL ? 4 : 3;
/** Of the time in which one of the two serves; with turns of equal length each has half. */
const LEAST_SHARE = 0.25;

let home: Home;
let served: Served;

beforeAll(async () => {
  home = makeHome({
    // One takes about 200 MiB: the program, 16 MiB of weights, cache and scratch. Two do not fit.
    host: { reserve_mb: 0, memory_limit_mb: 280 },
    orchestration: {
      policies: { load: 'on_request', fairness_max_wait_seconds: FULL ? 3 : 2, min_residency_seconds: 1, drain_seconds: 30 },
    },
  });
  for (const [seed, name] of MODELS.entries()) {
    await writeTinyGguf(home.watch, { name, seed: seed + 1, minimumBytes: 16 * MIB, layers: 2 });
  }
  served = await startServe(home);
  for (const name of MODELS) await served.becomes(name, 'unloaded');
});

afterAll(async () => {
  await home.remove();
});

/** A stretch of time in which one model served, in samples that saw it ready. */
interface Turn {
  readonly id: string;
  samples: number;
}

interface Tally {
  /** In their order; the last one may go on. */
  readonly turns: Turn[];
  /** What no sample may show. */
  readonly together: string[];
  samples: number;
}

/**
 * Names of the models whose server lives, by its command line: what the engine says of itself is
 * not asked here.
 */
function serving(): readonly string[] {
  const names = readEnvironments('HOME').flatMap(({ pid, value }) => {
    const words = value === home.root ? (readText(`/proc/${pid}/cmdline`) ?? '').split('\0') : [];
    const name = words[words.indexOf('--alias') + 1];
    return words.includes('--alias') && name !== undefined ? [name] : [];
  });
  return [...new Set(names)].toSorted();
}

function holdsMemory({ state, pids }: ModelView): boolean {
  return state === 'ready' || pids.length > 0;
}

/**
 * Looks at the machine and at the engine's account of it, without a pause worth the name, until it
 * is over.
 */
async function watchBoth(tally: Tally, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const alive = serving();
    if (alive.length > 1) tally.together.push(`processes of ${alive.join(' and ')}`);
    const models = await served.models();
    const holding = models.filter(holdsMemory).map(({ id }) => id);
    if (holding.length > 1) tally.together.push(`the engine says ${models.map(({ id, state }) => `${id} ${state}`).join(', ')}`);
    for (const { id } of models.filter(({ state }) => state === 'ready')) {
      const turn = tally.turns.at(-1);
      if (turn?.id === id) turn.samples += 1;
      else tally.turns.push({ id, samples: 1 });
    }
    tally.samples += 1;
    await pause(50);
  }
}

test(`two models that cannot be resident together, ${CLIENTS_EACH} clients to each for ${SECONDS} s: all are answered, never both, none starves`, {
  timeout: (SECONDS + 150) * 1000,
}, async () => {
  const tally: Tally = { turns: [], together: [], samples: 0 };
  const statuses = { left: {} as Record<number, number>, right: {} as Record<number, number> };
  const bodies: string[] = [];
  let over = false;

  async function client(name: (typeof MODELS)[number], number: number): Promise<void> {
    while (!over) {
      const answer = await served.predict(name, { prompt: `Client ${number} asks`, max_tokens: 8, seed: number });
      const text = await answer.text();
      const counts = statuses[name];
      counts[answer.status] = (counts[answer.status] ?? 0) + 1;
      if (answer.status !== 200) bodies.push(`${name}: ${answer.status} ${text}`);
      // A breath that leaves the processor to whoever else needs it: others of these clients wait.
      await pause(50);
    }
  }

  const wholeTurns = () => tally.turns.slice(0, -1);
  const turnsOf = (name: string) => wholeTurns().filter(({ id }) => id === name).length;
  const watching = watchBoth(tally, () => over);
  const clients = MODELS.flatMap((name) => Array.from({ length: CLIENTS_EACH }, (_, number) => client(name, number)));
  const enough = performance.now() + SECONDS * 1000;
  await eventually(
    `${SECONDS} s, and ${LEAST_TURNS} whole turns each`,
    () => performance.now() >= enough && MODELS.every((name) => turnsOf(name) >= LEAST_TURNS),
    (SECONDS + 90) * 1000,
  ).finally(() => {
    over = true;
  });
  await Promise.all([...clients, watching]);

  expect(bodies).toEqual([]);
  expect(statuses).toEqual({ left: { 200: expect.any(Number) }, right: { 200: expect.any(Number) } });
  expect(tally.together).toEqual([]);
  expect(tally.samples).toBeGreaterThan(SECONDS);
  expect(Math.abs(turnsOf('left') - turnsOf('right'))).toBeLessThanOrEqual(1);
  // As many turns of the one as of the other: an odd one at the end would tilt the comparison.
  const pairs = wholeTurns().slice(0, 2 * Math.min(...MODELS.map(turnsOf)));
  const samplesOf = (name: string) => pairs.reduce((sum, turn) => sum + (turn.id === name ? turn.samples : 0), 0);
  for (const name of MODELS) expect(samplesOf(name) / (samplesOf('left') + samplesOf('right'))).toBeGreaterThan(LEAST_SHARE);
  console.log(`fairness: turns ${tally.turns.map(({ id, samples }) => `${id} ${samples}`).join(', ')}; ${JSON.stringify(statuses)}`);
  for (const model of await served.models()) expect([model.waiting, model.inFlight]).toEqual([0, 0]);
  expect(await served.end('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(home.processes()).toEqual([]);
});
