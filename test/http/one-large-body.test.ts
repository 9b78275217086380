/** What one body costs everybody else: the work of the engine's own thread between two turns. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { startSetup } from './harness.ts';

const MIB = 1024 ** 2;
/** No more than is read by the engine's own thread, if it is text. */
const SMALL_BYTES = MIB - 100;
const EVERY_MS = 10;
/**
 * What /health may take at most. Processor time of this thread: what a busy machine does not give
 * for a while is not counted against it.
 */
const MOST_MS = 100;

const HEAD = '{"model":"tiny","prompt":"x"';

/** A body of about so many bytes, whose list `name` is full of the item. */
function listOf(item: string, name: string, bytes: number): Buffer {
  const head = `${HEAD},"${name}":[${item}`;
  const more = Math.floor((bytes - head.length) / (item.length + 1));
  const body = Buffer.alloc(head.length + more * (item.length + 1) + 2, `,${item}`);
  // What is filled begins with a whole item behind the head.
  body.fill(`,${item}`, head.length);
  body.write(head);
  body.write(']}', body.length - 2);
  return body;
}

function namesOf(bytes: number): Buffer {
  return Buffer.from(`${HEAD},${Array.from({ length: bytes / 10 }, (_, at) => `"${at.toString(36).padStart(5, 'k')}":0`).join()}}`);
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** So many at once, sent by another thread: the work of the client is not the engine's. */
async function post(url: string, body: Buffer, count: number): Promise<readonly Answer[]> {
  const client = `
    const { parentPort, workerData: { url, body, count } } = require('node:worker_threads');
    const one = async () => {
      const answer = await fetch(url, { method: 'POST', body });
      return { status: answer.status, text: await answer.text() };
    };
    Promise.all(Array.from({ length: count }, one)).then((answers) => parentPort.postMessage(answers));`;
  const [answers] = await once(new Worker(client, { eval: true, workerData: { url, body, count } }), 'message');
  return answers as readonly Answer[];
}

function usedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

// As many values as the limit of bodies lets in; then what is small enough to be read at once.
test.each([
  [1, '62 MB of {} in a list', () => listOf('{}', 'a', 60 * MIB), /more than 2000000 values/, /more than 50000 values/],
  [16, '1 MB of numbers where texts belong', () => listOf('0', 'stop', SMALL_BYTES), null, /stop: Invalid input/],
  [16, '1 MB of empty texts', () => listOf('""', 'stop', SMALL_BYTES), null, /model: there is no such field/],
  [16, '1 MB of names', () => namesOf(SMALL_BYTES), null, /more than 50000 values/],
] as const)('%i times %s, sent to an open route, hold up nobody', { timeout: 120_000 }, async (count, _, make, passedOn, read) => {
  const setup = await startSetup();
  const body = make();
  const answers = [];
  let longestMs = 0;
  let lastMs = usedMs();
  const timer = setInterval(() => {
    const now = usedMs();
    longestMs = Math.max(longestMs, now - lastMs);
    lastMs = now;
  }, EVERY_MS);
  try {
    for (const path of ['/v1/completions', '/predict/tiny']) answers.push(await post(`${setup.address}${path}`, body, count));
  } finally {
    clearInterval(timer);
    await setup.close();
  }
  expect(longestMs).toBeLessThan(MOST_MS);
  for (const [at, why] of [passedOn, read].entries()) {
    const each = why === null ? expect.objectContaining({ status: 200 }) : { status: 400, text: expect.stringMatching(why) };
    expect(answers[at]).toEqual(Array(count).fill(each));
  }
});
