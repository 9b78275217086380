/** 15: each state can be left or hurried, where anything here can do so. */
import { expect, test } from 'vitest';
import { mainActionOf } from '../../renderer/components/main-action.ts';
import type { StateName } from '../../shared/model.ts';
import type { ModelView } from '../../shared/snapshot.ts';

const action = (state: StateName, more: Partial<ModelView> = {}) =>
  mainActionOf({ state, inFlight: 0, canForget: true, blockedReason: null, ...more });

test.each(
  Object.entries({
    discovered: 'forget',
    settling: 'forget',
    analyzed: 'load',
    blocked: 'retry',
    preparing: 'cancel',
    queued: 'cancel',
    loading: 'cancel',
    ready: 'unload',
    asleep: 'unload',
    draining: 'load-again',
    unloaded: 'load',
    failed: 'retry',
  } satisfies Record<StateName, string>),
)('%s: %s', (state, expected) => {
  expect(action(state as StateName)).toBe(expected);
});

test('what runs is cut only after a question; what is not ours to stop has no button', () => {
  expect(action('draining', { inFlight: 2 })).toBe('cut');
  // A copy into a watch folder belongs to whoever makes it.
  expect(action('settling', { canForget: false })).toBeNull();
  expect(action('blocked', { blockedReason: 'not-servable' })).toBeNull();
  expect(action('blocked', { blockedReason: 'needs-trust' })).toBe('see-code');
});
