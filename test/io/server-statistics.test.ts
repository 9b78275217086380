/**
 * What a server of tensors counts of its models. The answer's form: the statistics extension of the
 * Open Inference Protocol (triton-inference-server/server, docs/protocol/extension_statistics.md).
 */
import { expect, test } from 'vitest';
import { ServerStatistics, statisticsIn } from '../../main/io/server-statistics.ts';
import type { Endpoint } from '../../shared/model.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const duration = (count: number, ns: number) => ({ count, ns });
const version = (name: string, requests: number, lastMs: number) => ({
  name: 'net',
  version: name,
  last_inference: lastMs,
  inference_count: requests * 2,
  execution_count: requests,
  inference_stats: {
    success: duration(requests, 9e9),
    fail: duration(1, 1e6),
    queue: duration(requests, requests * 2e6),
    compute_input: duration(requests, 1),
    compute_infer: duration(requests, requests * 5e6),
    compute_output: duration(requests, 1),
  },
  response_stats: {},
  batch_stats: [{ batch_size: 2, compute_infer: duration(requests, 1) }],
});

test('its versions are counted together, and times are those of each request', () => {
  const body = JSON.stringify({ model_stats: [version('1', 3, 1_700_000_000_000), version('2', 1, 0)] });
  expect(statisticsIn(body)).toEqual({
    requests: 4,
    failed: 2,
    inferences: 8,
    executions: 4,
    averageQueueMs: 2,
    averageComputeMs: 5,
    lastAt: '2023-11-14T22:13:20.000Z',
  });
  expect(statisticsIn('{"model_stats":[{"name":"net","version":"1"}]}')).toMatchObject({ requests: 0, averageQueueMs: null, lastAt: null });
  expect([statisticsIn('no'), statisticsIn('{"model_stats":[]}'), statisticsIn('{"model_stats":{}}')]).toEqual([null, null, null]);
});

test.each([
  ['a version that is none', [null, 'text', 7, []]],
  [
    'figures that are none',
    [{ inference_count: '7', execution_count: {}, last_inference: 'now', inference_stats: { success: { count: '7' } } }],
  ],
  ['figures beyond every count', [{ inference_count: 1e300, execution_count: -1, last_inference: 1e300, inference_stats: { queue: 1 } }]],
  ['a time beyond every date', [{ last_inference: 8.64e15 + 2_000 }]],
  ['members of every object', [{ inference_stats: { constructor: { count: 1 }, success: null } }]],
])('%s counts nothing', (_what, versions) => {
  const nothing = { requests: 0, failed: 0, inferences: 0, executions: 0, averageQueueMs: null, averageComputeMs: null, lastAt: null };
  expect(statisticsIn(JSON.stringify({ model_stats: versions }))).toEqual(nothing);
  const beside = statisticsIn(JSON.stringify({ model_stats: [...versions, version('2', 3, 1_700_000_000_000)] }));
  expect(beside).toMatchObject({ requests: 3, inferences: 6, averageQueueMs: 2, lastAt: '2023-11-14T22:13:20.000Z' });
});

test.each(['null', '7', '[]', '{"model_stats":null}'])('%s is no answer', (body) => expect(statisticsIn(body)).toBeNull());

test('models of servers of tensors alone are asked, by what they are called there; who does not answer is left out', async () => {
  const endpoint: Endpoint = { at: { port: 1 }, key: null, protocol: 'v2', model: 'a/b', prefix: '' };
  const asked: string[] = [];
  const http = {
    request: async (_server: unknown, { path }: { readonly path: string }) => {
      asked.push(path);
      if (path.includes('gone')) throw new Error('nobody listens');
      return { status: 200, body: JSON.stringify({ model_stats: [version('1', 1, 0)] }) };
    },
  };
  const models = [
    { id: 'net', endpoint },
    { id: 'gone', endpoint: { ...endpoint, model: 'gone' } },
    { id: 'chat', endpoint: { ...endpoint, protocol: 'openai' as const } },
  ];
  const statistics = new ServerStatistics(http, createVirtualClock());
  expect(Object.keys(await statistics.of(models))).toEqual(['net']);
  expect(asked).toEqual(['/v2/models/a%2Fb/stats', '/v2/models/gone/stats']);
});

test('whoever asks within two seconds gets the same answer, and a server that hangs is waited for once', async () => {
  const clock = createVirtualClock();
  const endpoint: Endpoint = { at: { port: 1 }, key: null, protocol: 'v2', model: 'net', prefix: '' };
  const hung: Endpoint = { ...endpoint, model: 'hung' };
  let asked: string[] = [];
  let giveUp: (() => void) | null = null;
  const http = {
    request: ({ model }: Endpoint) => {
      asked.push(model);
      const answer = { status: 200, body: JSON.stringify({ model_stats: [version('1', asked.length, 0)] }) };
      if (model === 'net') return Promise.resolve(answer);
      return new Promise<never>((_resolve, reject) => {
        giveUp = () => reject(new Error('it does not answer'));
      });
    },
  };
  const statistics = new ServerStatistics(http as never, clock);
  const models = [
    { id: 'net', endpoint },
    { id: 'hung', endpoint: hung },
  ];
  const [one, another] = [statistics.of(models), statistics.of(models)];
  giveUp!();
  expect(await one).toMatchObject({ net: { requests: 1 } });
  expect(await another).toEqual(await one);
  await clock.advance(1_999);
  expect(await statistics.of(models)).toEqual(await one);
  expect(asked).toEqual(['net', 'hung']);
  asked = [];
  await clock.advance(1);
  // It hangs again, and the answer is here.
  expect(Object.keys(await statistics.of(models))).toEqual(['net']);
  expect(Object.keys(await statistics.of(models))).toEqual(['net']);
  expect(asked).toEqual(['net', 'hung']);
  // The same name at another place is another model.
  expect(Object.keys(await statistics.of([{ id: 'hung', endpoint: { ...endpoint } }]))).toEqual(['hung']);
});
