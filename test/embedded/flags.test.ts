/** The embedded server's command line. */
import { expect, test } from 'vitest';
import { parseFlags } from '../../main/embedded/flags.ts';

test('llama-server’s names', () => {
  const args = '--model /m.gguf --host 127.0.0.1 --port 8123 --alias m --ctx-size 32768 --parallel 4 --n-gpu-layers 33 --threads 3';
  expect(
    parseFlags([
      ...args.split(' '),
      '--embeddings',
      '--batch-size',
      '64',
      '--ubatch-size',
      '32',
      '--cache-type-k',
      'q8_0',
      '--flash-attn',
      'on',
    ]),
  ).toEqual({
    model: '/m.gguf',
    host: '127.0.0.1',
    port: 8123,
    alias: 'm',
    totalContextTokens: 32_768,
    parallel: 4,
    gpuLayers: 33,
    threads: 3,
    purpose: 'embedding',
    batchTokens: 32,
    cacheTypes: { keys: 'q8_0', values: 'f16' },
    flashAttention: true,
  });
});

test('defaults: no GPU, one sequence, one thread', () => {
  expect(parseFlags(['--model', '/m', '--port', '1'])).toMatchObject({
    gpuLayers: 0,
    parallel: 1,
    threads: 1,
    purpose: 'generation',
    flashAttention: 'auto',
  });
});

test.each([
  [['--model', '/m', '--port', '1', '--mlock'], /does not know the flag --mlock/],
  [['--model', '/m', '--port', 'x'], /--port needs a whole number/],
  [['--model', '/m', '--port', '70000'], /--port/],
  [['--model', '/m', '--port'], /--port needs a value/],
  [['--port', '1'], /--model PATH is missing/],
  [['--model', '/m', '--port', '1', '--cache-type-v', 'q2'], /--cache-type-v needs one of f32, .*not "q2"/],
  [['--model', '/m', '--port', '1', '--flash-attn', 'maybe'], /--flash-attn needs on, off or auto/],
  [['--model', '/m', '--port', '1', '--embeddings', '--reranking'], /exclude each other/],
  [['--model', '/m', '--port', '1', '--tensor-split', '1,1'], /does not support --tensor-split.*models\.NAME\.gpus/],
])('%j is refused', (args, words) => {
  expect(() => parseFlags(args)).toThrow(words);
});
