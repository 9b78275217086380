/**
 * How an engine ends, well or badly, and what the next one makes of it. Real processes throughout;
 * real llama.cpp where no fixture is named. Each test has a home of its own and mostly waits, so
 * that they run side by side.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, type TestContext, test } from 'vitest';
import { bootId, readStat } from '../main/io/processes/proc.ts';
import type { DecisionRow } from '../shared/decision.ts';
import { eventually } from './helpers/eventually.ts';
import { FULL } from './helpers/full.ts';
import { type Home, isAlive, makeHome, type Seen, type Served, spawnServe, startServe } from './helpers/serve.ts';
import { makeSimulatedBox } from './helpers/simulated-box.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

/** Weights that make a token take so long that an answer of thousands lasts. */
const LARGE = { minimumBytes: 64 * 1024 ** 2, contextTokens: 8192, layers: 8 };
const LONG = { prompt: 'Hello', max_tokens: 8000, stream: true };

function newHome({ onTestFinished }: TestContext, settings: Record<string, unknown> = {}): Home {
  const home = makeHome(settings);
  onTestFinished(() => home.remove());
  return home;
}

/**
 * A home whose runtime is the fixture, behind a command that gives it these flags at its first
 * start only.
 * @param firstLine shell words that run before anything else, at the first start.
 */
function homeWithFixture(
  context: TestContext,
  flags: string,
  options: { readonly firstLine?: string; readonly policies?: object } = {},
): Home {
  const box = makeSimulatedBox({ gpus: [] });
  context.onTestFinished(() => box.remove());
  const command = join(box.dir, 'changing-runtime');
  const runtime = `exec '${box.runtimeCommand}'`;
  const first = `${options.firstLine ?? ':'}\n  ${runtime} ${flags} "$@"`;
  writeFileSync(command, `#!/bin/sh\nif mkdir '${box.dir}/started' 2>/dev/null; then\n  ${first}\nfi\n${runtime} "$@"\n`);
  chmodSync(command, 0o755);
  return newHome(context, { llama: { command }, orchestration: { policies: options.policies ?? {} } });
}

/** All of its processes but itself. */
function childrenOf(home: Home, served: Served): readonly Seen[] {
  return home.processes().filter(({ pid }) => pid !== served.pid);
}

/**
 * The second engine of a home whose first one was killed: the leftovers are gone before it serves,
 * and it serves.
 * @param during what it was killed in: its decision to load has an outcome now.
 */
