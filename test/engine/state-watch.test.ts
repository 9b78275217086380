/** What is said of a state folder that went away while the engine runs. */
import { expect, test } from 'vitest';
import { watchStateFolder } from '../../main/engine/state-watch.ts';
import type { StateFolder } from '../../main/io/state-folder.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

test('a state folder that cannot be made again, or that a second engine took, is told of once, and again only after it was back', async () => {
  const clock = createVirtualClock();
  const errors: string[] = [];
  const warnings: string[] = [];
  let rescued = 0;
  let look: StateFolder['check'] = () => 'there';
  watchStateFolder({
    clock,
    folder: { path: '/state', check: () => look() } as StateFolder,
    store: { rescue: () => (rescued += 1) } as never,
    log: { say: () => {}, debug: () => {}, warn: (line) => void warnings.push(line), error: (line) => void errors.push(line) },
    opened: { add: () => null } as never,
  });
  const cannot = () => {
    throw new Error('EROFS: read-only file system');
  };
  look = cannot;
  await clock.advance(10_000);
  expect(errors).toEqual(['The state folder /state was deleted while Modelium runs, and cannot be made again']);
  look = () => 'made-again';
  await clock.advance(1_000);
  look = () => 'there';
  await clock.advance(5_000);
  expect([rescued, warnings.length, errors.length]).toEqual([1, 1, 1]);
  look = cannot;
  await clock.advance(10_000);
  expect(errors).toHaveLength(2);
  look = () => 'taken';
  await clock.advance(10_000);
  expect(errors.slice(2)).toEqual([
    'The state folder /state was deleted while Modelium runs, and a second engine was started for it. End one of the two engines.',
  ]);
});
