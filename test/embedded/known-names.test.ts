/**
 * The names of architectures and tokenizers that a verdict goes by, against the bundled llama.cpp:
 * it knows each of them, and none of the others.
 */
import { fork } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { KNOWN_ARCHITECTURES, KNOWN_PRE_TOKENIZERS, KNOWN_TOKENIZERS } from '../../main/runtime/llama/known.ts';
import type { Names } from '../fixtures/known-names.ts';

/**
 * It ends its process where the vocabulary lacks their bytes or ends: seen every day in real
 * models.
 */
const NEED_MORE = new Set(['llama', 'bert', 'rwkv']);
const OTHERS = ['llama9', 'qwen4', 'k2-horizon'];

test('what is called known is known to it, and nothing else is', async () => {
  const names: Names = {
    file: join(tmpdir(), `modelium-names-${process.pid}.gguf`),
    architectures: [...KNOWN_ARCHITECTURES, ...OTHERS],
    preTokenizers: [...KNOWN_PRE_TOKENIZERS, ...OTHERS],
    tokenizers: [...[...KNOWN_TOKENIZERS].filter((name) => !NEED_MORE.has(name)), ...OTHERS],
  };
  const child = fork(fileURLToPath(new URL('../fixtures/known-names.ts', import.meta.url)), [], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.send(names);
  const refused = await new Promise<readonly string[]>((resolve, reject) => {
    child.on('message', (answer: readonly string[]) => resolve(answer));
    child.on('exit', (code, signal) => reject(new Error(`llama.cpp ended with ${signal ?? code}`)));
  });
  expect(refused).toEqual(
    ['model architecture', 'pre-tokenizer type', 'tokenizer'].flatMap((kind) => OTHERS.map((name) => `${kind} ${name}`)),
  );
});
