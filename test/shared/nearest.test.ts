/** Names that are offered for a mistyped one, and what looking for them costs. */
import { expect, test } from 'vitest';
import { nearestNames } from '../../shared/nearest.ts';

test.each([
  ['a slip', 'lama', ['llama', 'mistral'], ['llama']],
  ['another case', 'LLAMA', ['llama'], ['llama']],
  ['a part', 'qwen', ['Qwen3-30B-A3B-Instruct-2507-Q4_K_M', 'llama'], ['Qwen3-30B-A3B-Instruct-2507-Q4_K_M']],
  ['swapped letters, and an insertion', 'mitsrall', ['mistral', 'x'], ['mistral']],
  ['the best first, no more than three', 'abcd', ['abcx', 'abcd', 'axxd', 'abxd', 'bbcd'], ['abcd', 'abcx', 'abxd']],
  ['nothing like it', 'zzzz', ['llama'], []],
  ['nothing at all', '', ['llama'], []],
])('%s', (_what, wanted, known, found) => {
  expect(nearestNames(wanted, known)).toEqual(found);
});

test('of a thousand long names few are gone through letter by letter, whatever is sought', () => {
  const known = Array.from({ length: 1_000 }, (_, index) => `${'name-'.repeat(22)}${index}`);
  const least = Math.min;
  let compared = 0;
  Math.min = (...values) => {
    compared += 1;
    return least(...values);
  };
  try {
    for (const sought of ['eman-'.repeat(22), 'eman-'.repeat(100), `${'name-'.repeat(22)}500`]) nearestNames(sought, known);
  } finally {
    Math.min = least;
  }
  expect(compared).toBeLessThan(1_000_000);
  expect(nearestNames(`${'name-'.repeat(22)}1000`, [...known, 'name-1'])[0]).toBe(`${'name-'.repeat(22)}100`);
  expect(nearestNames('500', known)).toEqual([known[500]]);
});
