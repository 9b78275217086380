/** Sequences are dealt in order, waiting is bounded, and a client that leaves leaves the line. */
import { describe, expect, test } from 'vitest';
import { Slots } from '../../main/embedded/llama/slots.ts';

const never = new AbortController().signal;

function gate(): { open: () => void; opened: Promise<void> } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe('Slots', () => {
  test('first come, first served, and says how many are in use', async () => {
    const counts: number[] = [];
    const slots = new Slots(['a', 'b'], (active) => counts.push(active));
    const first = gate();
    const order: string[] = [];
    const run = (name: string, until: Promise<void>) =>
      slots.use(never, async (item) => {
        order.push(`${name}:${item}`);
        await until;
      });
    const all = [run('one', first.opened), run('two', first.opened), run('three', first.opened), run('four', first.opened)];
    first.open();
    await Promise.all(all);
    expect(order).toEqual(['one:a', 'two:b', 'three:a', 'four:b']);
    expect(counts).toEqual([1, 2, 1, 0]);
  });

  test('who leaves while waiting is never given a slot; a failure gives it back', async () => {
    const slots = new Slots(['a'], () => {});
    const held = gate();
    const holder = slots.use(never, () => held.opened);
    const leaver = new AbortController();
    const left = slots.use(leaver.signal, async () => 'served');
    const failed = slots.use(never, async () => {
      throw new Error('broke');
    });
    const next = slots.use(never, async () => 'served');
    leaver.abort();
    await expect(left).rejects.toMatchObject({ code: 'cancelled' });
    held.open();
    await holder;
    await expect(failed).rejects.toThrow('broke');
    expect(await next).toBe('served');
    await expect(slots.use(leaver.signal, async () => 'served')).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('requests take turns: a batch of many does not hold up a single one that comes later', async () => {
    const slots = new Slots(['a'], () => {});
    const [batch, single] = [new AbortController().signal, new AbortController().signal];
    const held = gate();
    const order: string[] = [];
    const use = (signal: AbortSignal, name: string) => slots.use(signal, async () => void order.push(name));
    const holder = slots.use(never, () => held.opened);
    const all = [...[1, 2, 3, 4].map((at) => use(batch, `batch ${at}`)), use(single, 'single')];
    held.open();
    await Promise.all([holder, ...all]);
    expect(order).toEqual(['batch 1', 'single', 'batch 2', 'batch 3', 'batch 4']);
  });

  test('the line is bounded', async () => {
    const slots = new Slots(['a'], () => {});
    const held = gate();
    const served = [
      slots.use(never, () => held.opened),
      ...Array.from({ length: 1024 }, () => slots.use(new AbortController().signal, async () => {})),
    ];
    await expect(slots.use(never, async () => {})).rejects.toMatchObject({ code: 'queue-full', status: 429 });
    held.open();
    await Promise.all(served);
  });
});
