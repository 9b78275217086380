/**
 * What llama.cpp logs that it took, against what the estimate said, on real files read by the real
 * analyzer.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { analyzeCandidate } from '../../main/core/analyzer/candidate.ts';
import { memoryReport } from '../../main/embedded/llama/memory-lines.ts';
import { modeliumFolders } from '../../main/io/folders.ts';
import { sampleModelPath } from '../../main/io/sample-model.ts';
import { nodeProgram } from '../../main/packaged.ts';
import { llamaAdapter } from '../../main/runtime/llama/adapter.ts';
import { DEFAULT_SETTINGS } from '../../shared/settings.ts';
import { HAS_AMX } from '../helpers/this-cpu.ts';
import { type TinyModelOptions, writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { startServer } from './start-server.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelium-memory-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const adapter = llamaAdapter({
  settings: DEFAULT_SETTINGS.llama,
  node: nodeProgram(),
  serverProgram: '',
  convertProgram: '',
  gpu: { usable: false, why: 'no GPU', libraryPath: null, isPresent: false },
  cpuCores: 2,
  hasAmx: HAS_AMX,
});

async function compare(file: string, context: number): Promise<{ predicted: number; logged: number }> {
  const bytes = new Uint8Array(await readFile(file));
  const name = file.split('/').at(-1)!;
  const source = { bytes: bytes.length, read: (offset: number, length: number) => bytes.slice(offset, offset + length) };
  const { profile } = analyzeCandidate([{ path: name, bytes: bytes.length, open: () => source }], true);
  expect(profile).not.toBeNull();
  const plan = adapter.plan(profile!, profile!.forms[0]!, { kind: 'cpu', gpus: [], gpuLayers: null }, { context });
  const { model, repacked, kv, compute } = adapter.estimate(profile!, plan).parts as Record<string, number>;
  const server = await startServer(['--model', file, ...plan.args]);
  try {
    const report = await server.message((message) => message['type'] === 'memory');
    const logged = Number(report['modelBytes']) + Number(report['kvBytes']) + Number(report['computeBytes']);
    return { predicted: model! + repacked! + kv! + compute!, logged };
  } finally {
    await server.stop();
  }
}

describe('predicted within 10 % of llama.cpp’s own buffers', () => {
  test.each<[string, TinyModelOptions, number]>([
    ['f32', { weights: 'F32' }, 2048],
    ['f32, short context', { weights: 'F32' }, 1024],
    ['q4, with its rearranged copy', { weights: 'Q4_0', layers: 8, minimumBytes: 4_000_000 }, 2048],
    ['q8', { weights: 'Q8_0' }, 2048],
    ['an encoder', { kind: 'bert', contextTokens: 512 }, 512],
  ])('%s', async (name, options, context) => {
    const file = await writeTinyGguf(folder, { name: name.replaceAll(/\W/g, '-'), ...options });
    const { predicted, logged } = await compare(file, context);
    expect(Math.abs(predicted / logged - 1)).toBeLessThan(0.1);
  });

  // The real model too where the demo has fetched it; without it there is nothing to skip, only
  // fewer files.
  const sample = sampleModelPath(modeliumFolders().cache);
  const real: [string, number][] = existsSync(sample) ? [2048, 8192].map((context) => [sample, context]) : [];
  test('the sample model, if it is here, at two contexts', async () => {
    for (const [file, context] of real) {
      const { predicted, logged } = await compare(file, context);
      expect(Math.abs(predicted / logged - 1)).toBeLessThan(0.1);
    }
  });
});

test('buffer lines are added up by device', () => {
  const report = memoryReport([
    'load_tensors:   CPU_Mapped model buffer size =   100.00 MiB',
    'load_tensors:        CUDA0 model buffer size =  4000.50 MiB',
    'llama_kv_cache:      CUDA0 KV buffer size =   512.00 MiB',
    'llama_memory_recurrent:  CUDA0 RS buffer size =   1.00 MiB',
    'sched_reserve:      CUDA0 compute buffer size =   258.50 MiB',
    'sched_reserve:  CUDA_Host compute buffer size =    12.00 MiB',
    'llama_context:  CUDA_Host  output buffer size =     0.50 MiB',
    'something else',
  ]);
  const mib = 1024 * 1024;
  expect(report.devices).toEqual({
    cpu: { modelBytes: 100 * mib, kvBytes: 0, computeBytes: 12.5 * mib },
    CUDA0: { modelBytes: 4000.5 * mib, kvBytes: 513 * mib, computeBytes: 258.5 * mib },
  });
  expect(report).toMatchObject({ modelBytes: 4100.5 * mib, kvBytes: 513 * mib, computeBytes: 271 * mib });
});
