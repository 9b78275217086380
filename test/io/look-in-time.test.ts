/** A disk that does not answer: who waits for it, how often it is asked, and what it says at last. */
import { expect, test } from 'vitest';
import { LookInTime } from '../../main/io/files/look-in-time.ts';
import type { ScanOutcome } from '../../main/io/files/scan.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const FOUND: ScanOutcome = {
  scan: { folder: '/far', ok: true, candidates: [] },
  mount: null,
  leftOut: 0,
  misnamed: null,
  folders: ['/far'],
};

test.each([
  ['what it holds', FOUND],
  ['that there is too much in it', null],
])('a silent disk is away after seconds, is asked once, and its late answer counts: %s', async (_name, outcome) => {
  const clock = createVirtualClock();
  let lateAnswers = 0;
  let asked = 0;
  const disk = Promise.withResolvers<ScanOutcome | null>();
  const look = new LookInTime(clock, () => (lateAnswers += 1));
  const at = () =>
    look.at('/far', () => {
      asked += 1;
      return disk.promise;
    });
  const first = at();
  await clock.advance(5_000);
  const away = { scan: { ok: false, message: '/far cannot be read: its disk has not answered for 5 s.' } };
  expect([await first, await at(), asked, clock.pending]).toMatchObject([away, away, 1, 0]);
  disk.resolve(outcome);
  await clock.advance(0);
  expect([lateAnswers, await at(), asked]).toEqual([1, outcome, 1]);
  await at();
  expect(asked).toBe(2);
});

test('at the end nobody waits for a silent disk', async () => {
  const look = new LookInTime(createVirtualClock(), () => {});
  const asked = look.at('/far', () => new Promise<ScanOutcome>(() => {}));
  look.giveUp();
  expect((await asked).scan.ok).toBe(false);
});
