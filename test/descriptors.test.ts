/**
 * The built engine where few files may be open: nobody takes the last descriptor, and where all are
 * gone nothing ends.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from './helpers/eventually.ts';
import { type Home, makeHome, type Served, startServe } from './helpers/serve.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

const BUILT = resolve(import.meta.dirname, '../dist/main/cli.js');
const DESCRIPTORS = 512;

describe.runIf(process.platform === 'linux')(`with ${DESCRIPTORS} descriptors`, () => {
  let home: Home;
  let served: Served;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    // What it could not see without a descriptor the next scan finds.
    home = makeHome({ orchestration: { model_discovery: { scan_interval_seconds: 2 } } });
    await writeTinyGguf(home.watch, { name: 'tiny', contextTokens: 512 });
    served = await startServe(home, { cli: BUILT, through: ['bash', '-c', `ulimit -n ${DESCRIPTORS}; exec "$@"`, 'bash'] });
    await served.becomes('tiny', 'ready');
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await served.end('SIGTERM');
    await home.remove();
  });

  const openFiles = () => readdirSync(`/proc/${served.pid}/fd`).length;
  const status = async () => (await served.predict('tiny')).status;

  test('the built probe knows the machine and its load', async () => {
    const host = await eventually('the load of the processors', async () => {
      const [first] = (await served.snapshot()).devices;
      return first?.utilizationRatio == null ? null : first;
    });
    expect(host.utilizationRatio).toBeLessThanOrEqual(1);
    expect(host.name).toMatch(new RegExp(`, ${cpus().length} cores?$`));
    expect(host.name).toContain(cpus()[0]?.model.split(/[\s(]/)[0]);
  });

  test('1,600 idle connections leave room for the models, their files and whoever asks', async () => {
    const { hostname, port } = new URL(served.address);
    const ended = Array.from({ length: 1_600 }, () => {
      const socket = connect(Number(port), hostname).on('error', () => {});
      sockets.push(socket);
      return new Promise((settled) => socket.once('connect', settled).once('close', settled));
    });
    await Promise.all(ended);
    // Our own kept connection is idle as well, and may be closed just as it is used.
    await eventually('an answer beside them', async () => (await status().catch(() => null)) === 200);
    expect(openFiles()).toBeLessThan(DESCRIPTORS - 100);
    // Needs a process, its pipes and its files.
    await writeTinyGguf(home.watch, { name: 'second', contextTokens: 512 });
    await served.becomes('second', 'ready');
    for (const socket of sockets) socket.destroy();
  });

  test('connections to the process of a model, by who has no key, keep nobody from it', async () => {
    const { command } = home.processes().find((each) => each.command.includes('--alias tiny'))!;
    const port = Number(/--port (\d+)/.exec(command)![1]);
    const idle = Array.from({ length: 1_000 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    sockets.push(...idle);
    await Promise.all(idle.map((socket) => new Promise((settled) => socket.once('connect', settled).once('close', settled))));
    expect(await Promise.all(Array.from({ length: 4 }, status))).toEqual([200, 200, 200, 200]);
    for (const socket of idle) socket.destroy();
  });

  test('without a free descriptor it goes on, and does later what it could not do', async () => {
    const limit = (count: number) => execFileSync('prlimit', ['--pid', String(served.pid), `--nofile=${count}:${DESCRIPTORS}`]);
    await eventually('the connections are gone', () => openFiles() < 100);
    // Less than are open: none is free any more.
    limit(20);
    try {
      await writeTinyGguf(home.watch, { name: 'third', contextTokens: 512 });
      await served.says(/ulimit -n|EMFILE|no more watches/);
    } finally {
      limit(DESCRIPTORS);
    }
    expect(await status()).toBe(200);
    await served.becomes('third', 'ready');
    expect(await served.model('tiny')).toMatchObject({ state: 'ready' });
  });
});
