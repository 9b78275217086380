/**
 * How many connections may be open, who goes when there are too many, and what one of them may ask
 * for at once.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Connections } from '../../main/http/connections.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';
import { ask, type Setup, startSetup, until, WITH_TOKEN } from './harness.ts';

const DESCRIPTORS = 300;
const most = new Connections({ descriptors: DESCRIPTORS, now: () => 0 }).most;
const LATER_MS = 3_000;
const PREDICT = 'POST /predict/tiny HTTP/1.1\r\nhost: localhost\r\n';
const QUESTION = '{"prompt":"a"}';
const SPARE = 32;
const ASKS = `${PREDICT}content-length: ${QUESTION.length}\r\n\r\n${QUESTION}`;

let setup: Setup;
let clock: ReturnType<typeof createVirtualClock>;
let sockets: Client[];
beforeEach(async () => {
  clock = createVirtualClock();
  setup = await startSetup({ clock, descriptors: DESCRIPTORS });
  sockets = [];
});
afterEach(async () => {
  for (const { socket } of sockets) socket.destroy();
  await setup.close();
});

interface Client {
  readonly socket: Socket;
  answer(): string;
  isClosed(): boolean;
}

async function client(bytes = ''): Promise<Client> {
  const socket = connect(setup.port, '127.0.0.1');
  let answer = '';
  let isClosed = false;
  socket.on('data', (part) => (answer += String(part))).on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
  });
  const made = { socket, answer: () => answer, isClosed: () => isClosed };
  sockets.push(made);
  await new Promise((resolve) => socket.once('connect', resolve));
  if (bytes !== '') socket.write(bytes);
  return made;
}

const clients = (count: number, bytes?: string) => Promise.all(Array.from({ length: count }, () => client(bytes)));
const open = (all: readonly Client[]) => all.filter(({ isClosed }) => !isClosed()).length;
const predict = () => ask(setup, '/predict/tiny', { body: { prompt: 'a' }, headers: { connection: 'close' } });

describe('the bound', () => {
  it('leaves descriptors for everything else, whatever the limit is', () => {
    for (const descriptors of [512, 1_024, 4_096, 20_000, 1_048_576]) {
      const { most: bound } = new Connections({ descriptors, now: () => 0 });
      // Each connection, and one to its model.
      expect(2 * bound).toBeLessThanOrEqual(descriptors - 256);
      expect(bound).toBeGreaterThanOrEqual(Math.min(128, descriptors / 4));
    }
  });

  it('closes idle connections for new ones, the oldest first, and those that have never asked before the others', async () => {
    const used = await client('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await until(() => used.answer().includes('200 OK'));
    const idle = await clients(most - 1);
    await clock.advance(LATER_MS);
    for (let times = 0; times < 5; times += 1) expect((await predict()).status).toBe(200);
    await until(() => open(idle) < idle.length);
    expect(idle[0]?.isClosed()).toBe(true);
    expect(used.isClosed()).toBe(false);
    const flood = await clients(5 * most);
    await until(() => open(flood) < flood.length);
    // Some of them are still being taken.
    for (let times = 0; times < 10 && (await predict()).status !== 200; times += 1) await clock.advance(LATER_MS);
    expect((await predict()).status).toBe(200);
    await until(() => open([...idle, ...flood]) <= most);
  });

  it('cuts no answer: when all are in use it says so, and who controls the engine gets through', async () => {
    setup.engine.ensureReady = () => new Promise(() => {});
    const busy = await clients(most, ASKS);
    await ask(setup, '/health');
    await clock.advance(LATER_MS);
    const refused = await predict();
    expect(refused.status).toBe(503);
    expect(refused.json.error.code).toBe('busy-with-connections');
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await ask(setup, '/health')).status).toBe(200);
    expect((await ask(setup, '/control/snapshot', { headers: WITH_TOKEN })).status).toBe(200);
    expect(open(busy)).toBe(most);
  });

  it('turns away at once what comes when those that are kept for control are taken too', async () => {
    setup.engine.ensureReady = () => new Promise(() => {});
    await clients(most, ASKS);
    await ask(setup, '/health', { headers: { connection: 'close' } });
    const spare = await clients(SPARE);
    const more = await clients(3);
    await until(() => open(more) === 0);
    for (const each of more) expect(each.answer()).toMatch(/^HTTP\/1.1 503 .*busy-with-connections/s);
    expect(open(spare)).toBe(SPARE);
  });

  it('takes the place of a body that comes a byte at a time, and of none that is only slow', async () => {
    const [slow] = await clients(1, `${PREDICT}content-length: 100000\r\n\r\n{"prompt":"`);
    const drip = `${PREDICT}content-length: 1000\r\n\r\n{"prompt":"`;
    const drops = await clients(most - 1, drip);
    await until(() => drops.every(({ socket }) => socket.bytesWritten > 0));
    expect((await predict()).status).toBe(503);
    for (let times = 0; times < 5; times += 1) {
      for (const { socket } of drops) if (!socket.destroyed) socket.write('x');
      slow?.socket.write('x'.repeat(5_000));
      // By then they have come.
      await ask(setup, '/health', { headers: { connection: 'close' } });
      await clock.advance(LATER_MS);
      expect((await predict()).status).toBe(200);
      drops.push(await client(drip));
    }
    expect(slow?.isClosed()).toBe(false);
  });

  it('takes the place of a client that does not take its answers', async () => {
    const unread = await clients(most);
    for (const { socket } of unread) {
      socket.pause();
      socket.write('GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(40));
    }
    // Until what the system keeps for them is full, each answer waits for its client.
    for (let times = 0; (await predict()).status !== 503; times += 1) expect(times).toBeLessThan(1_000);
    await clock.advance(LATER_MS);
    for (let times = 0; times < 5 && (await predict()).status !== 200; times += 1) await clock.advance(LATER_MS);
    expect((await predict()).status).toBe(200);
  });

  it('takes the place of a body that has stopped coming', async () => {
    const stopped = await clients(most, `${PREDICT}content-length: 1000\r\n\r\n{"prompt":"`);
    await until(() => stopped.every(({ socket }) => socket.bytesWritten > 0));
    expect((await predict()).status).toBe(503);
    await clock.advance(LATER_MS);
    expect((await predict()).status).toBe(200);
    expect(open(stopped)).toBe(most - 1);
  });
});

describe('a request that comes before the one in front of it is answered', () => {
  const large = `${PREDICT}content-length: 20000000\r\n\r\n${'x'.repeat(300_000)}`;

  it('with a large body hides nobody: who leaves is noticed', async () => {
    setup.engine.ensureReady = () => new Promise(() => {});
    const leaver = await client(ASKS + large);
    await until(() => leaver.socket.bytesWritten > 300_000 && leaver.socket.writableLength === 0);
    leaver.socket.resetAndDestroy();
    await until(() => setup.engine.reports.length === 1);
    expect(setup.engine.reports[0]?.status).toBe(499);
  });

  it.each([
    ['large', large],
    ['of no told length', `${PREDICT}transfer-encoding: chunked\r\n\r\n${QUESTION.length.toString(16)}\r\n${QUESTION}\r\n0\r\n\r\n`],
  ])('with a body that is %s is refused in words at its turn, and the first one has its answer', async (_what, second) => {
    const one = await client(ASKS + second);
    await until(() => one.isClosed());
    expect(one.answer().match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
    expect(one.answer()).toContain('Send it on a connection of its own.');
  });

  it('with a small body waits', async () => {
    const one = await client(ASKS.repeat(3));
    await until(() => one.answer().match(/HTTP\/1.1 200/g)?.length === 3);
  });
});

describe('closing', () => {
  it('cuts no answer that is written and not yet taken', async () => {
    const bytes = 30_000_000;
    const connections = new Connections({ descriptors: DESCRIPTORS, now: () => 0 });
    const server = createServer((_request, response) => connections.asked(response, () => response.end(Buffer.alloc(bytes))));
    connections.follow(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const answer = await fetch(`http://127.0.0.1:${(server.address() as { port: number }).port}/`);
    server.closeIdleConnections();
    expect((await answer.arrayBuffer()).byteLength).toBe(bytes);
    server.closeIdleConnections();
    await once(server.close(), 'close');
  });

  it('waits for nobody who has asked for nothing, or not yet for all of it', async () => {
    const silent = await clients(2);
    const halves = ['GET /heal', `${PREDICT}content-length: 100\r\n\r\n{`, `${PREDICT}content-length: 100\r\nexpect: 100-continue\r\n\r\n`];
    for (const half of halves) silent.push(await client(half));
    await ask(setup, '/health', { headers: { connection: 'close' } });
    // The clock stands still: nothing here waits for the end of a grace.
    await setup.server.close();
    await until(() => open(silent) === 0);
  });
});

it('what is no HTTP is answered once, and its connection closed, though the client keeps its side open', async () => {
  const socket = connect({ port: setup.port, host: '127.0.0.1', allowHalfOpen: true });
  let [answer, isCut] = ['', false];
  socket.on('data', (part) => (answer += String(part))).on('error', () => (isCut = true));
  socket.write('garbage\r\n\r\n');
  await new Promise((resolve) => socket.once('end', resolve));
  expect(answer).toMatch(/^HTTP\/1.1 400 .*connection: close.*malformed-http/s);
  // Nobody takes what it still sends.
  await until(() => {
    if (!isCut) socket.write('more');
    return isCut;
  });
  socket.destroy();
});

describe('requests sent ahead on one connection', () => {
  it('are begun one after the other, and answered in their order', async () => {
    const waiting: (() => void)[] = [];
    setup.engine.ensureReady = () => new Promise((resolve) => waiting.push(() => resolve(setup.engine.lease())));
    const one = await client(ASKS.repeat(3));
    for (let begun = 1; begun <= 3; begun += 1) {
      await until(() => waiting.length === begun);
      // A question of its own, which is answered at once: had a second one been begun, it would be
      // there by now.
      await ask(setup, '/health');
      expect(waiting).toHaveLength(begun);
      waiting.at(-1)?.();
    }
    await until(() => one.answer().split('HTTP/1.1 200').length === 4);
  });

  it('are bounded, and no more of them are taken apart than are answered', async () => {
    setup.engine.ensureReady = () => new Promise(() => {});
    const asked = vi.spyOn(Connections.prototype, 'asked');
    const one = await client(ASKS.repeat(1_000));
    await until(one.isClosed);
    // The one that is answered, those that wait, and the first that is too many.
    expect(asked).toHaveBeenCalledTimes(1 + 64 + 1);
    asked.mockRestore();
    expect((await ask(setup, '/health')).status).toBe(200);
  });
});
