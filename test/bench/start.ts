/**
 * What `modelium serve` costs before anybody asks: start to listening, idle memory and CPU, and
 * what remains after work.
 */
import { connect } from 'node:net';
import { join } from 'node:path';
import { BUILT_COMMAND } from '../helpers/built-app.ts';
import {
  type BenchOptions,
  bringUp,
  Connection,
  chat,
  cpuMs,
  freePort,
  median,
  pause,
  type Row,
  removeFolder,
  residentMiB,
  serve,
  start as startProgram,
  temporaryFolder,
} from './kit.ts';

const STARTS = 5;
const IDLE_SECONDS = 10;
const REQUESTS = 2_000;
const STREAM_MB = 70;
const CHUNK_BYTES = 7_000;

export async function start(_options: BenchOptions): Promise<readonly Row[]> {
  const { listening, bare } = await starts();
  const served = await serve({ models: ['fast'], upstream: { fast: [] }, settings: { metrics: { port: 0 } } });
  try {
    const { pid } = served.program;
    // Until the garbage of the start was collected, and V8 has looked once more, eight seconds
    // later.
    await pause(15_000);
    const before = cpuMs(pid);
    await pause(IDLE_SECONDS * 1000);
    const share = (cpuMs(pid) - before) / (IDLE_SECONDS * 10);
    const idle = residentMiB(pid);
    await bringUp(served, 'fast');
    await askMany(served.port);
    const afterRequests = residentMiB(pid);
    await takeStream(served.port);
    const afterStream = residentMiB(pid);
    const after = { unit: 'MiB', baseline: idle, baselineName: 'idle', bar: '<= 1.3 x idle' };
    return [
      {
        what: 'start: spawn to listening',
        unit: 'ms',
        value: listening,
        baseline: bare,
        baselineName: 'node -e 0',
        bar: '<= 400 ms',
        within: listening <= 400,
      },
      { what: 'idle: resident', unit: 'MiB', value: idle, bar: '<= 110 MiB', within: idle <= 110 },
      { what: `idle: CPU over ${IDLE_SECONDS} s`, unit: '% of a core', value: share, bar: '<= 0.5 %', within: share <= 0.5 },
      { ...after, what: `resident after ${REQUESTS} requests`, value: afterRequests, within: afterRequests <= 1.3 * idle },
      { ...after, what: `resident after a ${STREAM_MB}-MB stream`, value: afterStream, within: afterStream <= 1.3 * idle },
    ];
  } finally {
    await served.stop();
  }
}

/**
 * The first start fills the compile cache and does not count; a bare Node beside each start tells
 * what the machine is worth.
 */
async function starts(): Promise<{ listening: number; bare: number }> {
  const folder = temporaryFolder();
  const listening: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round <= STARTS; round += 1) {
    const port = await freePort();
    const args = [
      BUILT_COMMAND,
      '--state-folder',
      join(folder, 'state'),
      'serve',
      '--port',
      String(port),
      '--watch',
      join(folder, 'watch'),
    ];
    const env = { XDG_CONFIG_HOME: folder };
    const began = performance.now();
    const program = startProgram(args, { env });
    while (!(await listens(port))) await pause(2);
    const tookMs = performance.now() - began;
    await program.stop();
    const bareBegan = performance.now();
    const nothing = startProgram(['-e', '0']);
    await new Promise((resolve) => nothing.child.once('exit', resolve));
    if (round === 0) continue;
    listening.push(tookMs);
    bare.push(performance.now() - bareBegan);
  }
  removeFolder(folder);
  return { listening: median(listening), bare: median(bare) };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function askMany(port: number): Promise<void> {
  const connections = await Promise.all(Array.from({ length: 20 }, () => new Connection(port).open()));
  let left = REQUESTS;
  await Promise.all(
    connections.map(async (connection) => {
      const bytes = connection.request(chat('fast'));
      while (left-- > 0) await connection.send(bytes);
      connection.close();
    }),
  );
  // Until the garbage of it was collected.
  await pause(8_000);
}

async function takeStream(port: number): Promise<void> {
  const count = Math.round((STREAM_MB * 1e6) / CHUNK_BYTES);
  const body = chat('fast', { stream: true, max_tokens: count, metadata: { chunk_bytes: String(CHUNK_BYTES) } });
  const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, { method: 'POST', body });
  let bytes = 0;
  for await (const chunk of response.body ?? []) bytes += (chunk as Uint8Array).length;
  if (bytes < STREAM_MB * 1e6) throw new Error(`only ${bytes} bytes of the stream came`);
  // Until the garbage of it was collected.
  await pause(8_000);
}
