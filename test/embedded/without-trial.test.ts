/**
 * llama.cpp is opened without the process that node-llama-cpp tries its library in, and whoever
 * starts a process later still can.
 */
import childProcess from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { loadVocabulary } from '../../main/embedded/llama/llama.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';

test('opening a model for processors starts no other process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelium-trial-'));
  const { fork } = childProcess;
  const counted = vi.fn(fork);
  childProcess.fork = counted as typeof fork;
  syncBuiltinESMExports();
  try {
    const model = await loadVocabulary(await writeTinyGguf(folder), 64);
    expect(model.tokenize('the', true).length).toBeGreaterThan(0);
    expect(counted).not.toHaveBeenCalled();
    expect(childProcess.fork).toBe(counted);
  } finally {
    childProcess.fork = fork;
    syncBuiltinESMExports();
    await rm(folder, { recursive: true, force: true });
  }
});
