/** A scan of many models is taken in over several turns, between which other things happen. */
import { expect, test } from 'vitest';
import { RENAME_WINDOW_MS } from '../../main/core/notice/candidates.ts';
import { createCoreBox } from '../helpers/core-box.ts';

function many(count: number, from = 0): { name: string; inode: number; version: number }[] {
  return Array.from({ length: count }, (_, index) => ({ name: `m${from + index}.gguf`, inode: 1 + from + index, version: 1 }));
}

/** Nothing is loaded by itself, so that who is gone leaves at once. */
function boxAtRest() {
  return createCoreBox({
    gpus: [],
    settings: (defaults) => {
      defaults.orchestration.policies.load = 'on_request';
      return defaults;
    },
  });
}

test('no turn takes in more than ten models, and all of them come', () => {
  const box = boxAtRest();
  const takeIn = box.scanInTurns(many(234));
  let before = 0;
  const parts: number[] = [];
  for (let isMore = true; isMore; ) {
    isMore = takeIn();
    const now = [...box.registry.all()].length;
    parts.push(now - before);
    before = now;
  }
  expect(before).toBe(234);
  expect(Math.max(...parts)).toBe(10);
  expect(box.scanInTurns(many(234))()).toBe(false);
});

test('a model that comes from elsewhere between two turns keeps its name, and the one of the scan gets another', () => {
  const box = boxAtRest();
  const takeIn = box.scanInTurns(many(30));
  expect(takeIn()).toBe(true);
  box.drop('m25', 1000);
  while (takeIn());
  expect(box.registry.get('m25')?.path).toBe('/m25');
  expect(box.registry.get('m25-2')?.path).toBe('/watch/m25.gguf');
  expect([...box.registry.all()]).toHaveLength(31);
});

test('who is gone and was not taken in when another scan comes is gone with that one', async () => {
  const box = boxAtRest();
  box.scan(many(30));
  box.scanInTurns([])();
  await box.clock.advance(RENAME_WINDOW_MS);
  expect(box.scanInTurns([])()).toBe(true);
  expect([...box.registry.all()]).toHaveLength(20);
  box.scan(many(1, 30));
  expect([...box.registry.all()].map(({ id }) => id)).toEqual(['m30']);
  // Nothing of its absence is left: another one of its name has all the time again.
  box.scan(many(31));
  box.scan(many(1, 30));
  expect(box.registry.get('m0')).toBeDefined();
});

test('a rename that was not taken in yet when another scan comes is still one', async () => {
  const box = boxAtRest();
  box.scan(many(30));
  box.scan([]);
  await box.clock.advance(1_000);
  const renamed = many(30).map((file) => ({ ...file, name: `new-${file.name}` }));
  expect(box.scanInTurns(renamed)()).toBe(true);
  box.scan([...renamed, ...many(1, 30)]);
  expect(box.registry.get('m29')).toMatchObject({ path: '/watch/new-m29.gguf', aliases: ['new-m29'] });
  expect([...box.registry.all()]).toHaveLength(31);
});
