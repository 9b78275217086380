/**
 * What is in flight at a model is bounded by what its runtime takes; the rest waits where it is
 * counted, in turns. On the simulated box.
 */
import { describe, expect, test } from 'vitest';
import type { Lease } from '../../main/core/gateway.ts';
import { type ModeliumError, toModeliumError } from '../../shared/errors.ts';
import { GIB } from '../../shared/units.ts';
import { type CoreBox, createCoreBox } from '../helpers/core-box.ts';

interface Asked {
  lease: Lease | null;
  error: ModeliumError | null;
  leave(): void;
}

function ask(box: CoreBox, caller: string, id = 'a'): Asked {
  const client = new AbortController();
  const asked: Asked = { lease: null, error: null, leave: () => client.abort() };
  const refused = (thrown: unknown) => void Object.assign(asked, { error: toModeliumError(thrown) });
  try {
    const answer = box.waitingRoom.ensureReady(id, { signal: client.signal, caller });
    if (answer instanceof Promise) void answer.then((lease) => Object.assign(asked, { lease }), refused);
    else asked.lease = answer;
  } catch (thrown) {
    refused(thrown);
  }
  return asked;
}

async function pass(box: CoreBox, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    await box.clock.advance(250);
    box.sample();
  }
}

async function busyBox(max_queue = 9, queue_timeout_seconds = 600): Promise<CoreBox> {
  const box = createCoreBox({ gpus: [16 * GIB], places: 2 });
  Object.assign(box.settings.orchestration.policies, { max_queue, queue_timeout_seconds });
  box.drop('a', GIB, 'person');
  await pass(box, 3_000);
  return box;
}

describe('a model that is ready and busy', () => {
  test('works on as many requests as its runtime takes; callers take turns for the places that come free, and the wait is told', async () => {
    const box = await busyBox();
    const batch = Array.from({ length: 5 }, () => ask(box, 'batch'));
    const person = ask(box, 'person');
    expect([box.manager.inFlight('a'), box.admission.waiting('a')]).toEqual([2, 4]);
    await pass(box, 2_000);
    expect(box.view('a')).toMatchObject({ inFlight: 2, waiting: 4, longestWaitMs: 2_000 });
    batch[0]?.lease?.release();
    await box.clock.advance(0);
    expect([batch[2]?.lease?.queueMs, batch[2]?.lease?.queueCause, batch[2]?.lease?.loadMs]).toEqual([2_000, 'busy', 0]);
    // The batch had its turn.
    batch[1]?.lease?.release();
    await box.clock.advance(0);
    expect([person.lease === null, batch[3]?.lease]).toEqual([false, null]);
    expect([box.manager.inFlight('a'), box.admission.waiting('a')]).toEqual([2, 2]);
    // Who comes now does not pass those who wait, in the very turn in which a place comes free.
    person.lease?.release();
    const late = ask(box, 'late');
    await box.clock.advance(0);
    expect([batch[3]?.lease === null, late.lease]).toEqual([false, null]);
    late.leave();
    for (const each of [batch[2], batch[3]]) each?.lease?.release();
    await box.clock.advance(0);
    batch[4]?.lease?.release();
    expect([box.manager.inFlight('a'), box.admission.waiting('a'), late.error?.code]).toEqual([0, 0, 'cancelled']);
  });

  test('answers 429 once its queue is full, with the time that the queue takes; who has few waiting is let in for who has many', async () => {
    const box = await busyBox(3);
    const first = [ask(box, 'batch'), ask(box, 'batch')];
    const waiting = [ask(box, 'batch'), ask(box, 'batch'), ask(box, 'batch')];
    expect(ask(box, 'batch').error).toMatchObject({ code: 'queue-full', status: 429, details: { retryAfterSeconds: 5 } });
    const person = ask(box, 'person');
    await box.clock.advance(0);
    expect([person.error, waiting.map(({ error }) => error?.code)]).toEqual([null, [undefined, undefined, 'queue-full']]);
    await pass(box, 7_500);
    first[0]?.lease?.release();
    await box.clock.advance(0);
    ask(box, 'batch');
    expect(ask(box, 'batch').error).toMatchObject({ code: 'queue-full', details: { retryAfterSeconds: 8 } });
  });

  test('makes way in the end for one whose client gives up after a few seconds and asks again, however busy it is', async () => {
    const box = await busyBox();
    box.drop('b', 15.5 * GIB);
    await pass(box, 1_000);
    let busy = ask(box, 'x');
    let other = ask(box, 'y', 'b');
    for (let turn = 0; turn < 12 && other.lease === null; turn += 1) {
      await pass(box, 6_000);
      other.leave();
      await pass(box, 1_000);
      other = ask(box, 'y', 'b');
      // Constant traffic: the next one begins before this one ends.
      const next = ask(box, 'x');
      busy.lease?.release();
      busy = next;
    }
    expect(other.lease?.modelId).toBe('b');
  });

  test('tells who waited too long that it is busy, and loses nobody who waits when it must leave for another model', async () => {
    const box = await busyBox(9, 20);
    const held = [ask(box, 'x'), ask(box, 'x')];
    const late = ask(box, 'x');
    await pass(box, 20_000);
    expect(late.error).toMatchObject({ code: 'queue-timeout', message: expect.stringMatching(/^a is busy: no slot/) });
    const patient = ask(box, 'x');
    box.drop('b', 15.5 * GIB);
    box.settings.orchestration.policies.fairness_max_wait_seconds = 1;
    box.settings.orchestration.policies.queue_timeout_seconds = 600;
    await pass(box, 1_000);
    const other = ask(box, 'x', 'b');
    await pass(box, 2_000);
    expect(box.state('a')).toBe('draining');
    for (const { lease } of held) lease?.release();
    await pass(box, 4_000);
    expect([other.lease?.modelId, box.state('a'), patient.error]).toEqual(['b', 'queued', null]);
    other.lease?.release();
    await pass(box, 20_000);
    expect(patient.lease).toMatchObject({ modelId: 'a', queueCause: 'memory' });
  });
});
