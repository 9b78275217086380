/**
 * What a proxy does to a stream: how long each chunk is held, and whether all come, in order. Paced
 * as a model talks, and at full speed.
 */
import { request as httpRequest } from 'node:http';
import { type BenchOptions, bringUp, chat, median, quantile, type Row, rotated, serve, startLeastProxy, startUpstream } from './kit.ts';

interface Target {
  readonly name: 'direct' | 'least' | 'modelium';
  readonly port: number;
}

interface Figures {
  readonly delays: number[];
  readonly rate: number[];
  lost: number;
  disordered: number;
}

const STREAMS = 4;
const PACED = { count: 150, pauseMs: 10 };
const FULL = 20_000;
const EVENT = /"content":"i=(\d+);t=(\d+);/g;

export async function stream({ seconds }: BenchOptions): Promise<readonly Row[]> {
  const direct = await startUpstream();
  const behindLeast = await startUpstream();
  const least = await startLeastProxy(behindLeast.port);
  const served = await serve({ models: ['fast'], upstream: { fast: [] } });
  try {
    await bringUp(served, 'fast');
    const targets: readonly Target[] = [
      { name: 'direct', port: direct.port },
      { name: 'least', port: least.port },
      { name: 'modelium', port: served.port },
    ];
    const paced = await rounds(targets, seconds, async (target, figures) => {
      await Promise.all(Array.from({ length: STREAMS }, () => read(target, PACED.count, PACED.pauseMs, figures)));
    });
    const full = await rounds(targets, seconds, (target, figures) => read(target, FULL, 0, figures));
    return rows(paced, full);
  } finally {
    await served.stop();
    for (const { program } of [least, behindLeast, direct]) await program.stop();
  }
}

type All = Record<Target['name'], Figures>;

async function rounds(targets: readonly Target[], seconds: number, run: (target: Target, figures: Figures) => Promise<void>): Promise<All> {
  const empty = (): Figures => ({ delays: [], rate: [], lost: 0, disordered: 0 });
  for (const target of targets) await run(target, empty());
  const all: All = { direct: empty(), least: empty(), modelium: empty() };
  const endMs = performance.now() + seconds * 1000;
  for (let round = 0; round < 3 || performance.now() < endMs; round += 1) {
    for (const target of rotated(targets, round)) await run(target, all[target.name]);
  }
  return all;
}

/**
 * Reads one stream of `count` events; the delay of each is from the upstream's write until it is in
 * our hands.
 */
function read({ port, name }: Target, count: number, pauseMs: number, figures: Figures): Promise<void> {
  const body = chat('fast', { stream: true, max_tokens: count, metadata: { chunk_ms: String(pauseMs) } });
  const began = performance.now();
  let next = 0;
  let rest = '';
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ host: '127.0.0.1', port, path: '/v1/chat/completions', method: 'POST', agent: false }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${name} answered ${answer.statusCode}`));
      answer.setEncoding('latin1').on('data', (text: string) => {
        const now = process.hrtime.bigint();
        rest += text;
        let end = 0;
        for (const match of rest.matchAll(EVENT)) {
          if (Number(match[1]) !== next) figures.disordered += 1;
          next += 1;
          figures.delays.push(Number(now - BigInt(match[2] ?? 0)) / 1000);
          end = match.index + match[0].length;
        }
        rest = rest.slice(end);
      });
      answer.on('end', () => {
        figures.lost += count - next;
        figures.rate.push((next / (performance.now() - began)) * 1000);
        resolve();
      });
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

function rows(paced: All, full: All): readonly Row[] {
  const baselineName = 'least proxy';
  const added = (figures: Figures, share: number): number => quantile(figures.delays, share) - quantile(paced.direct.delays, share);
  const p50 = added(paced.modelium, 0.5);
  const leastP50 = added(paced.least, 0.5);
  const rate = median(full.modelium.rate);
  const leastRate = median(full.least.rate);
  const wrong = [paced.modelium, full.modelium].reduce((sum, { lost, disordered }) => sum + lost + disordered, 0);
  return [
    { what: 'stream: paced, p50 without a proxy', unit: 'us', value: median(paced.direct.delays) },
    {
      what: 'stream: paced, added p50',
      unit: 'us',
      value: p50,
      baseline: leastP50,
      baselineName,
      bar: '<= 1.15 x the least proxy',
      within: p50 <= 1.15 * leastP50,
    },
    { what: 'stream: paced, added p99', unit: 'us', value: added(paced.modelium, 0.99), baseline: added(paced.least, 0.99), baselineName },
    {
      what: 'stream: full speed, chunks',
      unit: '1/s',
      value: rate,
      baseline: leastRate,
      baselineName,
      bar: '>= 0.95 x the least proxy',
      within: rate >= 0.95 * leastRate,
    },
    { what: 'stream: chunks lost or out of order', unit: '', value: wrong, bar: 'none', within: wrong === 0 },
  ];
}