async function recovers(home: Home, left: readonly Seen[], during?: 'load'): Promise<void> {
  const second = await startServe(home);
  expect(left.filter(isAlive)).toEqual([]);
  const { path } = await second.becomes('tiny', 'unloaded');
  expect(path).toBe(join(home.watch, 'tiny.gguf'));
  expect(second.story()).toContain('Known model found again: tiny');
  expect(second.story()).not.toContain('Loading tiny');
  const { decisions } = await second.control<{ readonly decisions: readonly DecisionRow[] }>('GET', '/control/decisions?model=tiny');
  const loads = decisions.filter(({ action }) => action === 'load').map(({ outcome }) => outcome?.message ?? null);
  expect(loads).not.toContain(null);
  if (during === 'load') expect(loads[0]).toBe('cut off: the engine ended');
  const answer = await second.predict('tiny');
  expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('"text"')]);
  expect(await second.end('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(home.processes()).toEqual([]);
}

/** A request whose answer never comes, because its engine is killed or its client leaves. */
async function streamBegun(served: Served, body: object = LONG): Promise<AbortController> {
  const leaving = new AbortController();
  const response = await served.predict('tiny', body, leaving.signal);
  expect(response.status).toBe(200);
  const reader = response.body!.getReader();
  await reader.read();
  void drained(reader);
  return leaving;
}

async function drained(reader: ReadableStreamDefaultReader<unknown>): Promise<void> {
  try {
    while (!(await reader.read()).done);
  } catch {
    // Cut, as the test meant it.
  }
}

function ignored(promise: Promise<unknown>): void {
  promise.catch(() => {});
}

describe.concurrent('kill -9 of the engine, and the next start', () => {
  test('between the spawn and the row of a runtime that forks and ignores SIGTERM', async (context) => {
    const home = homeWithFixture(context, '--fork --fork-away --ignore-term', { firstLine: 'kill -9 $PPID' });
    const first = await startServe(home);
    await writeTinyGguf(home.watch);
    expect(await first.ended).toEqual({ code: null, signal: 'SIGKILL' });
    const left = await eventually('runtime and two forks, orphaned', () => (home.processes().length === 3 ? home.processes() : null));
    const database = new DatabaseSync(join(home.state, 'modelium.db'));
    // The signal may have come a moment after the row got its process: as if it had not.
    const { changes } = database.prepare("UPDATE processes SET leader = NULL, members = '[]'").run();
    database.close();
    expect(changes).toBe(1);
    await recovers(home, left, 'load');
  });

  test('while a runtime that stalls, forks and ignores SIGTERM loads', async (context) => {
    const home = homeWithFixture(context, '--stall --fork --fork-away --ignore-term');
    const first = await startServe(home);
    await writeTinyGguf(home.watch);
    await first.becomes('tiny', 'loading');
    await eventually('runtime and two forks', () => childrenOf(home, first).length === 3);
    const left = childrenOf(home, first);
    await first.end('SIGKILL');
    expect(left.filter(isAlive)).toHaveLength(3);
    await recovers(home, left, 'load');
  });

  test('while the embedded llama.cpp loads', async (context) => {
    const home = newHome(context);
    const first = await startServe(home);
    await writeTinyGguf(home.watch);
    // By its pid: at its start the engine has other, short-lived children, which tell it of the
    // processor.
    const [pid] = await eventually(
      'a child that loads',
      async () => {
        const view = await first.model('tiny');
        // It was loaded between two looks: once more.
        if (view?.state === 'ready') {
          await first.control('POST', '/control/models/tiny/unload', {});
          await first.control('POST', '/control/models/tiny/load', {});
        }
        return view?.state === 'loading' && view.pids.length > 0 ? view.pids : null;
      },
      20_000,
    );
    const left = childrenOf(home, first).filter((child) => child.pid === pid);
    expect(left).toHaveLength(1);
    await first.end('SIGKILL');
    await recovers(home, left, 'load');
  });

  test('while a runtime that forks away and ignores SIGTERM is ready', async (context) => {
    const home = homeWithFixture(context, '--fork --fork-away --ignore-term');
    const first = await startServe(home);
    await writeTinyGguf(home.watch);
    await first.becomes('tiny', 'ready');
    const left = childrenOf(home, first);
    expect(left).toHaveLength(3);
    await first.end('SIGKILL');
    expect(left.filter(isAlive)).toHaveLength(3);
    await recovers(home, left);
  });

  test('while a leaderless rest of a tree is all that is left of a ready model', async (context) => {
    const home = homeWithFixture(context, '--fork --fork-away');
    const first = await startServe(home);
    await writeTinyGguf(home.watch);
    const { pids } = await first.becomes('tiny', 'ready');
    const left = childrenOf(home, first);
    await first.end('SIGKILL');
    const leader = left.find(({ pid }) => pid === pids[0])!;
    process.kill(leader.pid, 'SIGKILL');
    await eventually('the leader is gone', () => !isAlive(leader));
    expect(left.filter(isAlive)).toHaveLength(2);
    await recovers(home, left);
  });

  test('while the embedded llama.cpp is ready', async (context) => {
    const home = newHome(context);
    const first = await startServe(home);
    await writeTinyGguf(home.watch);
    await first.becomes('tiny', 'ready');
    const left = childrenOf(home, first);
    expect(left).not.toEqual([]);
    await first.end('SIGKILL');
    await recovers(home, left);
  });

  test('while the embedded llama.cpp drains, a request in flight', async (context) => {
    const home = newHome(context);
    const first = await startServe(home);
    await writeTinyGguf(home.watch, { name: 'tiny', ...LARGE });
    await first.becomes('tiny', 'ready');
    await streamBegun(first);
    ignored(first.control('POST', '/control/models/tiny/unload', {}));
    await first.becomes('tiny', 'draining');
    const left = childrenOf(home, first);
    expect(left).not.toEqual([]);
    await first.end('SIGKILL');
    await recovers(home, left);
  });

  test('while a runtime that ignores SIGTERM and forked away drains', async (context) => {
    const home = homeWithFixture(context, '--ignore-term --fork-away');
    const first = await startServe(home);
    await writeTinyGguf(home.watch);
    await first.becomes('tiny', 'ready');
    const left = childrenOf(home, first);
    ignored(first.control('POST', '/control/models/tiny/unload', {}));
    await first.becomes('tiny', 'draining');
    await first.end('SIGKILL');
    expect(left.filter(isAlive).length).toBeGreaterThan(0);
    await recovers(home, left);
  });

  test('never touches a stranger that has the number of a process of ours', async (context) => {
    const home = newHome(context);
    const first = await startServe(home);
    expect(await first.end('SIGTERM')).toEqual({ code: 0, signal: null });
    // `ours` carries what a row of ours would say; the row of the stranger tells another start
    // time.
    const [stranger, ours] = [startStranger(context), startStranger(context)];
    const database = new DatabaseSync(join(home.state, 'modelium.db'));
    for (const [child, off] of [
      [stranger, -1],
      [ours, 0],
    ] as const) {
      const identity = { pid: child.pid, startTime: readStat(child.pid!)!.startTime + off, bootId: bootId() };
      database
        .prepare('INSERT INTO processes (launch_id, model_id, command, leader, members, started_at, boot_id) VALUES (?, ?, ?, ?, ?, ?, ?)')
        .run(randomUUID(), 'tiny', '[]', JSON.stringify(identity), JSON.stringify([identity]), new Date().toISOString(), bootId());
    }
    database.close();
    const second = await startServe(home);
    expect(ours.signalCode).toBe('SIGTERM');
    expect([stranger.signalCode, stranger.exitCode]).toEqual([null, null]);
    expect(second.story()).toMatch(new RegExp(`left behind \\(pid ${ours.pid}\\)`));
    expect(await second.end('SIGTERM')).toEqual({ code: 0, signal: null });
    const after = new DatabaseSync(join(home.state, 'modelium.db'), { readOnly: true });
    expect(after.prepare('SELECT * FROM processes').all()).toEqual([]);
    after.close();
  });
});

function startStranger({ onTestFinished }: TestContext): ChildProcess {
  const stranger = spawn('sleep', ['300'], { stdio: 'ignore', detached: true });
  onTestFinished(() => void stranger.kill('SIGKILL'));
  return stranger;
}

describe.concurrent('an orderly end', () => {
  /** One handler hears both: in short, each is sent once and SIGTERM everywhere. */
  const SIGNALS = FULL ? (['SIGTERM', 'SIGINT'] as const) : (['SIGTERM'] as const);

  test.for(SIGNALS)('%s while a model is ready', async (signal, context) => {
    const home = newHome(context);
    const served = await startServe(home);
    await writeTinyGguf(home.watch);
    await served.becomes('tiny', 'ready');
    const idle = childrenOf(home, served);
    expect(await served.end(signal)).toEqual({ code: 0, signal: null });
    expect(idle.filter(isAlive)).toEqual([]);
    expect(home.processes()).toEqual([]);
    expect(existsSync(join(home.state, 'engine.json'))).toBe(false);
    expect(served.story()).toContain('Ending: models are being unloaded.');
  });

  test.for(['SIGTERM', 'SIGINT'] as const)('%s while a model loads: who waits for it is told', async (signal, context) => {
    const home = homeWithFixture(context, '--load-ms 60000 --fork-away');
    const served = await startServe(home);
    await writeTinyGguf(home.watch);
    await served.becomes('tiny', 'loading');
    await eventually('runtime and fork', () => childrenOf(home, served).length === 2);
    const waiting = served.predict('tiny');
    await eventually('the request waits', async () => (await served.model('tiny'))?.waiting === 1);
    const ended = served.end(signal);
    const answer = await waiting;
    expect([answer.status, await answer.json()]).toEqual([503, { error: expect.objectContaining({ code: 'shutting-down' }) }]);
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(home.processes()).toEqual([]);
  });

  test.for(SIGNALS)('%s with a request in flight: it gets its whole answer', async (signal, context) => {
    const home = homeWithFixture(context, '--token-ms 100');
    const served = await startServe(home);
    await writeTinyGguf(home.watch);
    await served.becomes('tiny', 'ready');
    const asked = served.predict('tiny', { prompt: 'Hello', max_tokens: 20 });
    await eventually('it is in flight', async () => (await served.model('tiny'))?.inFlight === 1);
    const ended = served.end(signal);
    const answer = await asked;
    const body = (await answer.json()) as { usage: { completion_tokens: number } };
    expect([answer.status, body.usage.completion_tokens]).toEqual([200, 20]);
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(home.processes()).toEqual([]);
  });

  test('SIGTERM while a pipe that nobody writes to stands in place of the settings', async (context) => {
    const home = newHome(context);
    const served = await startServe(home);
    rmSync(home.config);
    execFileSync('mkfifo', [home.config]);
    await served.says(/it is a pipe, not a regular file/);
    expect(await served.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(home.processes()).toEqual([]);
  });

  test('a second signal ends it at once, and the next start finds what is left', async (context) => {
    const home = homeWithFixture(context, '--token-ms 1000 --ignore-term');
    const served = await startServe(home);
    await writeTinyGguf(home.watch);
    await served.becomes('tiny', 'ready');
    ignored(served.predict('tiny', { prompt: 'Hello', max_tokens: 100 }));
    await eventually('it is in flight', async () => (await served.model('tiny'))?.inFlight === 1);
    const left = childrenOf(home, served);
    served.child.kill('SIGTERM');
    await served.says(/Press Ctrl-C again to end at once/);
    expect(await served.end('SIGTERM')).toEqual({ code: 143, signal: null });
    await recovers(home, left);
  });
});

describe.concurrent('a start that cannot be', () => {
  test('a second engine on the same state folder says where the first one is, and leaves it alone', async (context) => {
    const home = newHome(context);
    const first = await startServe(home);
    const second = spawnServe(home);
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.story()).toContain(first.address);
    expect(second.story()).toContain(`process ${first.pid}`);
    expect((await fetch(`${first.address}/health`)).status).toBe(200);
    expect(JSON.parse(readFileSync(join(home.state, 'engine.json'), 'utf8'))).toMatchObject({ pid: first.pid, address: first.address });
    expect(await first.end('SIGTERM')).toEqual({ code: 0, signal: null });
    const third = await startServe(home);
    expect(await third.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  test('a taken API port is named, with the next free one, and a start there works', async (context) => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as { port: number };
    const home = newHome(context);
    const refused = spawnServe(home, { port });
    try {
      expect(await refused.ended).toEqual({ code: 1, signal: null });
    } finally {
      holder.close();
    }
    expect(refused.story()).toContain(`Port ${port} on 127.0.0.1 is taken`);
    const free = Number(/Port (\d+) is free/.exec(refused.story())?.[1]);
    expect(free).toBeGreaterThan(port);
    const served = await startServe(home, { port: free });
    expect(served.address).toBe(`http://127.0.0.1:${free}`);
    expect(await served.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});

describe.concurrent('a client that leaves', () => {
  test('in the middle of a stream: the generation stops, nothing is in flight, the model stays ready', async (context) => {
    const home = newHome(context);
    const served = await startServe(home);
    await writeTinyGguf(home.watch, { name: 'tiny', ...LARGE });
    const { pids } = await served.becomes('tiny', 'ready');
    const leaving = await streamBegun(served);
    expect((await served.model('tiny'))?.inFlight).toBe(1);
    leaving.abort();
    await eventually('nothing in flight', async () => (await served.model('tiny'))?.inFlight === 0);
    await eventually('llama.cpp rests', async () => {
      const before = cpuMs(pids);
      await new Promise((resolve) => setTimeout(resolve, 300));
      return cpuMs(pids) - before <= 30;
    });
    const after = await served.model('tiny');
    expect([after?.state, after?.pids, after?.inFlight]).toEqual(['ready', pids, 0]);
    expect((await served.predict('tiny')).status).toBe(200);
    expect(await served.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  test('in the middle of a stream of another runtime: it is told, once', async (context) => {
    const home = homeWithFixture(context, '--token-ms 100');
    const served = await startServe(home);
    await writeTinyGguf(home.watch);
    const { pids } = await served.becomes('tiny', 'ready');
    const port = /--port (\d+)/.exec(home.processes().find(({ pid }) => pid === pids[0])?.command ?? '')?.[1];
    const leaving = await streamBegun(served, { ...LONG, max_tokens: 1000 });
    leaving.abort();
    const counts = async () => (await (await fetch(`http://127.0.0.1:${port}/fixture`)).json()) as { inFlight: number; aborted: number };
    await eventually('the runtime is told', async () => (await counts()).aborted === 1);
    expect(await counts()).toMatchObject({ inFlight: 0, aborted: 1 });
    await eventually('nothing in flight', async () => (await served.model('tiny'))?.inFlight === 0);
    expect((await served.model('tiny'))?.state).toBe('ready');
    expect(await served.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  test('while the model loads: the load goes on, for who asks next', async (context) => {
    const home = homeWithFixture(context, '--load-ms 3000 --fork-away', { policies: { load: 'on_request' } });
    await writeTinyGguf(home.watch);
    const served = await startServe(home);
    await served.becomes('tiny', 'unloaded');
    const [one, other] = [new AbortController(), new AbortController()];
    ignored(served.predict('tiny', undefined, one.signal));
    ignored(served.predict('tiny', undefined, other.signal));
    await eventually('both wait', async () => (await served.model('tiny'))?.waiting === 2);
    await eventually('it loads', () => childrenOf(home, served).length === 2);
    one.abort();
    other.abort();
    await eventually('nobody waits', async () => (await served.model('tiny'))?.waiting === 0);
    const { pids } = await served.becomes('tiny', 'ready');
    expect((await served.predict('tiny')).status).toBe(200);
    expect((await served.model('tiny'))?.pids).toEqual(pids);
    expect(await served.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});

function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (readStat(pid)?.cpuMs ?? 0), 0);
}
