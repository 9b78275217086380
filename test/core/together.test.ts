/**
 * Models that are asked for at once: each by itself would fit, and the later ones find the earlier
 * ones there.
 */
import { expect, test } from 'vitest';
import { type BrainInput, decide } from '../../main/core/decide/brain.ts';
import { boxAfter } from '../../main/core/decide/together.ts';
import { GIB } from '../../shared/units.ts';
import { gpu, host, profile, question, resident } from './brain-fixtures.ts';

function second(change: Partial<BrainInput>, earlier = ['first']): string {
  const asked = (modelId: string) => question({ modelId, profile: profile(16), ...change });
  const now = asked('second');
  const decision = decide({ ...now, ...boxAfter(earlier.map(asked), now) });
  if (decision.kind === 'place') {
    const { plan, victims } = decision.candidate;
    return ['place', ...plan.placement.gpus, ...victims.map((id) => `-${id}`)].join(' ');
  }
  return decision.kind === 'wait' ? `wait for ${decision.waitsFor.join()}` : `refuse ${decision.refusal}`;
}

test('alone it is placed; beside the other it waits for it, or goes where there is room', () => {
  const one = { devices: [gpu(0, 24), host(4)] };
  expect(second(one, [])).toBe('place GPU-0');
  expect(second(one)).toBe('wait for first');
  expect(second({ devices: [gpu(0, 24), gpu(1, 24), host(4)] })).toBe('place GPU-1');
  expect(second({ devices: [gpu(0, 40), host(4)] })).toBe('place GPU-0');
});

test('one that is there is asked as well: it is no victim; and who left for the first leaves no second time', () => {
  const full = { devices: [gpu(0, 24, { availableBytes: 4 * GIB }), host(4)], residents: [resident('idle', { 'GPU-0': 20 })] };
  expect(second(full, [])).toBe('place GPU-0 -idle');
  expect(second(full, ['idle'])).toBe('wait for idle');
  expect(second(full)).toBe('wait for first');
});

test('what cannot be placed takes nothing', () => {
  const devices = [gpu(0, 8), gpu(1, 24), host(4)];
  const now = question({ modelId: 'second', profile: profile(16), devices });
  const huge = question({ modelId: 'huge', profile: profile(100), devices });
  expect(boxAfter([huge], now)).toMatchObject({ devices, residents: [] });
});
