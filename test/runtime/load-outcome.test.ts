/**
 * The ledger's row of a load carries what the runtime told of its buffers, before or after it was
 * ready.
 */
import { expect, test } from 'vitest';
import { LoadOutcome } from '../../main/runtime/load-outcome.ts';
import type { DecisionOutcome } from '../../shared/decision.ts';

const ready: DecisionOutcome = { ok: true, message: 'ready', predictedBytes: { cpu: 10 }, measuredBytes: { cpu: 12 }, seconds: 1 };
const cpu = { modelBytes: 5, kvBytes: 3, computeBytes: 2 };
const message = { type: 'memory', ...cpu, devices: { cpu } };

test.each([
  ['before', [message, ready], [{ ...ready, reportedBytes: { cpu } }]],
  ['after', [ready, message], [ready, { ...ready, reportedBytes: { cpu } }]],
  ['never', [ready], [ready]],
] as const)('told %s it is ready', (_, steps, wanted) => {
  const written: DecisionOutcome[] = [];
  const outcome = new LoadOutcome((each) => written.push(each));
  for (const step of steps) {
    if ('type' in step) outcome.receive(step);
    else outcome.ready(step);
  }
  expect(written).toEqual(wanted);
});

test('other messages and broken ones are no report', () => {
  const written: DecisionOutcome[] = [];
  const outcome = new LoadOutcome((each) => written.push(each));
  for (const wrong of [
    null,
    'x',
    { type: 'generating', active: 1 },
    { type: 'memory' },
    { type: 'memory', devices: { cpu: { modelBytes: 'x' } } },
    { type: 'memory', devices: { cpu: null } },
  ])
    outcome.receive(wrong);
  outcome.ready(ready);
  expect(written).toEqual([ready]);
});
