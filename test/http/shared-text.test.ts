/** Answers that are the same for everybody. */
import { expect, test } from 'vitest';
import { SharedText } from '../../main/http/shared-text.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const textOf = async (shared: SharedText) => (await shared.read()).toString();

test('what many ask for at once is written once, and anew for who asks in a later turn', async () => {
  let written = 0;
  const shared = new SharedText(createVirtualClock(), async () => `${++written}`);
  expect(await Promise.all(Array.from({ length: 100 }, () => textOf(shared)))).toEqual(Array(100).fill('1'));
  await nextTurn();
  expect(await textOf(shared)).toBe('2');
});

test('what takes long to write is kept ten times as long, two seconds at most', async () => {
  const clock = createVirtualClock();
  let written = 0;
  let tookMs = 40;
  const shared = new SharedText(clock, async () => {
    await clock.advance(tookMs);
    return `${++written}`;
  });
  expect(await textOf(shared)).toBe('1');
  await clock.advance(399);
  expect(await textOf(shared)).toBe('1');
  tookMs = 5_000;
  await clock.advance(1);
  expect(await textOf(shared)).toBe('2');
  await clock.advance(1_999);
  expect(await textOf(shared)).toBe('2');
  await clock.advance(1);
  expect(await textOf(shared)).toBe('3');
});

test('one that fails is tried again', async () => {
  let fails = true;
  const shared = new SharedText(createVirtualClock(), () => {
    if (fails) throw new Error('no');
    return 'yes';
  });
  await expect(shared.read()).rejects.toThrow('no');
  fails = false;
  await nextTurn();
  expect(await textOf(shared)).toBe('yes');
});
