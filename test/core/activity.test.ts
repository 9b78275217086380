/**
 * What is told of requests that ended: bounded, the newest first, and figures as one would reckon
 * them by hand.
 */
import { describe, expect, test } from 'vitest';
import type { RequestReport } from '../../main/core/gateway.ts';
import { Activity, REQUESTS_KEPT } from '../../main/core/tell/activity.ts';

const report = (change: Partial<RequestReport> = {}): RequestReport => ({
  modelId: 'chat',
  runtime: 'llama',
  status: 200,
  totalMs: 1_100,
  firstTokenMs: 100,
  queueMs: 0,
  queueCause: null,
  promptTokens: 5,
  completionTokens: 51,
  ignoredFields: [],
  ...change,
});

describe('activity', () => {
  test('the newest first, of one model where asked, no more than are kept', () => {
    const activity = new Activity();
    for (let index = 0; index < REQUESTS_KEPT * 2 + 5; index += 1)
      activity.ended(report({ modelId: index % 2 === 0 ? 'even' : 'odd' }), index, index);
    const { requests, total } = activity.read({ limit: 5_000 }, 9);
    expect([requests.length, total, requests[0]?.id]).toEqual([REQUESTS_KEPT, REQUESTS_KEPT * 2 + 5, total]);
    expect(activity.read({ limit: 2, model: 'odd' }, 9).requests.map(({ id }) => id)).toEqual([total - 1, total - 3]);
    activity.ended(report({ modelId: 'odd', status: 503 }), 0, 0);
    activity.ended(report({ modelId: 'odd', status: 499 }), 0, 0);
    const failed = activity.read({ limit: 1, model: 'odd', outcome: 'failed' }, 9);
    expect([failed.requests.map(({ status }) => status), failed.matching]).toEqual([[499], 2]);
    expect(activity.read({ limit: 1, outcome: 'answered' }, 9)).toMatchObject({ matching: REQUESTS_KEPT - 2, requests: [{ status: 200 }] });
    // 50 tokens after the first in one second.
    expect(requests[0]).toMatchObject({ tokensPerSecond: 50, model: 'even', status: 200 });
  });

  test('pace: nearest-rank quantiles of answered requests of the last ten minutes', () => {
    const activity = new Activity();
    expect(activity.paceOf('chat', 0)).toBeNull();
    for (let index = 1; index <= 20; index += 1) activity.ended(report({ totalMs: index * 100, firstTokenMs: index * 10 }), index, 0);
    activity.ended(report({ status: 499, totalMs: 90_000 }), 21, 0);
    expect(activity.paceOf('chat', 21)).toMatchObject({ requests: 20, p50Ms: 1_000, p95Ms: 1_900, firstTokenP50Ms: 100 });
    expect(activity.paceOf('chat', 600_010)).toMatchObject({ requests: 10, p50Ms: 1_500 });
    expect(activity.paceOf('chat', 700_000)).toBeNull();
    activity.ended(report(), 700_000, 0);
    activity.forget('chat');
    expect(activity.paceOf('chat', 700_000)).toBeNull();
  });

  test('an answer that came whole has a speed too, one without tokens none', () => {
    const activity = new Activity();
    activity.ended(report({ firstTokenMs: null, queueMs: 100, completionTokens: 50 }), 0, 0);
    activity.ended(report({ completionTokens: null }), 0, 0);
    expect(activity.read({ limit: 2 }, 0).requests.map(({ tokensPerSecond }) => tokensPerSecond)).toEqual([null, 50]);
  });

  test('tokens a second of all models: spread over the time in which they were written, forgotten after half a minute', () => {
    const activity = new Activity();
    activity.ended(report({ totalMs: 10_000, firstTokenMs: 0, completionTokens: 300 }), 100_000, 0);
    expect(activity.tokensPerSecond(100_000)).toBe(10);
    // Written over 60 s, of which half lies before the window.
    activity.ended(report({ totalMs: 60_000, firstTokenMs: 0, completionTokens: 610 }), 100_000, 0);
    expect(activity.tokensPerSecond(100_000)).toBe(20);
    expect(activity.tokensPerSecond(200_000)).toBe(0);
  });
});
