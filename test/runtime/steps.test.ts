/** The runner of steps, beside what the core box and the real hosts show of it. */
import { expect, test } from 'vitest';
import { phase } from '../../main/runtime/step.ts';
import { type StepHost, type StepPorts, StepRunner } from '../../main/runtime/steps.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

test('who was aborted hears of no progress any more, and runs no step', async () => {
  const host = {
    carryOut: () => {
      throw new Error('nothing is to be done');
    },
    activity: () => 0,
    cancelled: () => new ModeliumError('cancelled', 'ended'),
    failure: (code: 'load-stalled', what: string) => new ModeliumError(code, what),
  } as unknown as StepHost;
  const runner = new StepRunner({ clock: createVirtualClock(), randomWord: () => 'word' } as unknown as StepPorts, host);
  const phases: string[] = [];
  const aborts = new AbortController();
  const limits = { stallMs: 1_000, maxMs: 1_000 };
  function* steps() {
    yield* phase('first');
    aborts.abort();
    // In this same turn, as when a process of it is seen to end.
    runner.repeatProgress();
    yield* phase('second');
  }
  await expect(runner.run(steps(), limits, aborts.signal, (reported) => phases.push(reported.phase))).rejects.toMatchObject({
    code: 'cancelled',
  });
  expect(phases).toEqual(['first']);
  await expect(runner.run(steps(), limits, aborts.signal, (reported) => phases.push(reported.phase))).rejects.toMatchObject({
    code: 'cancelled',
  });
  expect(phases).toEqual(['first']);
});
