/**
 * Where a CUDA runtime may lie, laid out as toolkits, wheels and distributions do it. Files by name
 * alone: no GPU and no library is needed.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CudaRuntime, findCudaRuntime } from '../../../main/runtime/llama/cuda.ts';
import { findLlamaGpu } from '../../../main/runtime/llama/gpu.ts';
import type { Steps } from '../../../main/runtime/step.ts';
import { searcher, searchMachine } from '../../helpers/searching.ts';

let root: string;
let home: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'modelium-cuda-'));
  home = join(root, 'home/me');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

const put = (path: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), '');
};
const libraries = (folder: string, major: number, names = ['cudart', 'cublas', 'cublasLt']) => {
  for (const name of names) put(`${folder}/lib${name}.so.${major}`);
};
const find = (env: Readonly<Record<string, string>> = {}) => searcher.search(findCudaRuntime({ env, home, root }));

describe('the CUDA runtime', () => {
  test.each<[string, () => void, number, readonly string[]]>([
    ['in the system', () => libraries('usr/lib/x86_64-linux-gnu', 13), 13, []],
    ['in a toolkit', () => libraries('usr/local/cuda-13.1/lib64', 13), 13, ['usr/local/cuda-13.1/lib64']],
    [
      'in wheels of CUDA 13',
      () => libraries('home/me/.venv/lib/python3.12/site-packages/nvidia/cu13/lib', 13),
      13,
      ['home/me/.venv/lib/python3.12/site-packages/nvidia/cu13/lib'],
    ],
    [
      'in wheels of CUDA 12, a folder each',
      () => {
        libraries('home/me/.local/share/uv/tools/vllm/lib/python3.11/site-packages/nvidia/cuda_runtime/lib', 12, ['cudart']);
        libraries('home/me/.local/share/uv/tools/vllm/lib/python3.11/site-packages/nvidia/cublas/lib', 12, ['cublas', 'cublasLt']);
      },
      12,
      [
        'home/me/.local/share/uv/tools/vllm/lib/python3.11/site-packages/nvidia/cuda_runtime/lib',
        'home/me/.local/share/uv/tools/vllm/lib/python3.11/site-packages/nvidia/cublas/lib',
      ],
    ],
    [
      '13 before 12, wherever they lie',
      () => {
        libraries('usr/lib64', 12);
        libraries('usr/local/cuda/targets/x86_64-linux/lib', 13);
      },
      13,
      ['usr/local/cuda/targets/x86_64-linux/lib'],
    ],
  ])('%s', async (_where, lay, major, folders) => {
    lay();
    const found = await find();
    expect([found.major, found.folders]).toEqual([major, folders.map((folder) => join(root, folder))]);
    expect(found.message).toMatch(new RegExp(`^CUDA ${major} runtime in /`));
  });

  test("in vLLM's environment, found by the program on the path, through its link", async () => {
    libraries('opt/env/lib/python3.12/site-packages/nvidia/cu13/lib', 13);
    put('opt/env/bin/vllm');
    mkdirSync(join(root, 'bin'));
    symlinkSync(join(root, 'opt/env/bin/vllm'), join(root, 'bin/vllm'));
    expect((await find({ PATH: `/nowhere:${join(root, 'bin')}` })).folders).toEqual([
      join(root, 'opt/env/lib/python3.12/site-packages/nvidia/cu13/lib'),
    ]);
  });

  test('a part of one is none, and the sentence says which part and what to do', async () => {
    libraries('usr/local/cuda/lib64', 13, ['cudart']);
    const { major, folders, message } = await find();
    expect([major, folders]).toEqual([null, []]);
    expect(message).toContain('CUDA 13 runtime missing');
    expect(message).toContain('without libcublas.so.13, libcublasLt.so.13');
    expect(message).toContain('pip install');
    rmSync(join(root, 'usr'), { recursive: true });
    expect((await find()).message).toMatch(/^CUDA 13 runtime missing \(libcudart and libcublas\): install/);
  });
});

describe('what llama.cpp is asked with', () => {
  /** A program in the place of our Node: says what it was given, as find-gpu says what it found. */
  function asker(backend: string | null): { command: string; args: readonly string[]; env: Readonly<Record<string, string>> } {
    const command = join(root, 'asker');
    const answer = JSON.stringify({ backend, why: 'PATHS' }).replace('PATHS', '$LD_LIBRARY_PATH').replaceAll('"', '\\"');
    writeFileSync(command, `#!/bin/sh\necho "${answer}"\n`);
    chmodSync(command, 0o755);
    return { command, args: [], env: {} };
  }
  const driver = { isPresent: true, why: '1 GPU' };
  const runtime: CudaRuntime = { major: 13, folders: ['/a', '/b'], message: 'CUDA 13 runtime in /a' };
  const given = (cuda: CudaRuntime) =>
    function* (): Steps<CudaRuntime> {
      yield { do: 'pause', ms: 0 };
      return cuda;
    };
  const ask = (backend: string | null, cuda: CudaRuntime) =>
    searcher.search(findLlamaGpu(searchMachine({ driver, node: asker(backend), env: process.env }), given(cuda)));

  test('the folders of the runtime stand before those of the environment, for it and for whoever loads a model', async () => {
    vi.stubEnv('LD_LIBRARY_PATH', '/before');
    expect(await ask('cuda', runtime)).toEqual({
      usable: true,
      libraryPath: '/a:/b:/before',
      isPresent: true,
      why: '/a:/b:/before (CUDA 13 runtime in /a)',
    });
  });

  test('without a runtime the reason says so, and without a GPU nobody looks', async () => {
    vi.stubEnv('LD_LIBRARY_PATH', '');
    const missing = { major: null, folders: [], message: 'CUDA 13 runtime missing: install it' };
    expect(await ask(null, missing)).toMatchObject({
      usable: false,
      libraryPath: null,
      why: expect.stringContaining('CUDA 13 runtime missing'),
    });
    const never = () => {
      throw new Error('looked');
    };
    const none = searchMachine({ driver: { isPresent: false, why: 'no GPU' }, node: asker(null) });
    expect(await searcher.search(findLlamaGpu(none, never))).toMatchObject({
      usable: false,
      why: 'no GPU',
    });
  });
});
