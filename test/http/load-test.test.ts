/**
 * A load test on a real engine whose runtime is the fixture program: what it counts, and that it
 * ends with its client.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LoadTestCount } from '../../main/http/load-test-count.ts';
import type { LoadTestFigures } from '../../shared/api-load-test.ts';
import { startTestEngine, type TestEngine } from '../helpers/engine.ts';
import { eventually } from '../helpers/eventually.ts';
import { makeSimulatedBox, type SimulatedBox } from '../helpers/simulated-box.ts';

let box: SimulatedBox;
let engine: TestEngine;

beforeAll(async () => {
  box = makeSimulatedBox({ gpus: [{ totalMiB: 4_000 }] });
  engine = await startTestEngine({
    gpus: { nvidia_smi: box.nvidiaSmi, reserve_mb: 0 },
    llama: { command: box.runtimeCommand, args: ['--memory-mb', '20'], port_range: [13_301, 13_330] },
    orchestration: { policies: { load: 'on_request', min_residency_seconds: 0 } },
    models: { slow: { args: ['--token-ms', '50'] }, dies: { args: ['--crash-on-request'] } },
  });
  for (const id of ['quick', 'slow', 'dies']) await engine.drop(id);
  for (const id of ['quick', 'slow', 'dies']) await engine.waitFor(id, 'unloaded');
});

afterAll(async () => {
  await engine?.close();
  box?.remove();
});

const ask = (body: object, signal?: AbortSignal): Promise<Response> =>
  fetch(`${engine.engine.address}/control/load-test`, {
    method: 'POST',
    headers: { authorization: `Bearer ${engine.engine.token}` },
    body: JSON.stringify({ parallel: 10, requests: 25, promptWords: 5, maxTokens: 4, ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
const figuresIn = (text: string): readonly LoadTestFigures[] =>
  [...text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => JSON.parse(json) as LoadTestFigures);

describe('a load test', () => {
  it('asks as often as it should, and counts what came', async () => {
    const figures = figuresIn(await (await ask({ model: 'quick' })).text()).at(-1);
    expect(figures).toMatchObject({ isDone: true, running: 0, answered: 25, failed: 0, completionTokens: 100, errors: [] });
    expect(figures?.firstTokenMs?.p95).toBeGreaterThanOrEqual(figures?.firstTokenMs?.p50 ?? Number.NaN);
    expect(figures?.totalMs?.p50).toBeGreaterThanOrEqual(figures?.firstTokenMs?.p50 ?? Number.NaN);
    // The engine saw each of them as a request like any other.
    const { body } = await engine.control('GET', '/activity?model=quick');
    expect((body as { total: number }).total).toBe(25);
  });

  it('tells errors by their code', async () => {
    const figures = figuresIn(await (await ask({ model: 'dies', requests: 3, parallel: 1 })).text()).at(-1);
    expect(figures).toMatchObject({ isDone: true, answered: 0, failed: 3, firstTokenMs: null });
    expect(figures?.errors.reduce((sum, { count }) => sum + count, 0)).toBe(3);
  });

  it('ends when its client leaves', async () => {
    const leaving = new AbortController();
    const response = await ask({ model: 'slow', requests: 1_000, maxTokens: 1_000 }, leaving.signal);
    await eventually('requests are under way', async () => (await engine.model('slow')).inFlight > 0);
    leaving.abort();
    await response.text().catch(() => '');
    await eventually('nothing is under way', async () => {
      const { inFlight, waiting } = await engine.model('slow');
      return inFlight === 0 && waiting === 0;
    });
  });

  it('refuses what is beyond its bounds, and a model that is not there', async () => {
    expect((await ask({ model: 'quick', parallel: 65 })).status).toBe(400);
    expect((await ask({ model: 'nobody' })).status).toBe(404);
  });
});

it('percentiles are those of the nearest rank', () => {
  const count = new LoadTestCount();
  for (let ms = 1; ms <= 20; ms += 1) {
    count.begin();
    count.end({ firstTokenMs: ms, totalMs: 100 * ms, promptTokens: 2, completionTokens: 10 });
  }
  count.begin();
  count.end({ code: 'busy', message: 'Later.' });
  expect(count.figures(2_000, true)).toEqual({
    isDone: true,
    elapsedMs: 2_000,
    running: 0,
    answered: 20,
    failed: 1,
    firstTokenMs: { p50: 10, p95: 19 },
    totalMs: { p50: 1_000, p95: 1_900 },
    promptTokens: 40,
    completionTokens: 200,
    tokensPerSecond: 100,
    errors: [{ code: 'busy', message: 'Later.', count: 1 }],
  });
});
