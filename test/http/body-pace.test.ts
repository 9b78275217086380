/** Many large bodies at once: how much of them is read at a time. */
import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { readBody } from '../../main/http/body.ts';
import { BodyBudget } from '../../main/http/body-budget.ts';
import type { ModeliumError } from '../../shared/errors.ts';
import { MIB } from '../../shared/units.ts';

const CHUNK = Buffer.alloc(64 * 1024, 'x');
const BODIES = 40;
const CHUNKS = 32;

/** What streams do without being asked to wait for anything. */
async function untilStill(): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('forty large bodies are read some at a time, each in its turn, and small ones without waiting for them', async () => {
  let turn = () => {};
  const budget = new BodyBudget({
    limitBytes: () => 512 * MIB,
    now: () => 0,
    nextTurn: (_moments, act) => (turn = act),
    collect: () => {},
    after: () => {},
  });
  const bounds = { limitBytes: 64 * MIB, limitName: 'x', budget };
  const read = new Array<number>(BODIES).fill(0);
  const whole: number[] = [];
  const sources = read.map((_, index) => {
    let left = CHUNKS;
    const source = new Readable({
      highWaterMark: CHUNK.length,
      read() {
        left -= 1;
        read[index] = CHUNKS - Math.max(0, left);
        this.push(left >= 0 ? CHUNK : null);
      },
    });
    readBody(source, new PassThrough(), bounds, (result) => whole.push('body' in result ? result.body.length : -1));
    return source;
  });
  const chunks = () => read.reduce((sum, count) => sum + count, 0);
  await untilStill();
  // The first chunk of each is small; of the second one, and what the stream reads ahead, all is
  // held.
  expect(chunks()).toBeLessThanOrEqual(BODIES * 4);

  let small: Buffer | ModeliumError | null = null;
  readBody(Readable.from([Buffer.from('{}')]), new PassThrough(), bounds, (result) => {
    small = 'body' in result ? result.body : result.error;
  });
  await untilStill();
  expect(small).toEqual(Buffer.from('{}'));

  for (let turns = 0; turns < BODIES / 2; turns += 1) {
    const before = chunks();
    turn();
    await untilStill();
    expect(chunks() - before).toBeLessThanOrEqual(8);
  }
  // Nobody was passed over.
  expect(Math.max(...read) - Math.min(...read)).toBeLessThanOrEqual(3);

  sources[0]?.destroy();
  for (let turns = 0; whole.length < BODIES - 1 && turns < BODIES * CHUNKS; turns += 1) {
    turn();
    await untilStill();
  }
  expect(whole).toEqual(new Array(BODIES - 1).fill(CHUNKS * CHUNK.length));
});

test('turns come later where many bodies wait, and one alone is not held up', async () => {
  const asked: number[] = [];
  let turn = () => {};
  const world = { limitBytes: () => 512 * MIB, now: () => 0, collect: () => {}, after: () => {} };
  const budget = new BodyBudget({
    ...world,
    nextTurn: (moments, act) => {
      asked.push(moments);
      turn = act;
    },
  });
  const bounds = { limitBytes: 64 * MIB, limitName: 'x', budget };
  const begin = () => readBody(Readable.from(Array.from({ length: CHUNKS }, () => CHUNK)), new PassThrough(), bounds, () => {});
  begin();
  await untilStill();
  turn();
  await untilStill();
  expect(new Set(asked)).toEqual(new Set([1]));
  for (let index = 1; index < BODIES; index += 1) begin();
  for (let turns = 0; turns < 5; turns += 1) {
    await untilStill();
    turn();
  }
  expect(Math.max(...asked)).toBe(6);
});

test('one that waits for its turn is not cut as a silent one', async () => {
  let nowMs = 0;
  const budget = new BodyBudget({ limitBytes: () => 2 * MIB, now: () => nowMs, nextTurn: () => {}, collect: () => {}, after: () => {} });
  const bounds = { limitBytes: 64 * MIB, limitName: 'x', budget };
  const refused: string[] = [];
  for (let index = 0; index < 6; index += 1) {
    const name = `${index}`;
    readBody(Readable.from(Array.from({ length: 4 }, () => CHUNK)), new PassThrough(), bounds, (result) => {
      if ('error' in result) refused.push(`${name} ${result.error.code}`);
    });
    await untilStill();
    nowMs += 10_000;
  }
  expect(refused).toEqual(['4 busy-with-bodies', '5 busy-with-bodies']);
});

test('what bodies arrived in is collected while it is young, and bodies that are over when they are many', async () => {
  const turns: (() => void)[] = [];
  const collected: string[] = [];
  const budget = new BodyBudget({
    limitBytes: () => 512 * MIB,
    now: () => 0,
    nextTurn: (_moments, act) => void turns.push(act),
    collect: (what) => void collected.push(what),
    after: () => {},
  });
  const bounds = { limitBytes: 64 * MIB, limitName: 'x', budget };
  async function readOne(): Promise<Buffer> {
    const response = new PassThrough();
    const body = new Promise<Buffer>((resolve, reject) => {
      readBody(Readable.from(Array.from({ length: 72 }, () => CHUNK)), response, bounds, (result) =>
        'body' in result ? resolve(result.body) : reject(result.error),
      );
    });
    let whole: Buffer | null = null;
    void body.then((bytes) => {
      whole = bytes;
    });
    while (whole === null) {
      turns.shift()?.();
      await untilStill();
    }
    response.destroy();
    await untilStill();
    return whole;
  }
  const first = await readOne();
  expect(first.equals(Buffer.alloc(72 * CHUNK.length, 'x'))).toBe(true);
  // V8 counts the bytes of any other memory as a reason to search the whole heap for garbage.
  expect(first.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(collected).toEqual(['young']);
  for (let count = 1; count < 28; count += 1) await readOne();
  expect(collected).not.toContain('gradually');
  await readOne();
  for (const turn of turns.splice(0)) turn();
  expect(collected.filter((what) => what === 'gradually')).toHaveLength(1);
});
