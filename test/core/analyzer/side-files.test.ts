import { expect, test } from 'vitest';
import { pairProjectors } from '../../../main/core/analyzer/side-files.ts';

test.each<[string, readonly string[], string | null]>([
  ['mmproj-F16.gguf', ['Qwen2.5-VL-7B-Q4_K_M.gguf'], 'Qwen2.5-VL-7B-Q4_K_M.gguf'],
  ['mmproj-model-f16.gguf', ['a.gguf', 'b.gguf'], null],
  ['mmproj-Qwen2.5-VL-7B-f16.gguf', ['Qwen2.5-VL-7B-Q4_K_M.gguf', 'llama-Q8_0.gguf'], 'Qwen2.5-VL-7B-Q4_K_M.gguf'],
  ['gemma-3-4b-it-mmproj-bf16.gguf', ['gemma-3-4b-it-Q4_0.gguf', 'gemma-3-12b-it-Q4_0.gguf'], 'gemma-3-4b-it-Q4_0.gguf'],
  ['mmproj-big.gguf', ['big-00002-of-00002.gguf', 'big-00001-of-00002.gguf'], 'big-00001-of-00002.gguf'],
  ['mmproj-other.gguf', ['Qwen2.5-VL-7B-Q4_K_M.gguf'], null],
  ['mmproj-F16.gguf', [], null],
  ['model.gguf', ['model.gguf'], null],
])('%s beside %j belongs to %s', (projector, others, owner) => {
  const names = [projector, ...others];
  expect([...pairProjectors(names)]).toEqual(owner === null ? [] : [[projector, owner]]);
});

test('a hundred thousand files are paired in one pass', () => {
  const names = Array.from({ length: 50_000 }, (_, at) => [`model ${at}-Q8_0.gguf`, `mmproj-model ${at}-F16.gguf`]).flat();
  const beganMs = performance.now();
  expect(pairProjectors(names).size).toBe(50_000);
  // Each with each would take minutes.
  expect(performance.now() - beganMs).toBeLessThan(20_000);
});
