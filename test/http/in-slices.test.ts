/** Work in slices: others are served between two of them, and nothing is done for who has left. */
import { expect, test } from 'vitest';
import { inSlices, type Sliced } from '../../main/http/in-slices.ts';

function slices(count: number, done: number[]): Sliced<string> {
  return (function* () {
    for (let slice = 1; slice < count; slice += 1) {
      done.push(slice);
      yield;
    }
    return 'done';
  })();
}

test('one slice is done at once; between two others have their turn', async () => {
  expect(inSlices(slices(1, []), () => false)).toBe('done');
  const done: number[] = [];
  const seen: number[] = [];
  let isOver = false;
  const see = (): void => {
    seen.push(done.length);
    if (!isOver) setImmediate(see);
  };
  setImmediate(see);
  expect(await inSlices(slices(5, done), () => false)).toBe('done');
  isOver = true;
  expect(seen).toEqual([1, 2, 3, 4]);
});

test('ends with who has left', async () => {
  const done: number[] = [];
  await expect(inSlices(slices(5, done), () => done.length === 2)).rejects.toThrow('The client left.');
  expect(done).toEqual([1, 2]);
});
