/**
 * A thread that answers one question after another: whose turn it is, who left, and how many may
 * wait.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createOneByOneThread } from '../../main/io/one-by-one-thread.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'modelium-thread-'));
/** Answers with the question; never answers the word `hang`, and counts what it was asked. */
const program = join(folder, 'echo.mjs');
writeFileSync(
  program,
  `import { parentPort } from 'node:worker_threads';
   let asked = 0;
   parentPort.on('message', ({ id, content }) => content === 'hang' || parentPort.postMessage({ id, content: content + ' ' + ++asked }));`,
);
afterAll(() => rmSync(folder, { recursive: true }));

function threadOf(longestMs = 1_000) {
  const clock = createVirtualClock();
  const full = { most: 6, mostOfCaller: 4, error: () => new Error('full') };
  const thread = createOneByOneThread<string, string>({ program, heapMb: 32, longestMs, failed: (why) => new Error(why), full }, clock);
  return { clock, thread };
}

test('callers take turns, whoever came first', async () => {
  const { thread } = threadOf();
  const answers = await Promise.all([
    ...['a1', 'a2', 'a3', 'a4'].map((question) => thread.ask(question, { caller: 'a' })),
    ...['b1', 'b2'].map((question) => thread.ask(question, { caller: 'b' })),
  ]);
  expect(answers).toEqual(['a1 1', 'a2 2', 'a3 4', 'a4 6', 'b1 3', 'b2 5']);
  await thread.close();
});

test('what nobody waits for any more is never asked; each answer has its own time; more than may wait are refused', async () => {
  const { clock, thread } = threadOf();
  const listeners: (() => void)[] = [];
  const signal = {
    aborted: false,
    addEventListener: (_: 'abort', leave: () => void) => listeners.push(leave),
    removeEventListener: () => {},
  };
  const reported = (answer: Promise<string>) => answer.catch((error: Error) => error.message);
  const hung = reported(thread.ask('hang', { caller: 'a' }));
  const left = [1, 2].map((each) => reported(thread.ask(`left ${each}`, { caller: 'a', signal: signal as never })));
  const stays = [1, 2].map((each) => reported(thread.ask(`stays ${each}`, { caller: 'a' })));
  // One caller has as many as one may have, and others still have room.
  expect(await reported(thread.ask('one more', { caller: 'a' }))).toBe('full');
  const others = ['b', 'c'].map((caller) => reported(thread.ask(caller, { caller })));
  expect(await reported(thread.ask('d', { caller: 'd' }))).toBe('full');
  for (const leave of listeners) leave();
  expect(await Promise.all(left)).toEqual(['The client left.', 'The client left.']);
  expect(await reported(thread.ask('gone before', { signal: { ...signal, aborted: true } as never }))).toBe('The client left.');
  await clock.advance(1_000);
  expect(await hung).toBe('it takes too long');
  // Another thread answers those that waited: nothing of it was asked for those who left.
  expect(await Promise.all([...stays, ...others])).toEqual(['stays 1 1', 'stays 2 4', 'b 2', 'c 3']);
  await thread.close();
});

test('work for somebody who left gives way to the next question', async () => {
  const { clock, thread } = threadOf(60_000);
  const leaves = new AbortController();
  const hung = thread.ask('hang', { signal: leaves.signal }).catch((error: Error) => error.message);
  const waits = thread.ask('waits');
  leaves.abort();
  await clock.advance(1_000);
  expect(await hung).toBe('nobody waits for it');
  expect(await waits).toBe('waits 1');
  await thread.close();
});

test('once it is closed, everybody who waited is told so, and nothing is started for them', async () => {
  const { clock, thread } = threadOf();
  const reported = ['hang', 'waits', 'waits too'].map((question) => thread.ask(question).catch((error: Error) => error.message));
  await thread.close();
  const later = thread.ask('later').catch((error: Error) => error.message);
  const unsettled = new Promise<string>((resolve) => setImmediate(resolve, 'unsettled'));
  const answers = [...reported, later].map((answer) => Promise.race([answer, unsettled]));
  expect(await Promise.all(answers)).toEqual(Array(4).fill('Modelium is ending.'));
  expect(clock.pending).toBe(0);
});
