/**
 * Two models that do not fit together, asked in turn: what a swap costs beyond the runtime's own
 * stop and start and the memory being seen free.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchOptions, bringUp, Connection, chat, median, pause, quantile, type Row, serve, temporaryFolder } from './kit.ts';

const SWAPS = 12;
/** Each is predicted at more than 100 MiB: one fits, two do not. */
const LIMIT_MB = 180;

interface Event {
  readonly event: 'start' | 'ready' | 'term' | 'exit';
  readonly at: number;
}

export async function swap(_options: BenchOptions): Promise<readonly Row[]> {
  const log = join(temporaryFolder(), 'events.log');
  const args = ['--log', log, '--start-ms', '100'];
  const served = await serve({
    models: ['one', 'other'],
    upstream: { one: args, other: args },
    settings: { host: { memory_limit_mb: LIMIT_MB, reserve_mb: 0 } },
  });
  const overhead: number[] = [];
  const own: number[] = [];
  const free: number[] = [];
  try {
    for (const model of ['one', 'other']) await bringUp(served, model);
    for (let turn = 0; turn < SWAPS; turn += 1) {
      const freeBefore = await seenFreeMs(served.port);
      const connection = await new Connection(served.port).open();
      const asked = wallMs();
      const status = await connection.send(connection.request(chat(turn % 2 === 0 ? 'one' : 'other')));
      const answered = wallMs();
      connection.close();
      if (status !== 200) throw new Error(`a swap answered ${status}:\n${served.program.words()}`);
      const events = eventsOf(log).filter(({ at }) => at >= asked && at <= answered);
      const at = (name: Event['event']): number => events.find(({ event }) => event === name)?.at ?? Number.NaN;
      const runtimes = at('exit') - at('term') + at('ready') - at('start');
      const freeing = (await seenFreeMs(served.port)) - freeBefore;
      own.push(runtimes);
      free.push(freeing);
      overhead.push(answered - asked - runtimes - freeing);
      // No fixed phase of a poll is favoured.
      await pause(Math.random() * 200);
    }
  } finally {
    await served.stop();
  }
  const value = median(overhead);
  return [
    { what: "swap: the runtime's own stop and start", unit: 'ms', value: median(own) },
    { what: 'swap: wait for memory seen free', unit: 'ms', value: median(free) },
    { what: 'swap: beyond both, p50', unit: 'ms', value, bar: '<= 40 ms', within: value <= 40 },
    { what: 'swap: beyond both, worst', unit: 'ms', value: quantile(overhead, 1) },
  ];
}

const wallMs = (): number => performance.timeOrigin + performance.now();

function eventsOf(log: string): readonly Event[] {
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event);
}

async function seenFreeMs(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^modelium_memory_release_seconds_sum ([\d.e+-]+)$/m.exec(text)?.[1] ?? 0) * 1000;
}
