/** What was made is kept for the next time: an enumeration of thousands is compiled once. */
import { expect, test } from 'vitest';
import { Recent } from '../../main/embedded/llama/recent.ts';

test('the same is made once; beyond the bound the least recently used goes, and what throws is not kept', () => {
  const recent = new Recent<number>(5);
  const made: string[] = [];
  const get = (key: string) => recent.get(key, () => made.push(key));
  for (const key of ['aa', 'bb', 'aa', 'cc', 'aa', 'bb']) get(key);
  // Six characters are one too many: bb was the oldest when cc came.
  expect(made).toEqual(['aa', 'bb', 'cc', 'bb']);
  expect(() =>
    recent.get('x', () => {
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(recent.get('x', () => 7)).toBe(7);
});
