/** What the desktop is told while nobody looks at the window. */
import { expect, test } from 'vitest';
import { FailureStreaks } from '../../renderer/failure-streaks.ts';
import { evictedNotice, hasLeft, noticeOf } from '../../renderer/notices.ts';
import type { StateName } from '../../shared/model.ts';

const seen = (state: StateName, loadSeconds: number | null = null) => ({ id: 'tiny', state, message: 'why', loadSeconds });

test.each([
  ['a failure of any model', 'loading', seen('failed'), false, 'tiny failed to load'],
  ['a model that broke off', 'draining', seen('failed'), false, 'tiny failed'],
  ['a model whose process ended at once', 'ready', seen('failed'), false, 'tiny failed'],
  ['ready after a long load', 'loading', seen('ready', 31), false, 'tiny is ready'],
  ['ready after a short load', 'loading', seen('ready', 29), false, null],
  ['ready, and dropped here', 'loading', seen('ready', 1), true, 'tiny is ready'],
  ['blocked, and dropped here', 'settling', seen('blocked'), true, 'tiny cannot be served'],
  ['blocked', 'settling', seen('blocked'), false, null],
  ['as before', 'failed', seen('failed'), true, null],
  ['new here', undefined, seen('failed'), true, null],
  ['unloaded for idleness', 'ready', seen('draining'), true, null],
] as const)('%s', (_, before, model, isDropped, title) => {
  const seenBefore = before === undefined ? undefined : { state: before, phase: null };
  expect(noticeOf(seenBefore, model, isDropped)?.title ?? null).toBe(title);
});

test('a load that failed leaves through draining, and is still called a load', () => {
  expect(noticeOf({ state: 'draining', phase: 'load-failed' }, seen('failed'), false)?.title).toBe('tiny failed to load');
  expect(noticeOf({ state: 'draining', phase: 'exited' }, seen('failed'), false)?.title).toBe('tiny failed');
});

test('a load that the engine tries again by itself is told once, until the model was ready or unloaded', () => {
  const streaks = new FailureStreaks();
  const states: readonly StateName[] = [
    'loading',
    'failed',
    'failed',
    'queued',
    'loading',
    'failed',
    'loading',
    'ready',
    'failed',
    'unloaded',
    'failed',
  ];
  let before: StateName | undefined;
  const repeated: number[] = [];
  for (const [at, state] of states.entries()) {
    if (streaks.isRepeated('tiny', before, state)) repeated.push(at);
    before = state;
  }
  expect(repeated).toEqual([5]);
  expect(streaks.isRepeated('other', 'loading', 'failed')).toBe(false);
});

test('a model that left is told where it made room for another, and by nothing else', () => {
  expect((['draining', 'asleep', 'unloaded', 'failed', 'ready'] as const).filter((state) => hasLeft('ready', state))).toHaveLength(3);
  expect(hasLeft('loading', 'draining')).toBe(false);
  const row = (action: 'evict' | 'load', cause: object) => ({ action, because: { cause, facts: [] } }) as never;
  const madeRoom = row('evict', { kind: 'made-room', for: 'big' });
  const notice = { title: 'tiny made room for big', body: 'The next request to it loads it again.', page: 'decisions' };
  expect(evictedNotice('tiny', [madeRoom])).toEqual(notice);
  // Somebody asked for it before this was asked.
  expect(evictedNotice('tiny', [row('wait' as 'load', { kind: 'no-room' }), madeRoom])).toEqual(notice);
  expect(evictedNotice('tiny', [row('evict', { kind: 'by-hand' }), madeRoom])).toBeNull();
  for (const other of [row('evict', { kind: 'idle', idleMs: 1, queriesPerSecond: 0 }), row('evict', { kind: 'by-hand' })]) {
    expect(evictedNotice('tiny', [other])).toBeNull();
  }
  expect(evictedNotice('tiny', [])).toBeNull();
});
