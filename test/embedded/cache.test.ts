/**
 * Weights and caches as llama.cpp logs them, against what the analyzer read from the same files:
 * weights exactly, caches within 1 %.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { analyzeCandidate } from '../../main/core/analyzer/candidate.ts';
import { tinyModel } from '../../main/embedded/gguf/tiny-model.ts';
import { memoryReport } from '../../main/embedded/llama/memory-lines.ts';
import { kvBytes } from '../../main/runtime/llama/estimate.ts';
import { repackedBytes } from '../../main/runtime/llama/repacked.ts';
import type { ModelProfile } from '../../shared/profile.ts';
import { MIB } from '../../shared/units.ts';
import { ARCHITECTURES, architectureGguf } from '../helpers/architecture-gguf.ts';
import { HAS_AMX } from '../helpers/this-cpu.ts';
import { startServer } from './start-server.ts';

/** llama.cpp prints hundredths of a MiB. */
const ROUNDING_BYTES = 0.006 * MIB;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelium-cache-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function profileOf(bytes: Uint8Array): ModelProfile {
  const source = { bytes: bytes.length, read: (offset: number, length: number) => bytes.slice(offset, offset + length) };
  return analyzeCandidate([{ path: 'm.gguf', bytes: bytes.length, open: () => source }], true).profile!;
}

async function logged(bytes: Uint8Array, contextTokens: number, sequences: number, ...flags: readonly string[]) {
  const file = join(folder, 'm.gguf');
  await writeFile(file, bytes);
  const size = ['--ctx-size', String(contextTokens * sequences), '--parallel', String(sequences)];
  const server = await startServer(['--model', file, ...size, ...flags]);
  try {
    await server.message((message) => message['type'] === 'memory');
    return memoryReport(server.lines);
  } finally {
    await server.stop();
  }
}

describe('the cache of each kind of layer', () => {
  test.each(Object.keys(ARCHITECTURES).flatMap((name) => [[name, 512, 1] as const, [name, 4096, 1] as const, [name, 2048, 3] as const]))(
    '%s at %i tokens in each of %i sequences',
    async (name, contextTokens, sequences) => {
      const bytes = architectureGguf(name);
      const profile = profileOf(bytes);
      expect(profile.kv?.exact).toBe(true);
      const report = await logged(bytes, contextTokens, sequences);
      const predicted = kvBytes(profile, contextTokens, sequences);
      expect(report.kvBytes).toBeGreaterThan(0);
      expect(Math.abs(predicted - report.kvBytes)).toBeLessThan(Math.max(report.kvBytes * 0.01, ROUNDING_BYTES * 2));
      expect(Math.abs(profile.weightBytes - report.modelBytes)).toBeLessThan(ROUNDING_BYTES);
    },
  );

  test.each(Object.keys(ARCHITECTURES))('%s with keys and values of other types', async (name) => {
    const bytes = architectureGguf(name);
    const profile = profileOf(bytes);
    const keys = ['--cache-type-k', 'f32'];
    const values = ['--cache-type-v', 'f32'];
    // llama.cpp refuses two types where keys and values are one compressed row.
    const isLatent = profile.kv?.groups.some(({ kind }) => kind === 'latent');
    for (const flags of isLatent ? [[...keys, ...values]] : [keys, values]) {
      const report = await logged(bytes, 1024, 2, ...flags);
      const predicted = kvBytes(profile, 1024, 2, flags);
      expect(Math.abs(predicted - report.kvBytes), flags.join(' ')).toBeLessThan(Math.max(report.kvBytes * 0.01, ROUNDING_BYTES * 2));
    }
  });

  test('llama, in one file', async () => {
    const bytes = tinyModel({ weights: 'Q8_0', layers: 4 })[0]!.bytes;
    const profile = profileOf(bytes);
    const report = await logged(bytes, 2048, 1);
    expect(Math.abs(kvBytes(profile, 2048, 1) - report.kvBytes)).toBeLessThan(Math.max(report.kvBytes * 0.01, ROUNDING_BYTES));
    // With matrix units there is a second copy of the layers; the output has 330 rows, which do not
    // fill their tiles of 32.
    const copied = repackedBytes(profile, 0, HAS_AMX);
    expect(Math.abs(profile.weightBytes + copied - report.modelBytes)).toBeLessThan(ROUNDING_BYTES);
  });
});
