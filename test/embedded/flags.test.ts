/** The embedded server's command line. */
import { expect, test } from 'vitest';
import { parseFlags } from '../../main/embedded/flags.ts';

test('llama-server’s names', () => {
  const args = '--model /m.gguf --host 127.0.0.1 --port 8123 --alias m --ctx-size 32768 --parallel 4 --n-gpu-layers 33 --threads 3';
  expect(parseFlags([...args.split(' '), '--embeddings', '--batch-size', '64', '--ubatch-size', '32'])).toEqual({
    model: '/m.gguf',
    host: '127.0.0.1',
    port: 8123,
    alias: 'm',
    totalContextTokens: 32_768,
    parallel: 4,
    gpuLayers: 33,
    threads: 3,
    embeddings: true,
    batchTokens: 32,
  });
});

test('defaults: no GPU, one sequence, one thread', () => {
  expect(parseFlags(['--model', '/m', '--port', '1'])).toMatchObject({ gpuLayers: 0, parallel: 1, threads: 1, embeddings: false });
});

test.each([
  [['--model', '/m', '--port', '1', '--mlock'], /does not know the flag --mlock/],
  [['--model', '/m', '--port', 'x'], /--port needs a whole number/],
  [['--model', '/m', '--port', '70000'], /--port/],
  [['--model', '/m', '--port'], /--port needs a value/],
  [['--port', '1'], /--model PATH is missing/],
])('%j is refused', (args, words) => {
  expect(() => parseFlags(args)).toThrow(words);
});
