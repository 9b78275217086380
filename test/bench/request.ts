/**
 * Time, rate and CPU that a small answer costs: bare upstream, the least undici proxy, Modelium.
 */
import {
  type BenchOptions,
  bringUp,
  Connection,
  chat,
  cpuMs,
  median,
  quantile,
  type Row,
  rotated,
  serve,
  startLeastProxy,
  startUpstream,
} from './kit.ts';

interface Target {
  readonly name: 'direct' | 'least' | 'modelium';
  readonly port: number;
  readonly pid: number;
}

interface Figures {
  readonly p50: number[];
  readonly p99: number[];
  readonly rate: number[];
  cpuMs: number;
  answered: number;
}

const WARM_UP = 3_000;
const ROUND = 1_000;

export async function request({ seconds }: BenchOptions): Promise<readonly Row[]> {
  const direct = await startUpstream();
  const behindLeast = await startUpstream();
  const least = await startLeastProxy(behindLeast.port);
  // It answers any number at once: told of the usual four sequences, Modelium would send it no more
  // than four.
  const served = await serve({ models: ['fast'], upstream: { fast: ['--parallel', '64'] } });
  try {
    await bringUp(served, 'fast');
    const targets: readonly Target[] = [
      { name: 'direct', port: direct.port, pid: direct.program.pid },
      { name: 'least', port: least.port, pid: least.program.pid },
      { name: 'modelium', port: served.port, pid: served.program.pid },
    ];
    return [...one(await measured(targets, 1, seconds)), ...sixteen(await measured(targets, 16, seconds))];
  } finally {
    await served.stop();
    for (const { program } of [least, behindLeast, direct]) await program.stop();
  }
}

async function measured(targets: readonly Target[], clients: number, seconds: number): Promise<Record<Target['name'], Figures>> {
  const figures = {} as Record<Target['name'], Figures>;
  const open = new Map<Target, Connection[]>();
  for (const target of targets) {
    figures[target.name] = { p50: [], p99: [], rate: [], cpuMs: 0, answered: 0 };
    open.set(target, await Promise.all(Array.from({ length: clients }, () => new Connection(target.port).open())));
  }
  const body = chat('fast');
  async function run(target: Target, count: number): Promise<{ times: number[]; tookMs: number }> {
    const times: number[] = [];
    let left = count;
    const began = performance.now();
    const client = async (connection: Connection): Promise<void> => {
      const bytes = connection.request(body);
      while (left-- > 0) {
        const from = performance.now();
        const status = await connection.send(bytes);
        if (status !== 200) throw new Error(`${target.name} answered ${status}`);
        times.push(performance.now() - from);
      }
    };
    await Promise.all((open.get(target) ?? []).map(client));
    return { times, tookMs: performance.now() - began };
  }
  for (const target of targets) await run(target, WARM_UP);
  const endMs = performance.now() + seconds * 1000;
  for (let round = 0; round < 6 || performance.now() < endMs; round += 1) {
    for (const target of rotated(targets, round)) {
      const cpu = cpuMs(target.pid);
      const { times, tookMs } = await run(target, ROUND);
      const own = figures[target.name];
      own.cpuMs += cpuMs(target.pid) - cpu;
      own.answered += times.length;
      own.p50.push(median(times));
      own.p99.push(quantile(times, 0.99));
      own.rate.push((times.length / tookMs) * 1000);
    }
  }
  for (const connections of open.values()) for (const connection of connections) connection.close();
  return figures;
}

/** Round by round, so that a slow moment of the machine counts on both sides. */
function added(of: readonly number[], beyond: readonly number[]): number {
  return median(of.map((value, round) => value - (beyond[round] ?? Number.NaN))) * 1000;
}

function one({ direct, least, modelium }: Awaited<ReturnType<typeof measured>>): readonly Row[] {
  const baselineName = 'least proxy';
  const p50 = added(modelium.p50, direct.p50);
  const leastP50 = added(least.p50, direct.p50);
  return [
    { what: 'request: p50 without a proxy, 1 client', unit: 'us', value: median(direct.p50) * 1000 },
    {
      what: 'request: added p50, 1 client',
      unit: 'us',
      value: p50,
      baseline: leastP50,
      baselineName,
      bar: '<= 1.5 x the least proxy',
      within: p50 <= 1.5 * leastP50,
    },
    {
      what: 'request: added p99, 1 client',
      unit: 'us',
      value: added(modelium.p99, direct.p99),
      baseline: added(least.p99, direct.p99),
      baselineName,
    },
  ];
}

function sixteen({ direct, least, modelium }: Awaited<ReturnType<typeof measured>>): readonly Row[] {
  const baselineName = 'least proxy';
  const cpu = (figures: Figures): number => (figures.cpuMs * 1000) / figures.answered;
  return [
    { what: 'request: rate without a proxy, 16 clients', unit: '1/s', value: median(direct.rate) },
    { what: 'request: rate, 16 clients', unit: '1/s', value: median(modelium.rate), baseline: median(least.rate), baselineName },
    { what: 'request: own CPU per request, 16 clients', unit: 'us', value: cpu(modelium), baseline: cpu(least), baselineName },
  ];
}
