/** States of grammars are collected by their size, of which V8 knows nothing. */
import { expect, test, vi } from 'vitest';
import { GrammarMemory } from '../../main/embedded/llama/grammar-memory.ts';

test('large grammars are collected every few answers, small ones every thousand', () => {
  const collect = vi.fn();
  const memory = new GrammarMemory(collect);
  for (let answer = 0; answer < 30; answer++) memory.making('x'.repeat(1_000_000));
  expect(collect).toHaveBeenCalledTimes(4);
  collect.mockClear();
  for (let answer = 0; answer < 1_000; answer++) memory.making('x'.repeat(5_000));
  expect(collect.mock.calls.length).toBeLessThanOrEqual(1);
});
