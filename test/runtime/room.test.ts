/**
 * Waiting for memory: nobody starts over what is not there yet, and an unload that frees nothing
 * says so with the figures (I6).
 */
import { expect, test } from 'vitest';
import type { DeviceSample, Sample } from '../../main/core/ports.ts';
import { awaitRoom, type RoomPorts, seeReleased } from '../../main/runtime/room.ts';
import { GIB } from '../../shared/units.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

function box(usedGib: (nowMs: number) => number, byPid: ((nowMs: number) => ReadonlyMap<number, number>) | null = null) {
  const clock = createVirtualClock();
  const sample = (): Sample => {
    const device = { id: 'g', kind: 'gpu', usedBytes: usedGib(clock.now()) * GIB, byPid: byPid?.(clock.now()) ?? null };
    return { atMs: clock.now(), devices: [device as unknown as DeviceSample] };
  };
  const seen: Sample[] = [];
  const devices = {
    applySample: (each: Sample) => void seen.push(each),
    promiseFits: () => (seen.at(-1)?.devices[0]?.usedBytes ?? 99 * GIB) <= 4 * GIB,
    shortfall: () => '12 GiB of 16 GiB',
  };
  const ports = { clock, devices, probe: { sampleNow: async () => sample() } } as unknown as RoomPorts;
  return { clock, ports, sample };
}

async function outcome<T>(work: Promise<T>): Promise<{ value?: T; code?: string; message?: string; settled: boolean }> {
  const result: { value?: T; code?: string; message?: string; settled: boolean } = { settled: false };
  void work.then(
    (value) => Object.assign(result, { value, settled: true }),
    (error) => Object.assign(result, { code: error.code, message: error.message, settled: true }),
  );
  return result;
}

test('a load waits until what was promised to it is there', async () => {
  const { clock, ports } = box((nowMs) => (nowMs < 3_000 ? 10 : 2));
  const waits = await outcome(awaitRoom(ports, 'a', new AbortController().signal));
  await clock.advance(2_900);
  expect(waits.settled).toBe(false);
  await clock.advance(300);
  expect(waits).toMatchObject({ settled: true });
  expect(waits.code).toBeUndefined();
});

test('room that does not come within fifteen seconds is said with its figures', async () => {
  const { clock, ports } = box(() => 10);
  const waits = await outcome(awaitRoom(ports, 'a', new AbortController().signal));
  await clock.advance(14_900);
  expect(waits.settled).toBe(false);
  await clock.advance(300);
  expect(waits).toMatchObject({ code: 'room-did-not-come', message: expect.stringContaining('12 GiB of 16 GiB') });
});

test('a load that is called off waits no more', async () => {
  const { clock, ports } = box(() => 10);
  const abort = new AbortController();
  const waits = await outcome(awaitRoom(ports, 'a', abort.signal));
  await clock.advance(1_000);
  abort.abort();
  await clock.advance(100);
  expect(waits.code).toBe('cancelled');
});

test('memory is free when it is measured free, by the list of processes and by the total', async () => {
  const held = { g: 8 * GIB };
  const total = box((nowMs) => (nowMs < 2_000 ? 10 : 2));
  const byTotal = await outcome(seeReleased(total.ports, [7], { held, before: total.sample(), crashedOver: null }));
  await total.clock.advance(1_900);
  expect(byTotal.settled).toBe(false);
  await total.clock.advance(200);
  expect(byTotal).toEqual({ settled: true, value: null });
  const listed = box(
    (nowMs) => (nowMs < 2_000 ? 10 : 2),
    (nowMs) => new Map(nowMs < 4_000 ? [[7, GIB]] : []),
  );
  const byPid = await outcome(seeReleased(listed.ports, [7], { held, before: listed.sample(), crashedOver: null }));
  await listed.clock.advance(3_900);
  expect(byPid.settled).toBe(false);
  await listed.clock.advance(200);
  expect(byPid).toEqual({ settled: true, value: null });
});

test('what is still held after ten seconds is a leak, with its bytes; a probe that breaks off never keeps a model draining', async () => {
  const { clock, ports, sample } = box(() => 10);
  const leak = await outcome(seeReleased(ports, [7], { held: { g: 8 * GIB }, before: sample(), crashedOver: null }));
  await clock.advance(9_900);
  expect(leak.settled).toBe(false);
  await clock.advance(300);
  expect(leak).toEqual({ settled: true, value: { g: 8 * GIB } });
  const broken = { ...ports, probe: { sampleNow: () => Promise.reject(new Error('nvidia-smi broke off')) } } as unknown as RoomPorts;
  const blind = await outcome(seeReleased(broken, [7], { held: { g: 8 * GIB }, before: null, crashedOver: null }));
  await clock.advance(11_000);
  expect(blind).toEqual({ settled: true, value: { g: 8 * GIB } });
});
