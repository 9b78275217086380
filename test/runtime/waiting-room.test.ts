/** The waiting room by itself: whoever waits comes first, and of several the longest. */
import { expect, test } from 'vitest';
import { Admission } from '../../main/core/admission.ts';
import type { Lease } from '../../main/core/gateway.ts';
import { Registry } from '../../main/core/registry.ts';
import { WaitingRoom } from '../../main/runtime/waiting-room.ts';
import { DEFAULT_SETTINGS } from '../../shared/settings.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

/** Models that are looked at, and share so many places as `box.places` says. */
function createBox(...ids: readonly string[]) {
  const clock = createVirtualClock();
  const registry = new Registry();
  for (const id of ids) {
    registry.add({ id, aliases: [], path: `/m/${id}`, realPath: `/m/${id}`, kind: 'file', added: false, device: 1, inode: 1, files: [] });
    registry.apply(id, { type: 'listed', copy: { bytesPresent: 1, bytesExpected: 1, missing: [] } });
    registry.apply(id, { type: 'analyzed' });
  }
  const box = { places: 0, served: [] as string[], clock, leave: (_who: string) => {}, ask: (_who: string, _id: string) => false };
  const room = new WaitingRoom({
    registry,
    clock,
    admission: new Admission(),
    policies: () => DEFAULT_SETTINGS.orchestration.policies,
    wake: () => {},
    lookAgain: async () => {},
    lease(id) {
      if (box.places === 0) return null;
      box.places -= 1;
      return { modelId: id } as Lease;
    },
  });
  const clients = new Map<string, AbortController>();
  box.leave = (who) => clients.get(who)?.abort();
  /** Is it served at once? */
  box.ask = (who, id) => {
    const client = new AbortController();
    clients.set(who, client);
    const answer = room.ensureReady(id, { signal: client.signal, caller: who });
    if (!(answer instanceof Promise)) return true;
    answer.then(
      () => box.served.push(who),
      () => {},
    );
    return false;
  };
  return { ...box, room, box };
}

test('whoever waits already comes first, also when a place came free that nobody told of yet', async () => {
  const { box, room } = createBox('a');
  expect(box.ask('first', 'a')).toBe(false);
  box.places = 1;
  expect(box.ask('second', 'a')).toBe(false);
  room.placeIsFree();
  await box.clock.advance(0);
  expect(box.served).toEqual(['first']);
  box.places = 1;
  room.placeIsFree();
  await box.clock.advance(0);
  expect(box.served).toEqual(['first', 'second']);
  // Nobody waits any more: a place is taken in the same turn.
  box.places = 1;
  expect(box.ask('third', 'a')).toBe(true);
});

test('a place that models share goes to the one whose request waits longest, whichever began to wait first', async () => {
  const { box, room } = createBox('a', 'b');
  box.ask('leaves', 'a');
  await box.clock.advance(1_000);
  box.ask('longest', 'b');
  await box.clock.advance(1_000);
  box.ask('shorter', 'a');
  box.leave('leaves');
  box.places = 1;
  room.placeIsFree();
  await box.clock.advance(0);
  expect(box.served).toEqual(['longest']);
});
