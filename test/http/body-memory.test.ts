/** The memory of large bodies: when the next one gets it, and when nobody may. */
import { PassThrough, Readable } from 'node:stream';
import { beforeEach, expect, test } from 'vitest';
import { readBody } from '../../main/http/body.ts';
import { BodyBudget } from '../../main/http/body-budget.ts';
import { MIB } from '../../shared/units.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const LIMIT_BYTES = 16 * MIB;

let clock: ReturnType<typeof createVirtualClock>;
let collected: string[];
let budget: BodyBudget;
beforeEach(() => {
  clock = createVirtualClock();
  collected = [];
  budget = new BodyBudget({
    limitBytes: () => 20 * MIB,
    now: () => clock.now(),
    nextTurn: (_moments, act) => void setImmediate(act),
    after: (ms, act) => void clock.after(ms, act),
    collect: (what) => void collected.push(what),
  });
});

interface Asked {
  readonly body: Buffer;
  readonly response: PassThrough;
}

/** A request until its body is there. @param announced as in the head of its request. */
function asked(bytes: number, letter: string, announced: number | null = bytes): Promise<Asked> {
  const response = new PassThrough();
  const chunks = Array.from({ length: bytes / (64 * 1024) }, () => Buffer.alloc(64 * 1024, letter));
  const bounds = { limitBytes: LIMIT_BYTES, limitName: 'x', budget, announcedBytes: announced };
  return new Promise((resolve, reject) => {
    readBody(Readable.from(chunks), response, bounds, (result) =>
      'body' in result ? resolve({ body: result.body, response }) : reject(result.error),
    );
  });
}

function over(stream: PassThrough): Promise<void> {
  return new Promise((resolve) => void stream.once('close', resolve));
}

/** The whole answer was taken over by the system. */
async function answered({ response }: Asked): Promise<void> {
  const closed = over(response);
  response.resume().end();
  await closed;
}

async function left({ response }: Asked): Promise<void> {
  const closed = over(response);
  response.destroy();
  await closed;
}

test('the next body gets the memory of one that is answered, and garbage is never collected for it', async () => {
  const first = await asked(8 * MIB, 'a');
  const { buffer } = first.body;
  await answered(first);
  for (let count = 0; count < 40; count += 1) {
    const next = await asked(count % 2 === 0 ? 6 * MIB : 8 * MIB, 'b');
    expect(next.body.buffer).toBe(buffer);
    expect(next.body.equals(Buffer.alloc(next.body.length, 'b'))).toBe(true);
    await answered(next);
  }
  expect(collected).not.toContain('gradually');
});

test('nobody gets the memory of a body whose client left, which a thread may read still', async () => {
  const first = await asked(8 * MIB, 'a');
  await left(first);
  const second = await asked(8 * MIB, 'b');
  expect(second.body.buffer).not.toBe(first.body.buffer);
  expect(first.body.equals(Buffer.alloc(8 * MIB, 'a'))).toBe(true);
});

test('two bodies at a time never share memory', async () => {
  await answered(await asked(8 * MIB, 'a'));
  const [one, other] = [await asked(8 * MIB, 'b'), await asked(8 * MIB, 'c')];
  expect(one.body.equals(Buffer.alloc(8 * MIB, 'b'))).toBe(true);
  expect(other.body.equals(Buffer.alloc(8 * MIB, 'c'))).toBe(true);
});

test('a small body does not hold the memory of a far larger one, nor does one of unknown length', async () => {
  const first = await asked(8 * MIB, 'a');
  await answered(first);
  for (const bytes of [MIB, null]) {
    const next = await asked(MIB, 'b', bytes);
    expect(next.body.buffer).not.toBe(first.body.buffer);
    await left(next);
  }
});

test('memory that is kept leaves no body without room, and is given up when no body comes', async () => {
  await answered(await asked(8 * MIB, 'a'));
  // 8 + 16 MiB would be too much.
  const large = await asked(16 * MIB, 'b', null);
  await answered(large);
  await clock.advance(1_999);
  const again = await asked(16 * MIB, 'c');
  expect(again.body.buffer).toBe(large.body.buffer);
  await answered(again);
  await clock.advance(4_000);
  const late = await asked(16 * MIB, 'd');
  expect(late.body.buffer).not.toBe(large.body.buffer);
  // Nothing else would ask for it before the engine grows again.
  expect(collected.filter((how) => how !== 'young')).toEqual(['gradually']);
});
