/**
 * What is said of vLLM's ends: the recorded words of a real one on a processor, and those lines
 * that only a GPU makes it say.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RetryRequest } from '../../../main/core/retry-with.ts';
import { explainExit } from '../../../main/runtime/vllm/explain.ts';
import { progressOf, reportedOf } from '../../../main/runtime/vllm/words.ts';
import { GIB } from '../../../shared/units.ts';
import { VLLM_FAILURES } from '../../fixtures/vllm/failures.ts';

const recorded = (name: string): readonly string[] =>
  readFileSync(join(import.meta.dirname, '../../fixtures/vllm', `${name}.txt`), 'utf8').split('\n');
const EXIT = { code: 1, signal: null };

test.each(VLLM_FAILURES)('recorded: $name', ({ name, says }) => {
  const { message } = explainExit(EXIT, recorded(name));
  expect(message).toMatch(says);
  expect(message).not.toMatch(/See root cause|Traceback|its words|Its last output/);
});

interface Said {
  readonly line: string;
  readonly says: RegExp;
  readonly retryWith?: RetryRequest;
  readonly code?: string;
}

/**
 * Lines of vllm/v1/worker, v1/core and model_executor (0.32) that need a GPU, or a machine in
 * trouble.
 */
test.each<Said>([
  {
    line: '(EngineCore pid=7) ERROR 11-25 10:00:00 [core.py:1] ValueError: Free memory on device cuda:0 (10.0/24.0 GiB) on startup is less than desired GPU memory utilization (0.5, 12.0 GiB). Decrease GPU memory',
    says: /Only 10\.0 of 24\.0 GiB were free on cuda:0.*12\.0 GiB/,
    retryWith: { kind: 'gpu-memory', bytes: Math.floor(10 * GIB * 0.97) },
    code: 'out-of-memory',
  },
  {
    line: "ValueError: To serve at least one request with the model's max seq len (131072), (16.0 GiB KV cache is needed, which is larger than the available KV cache memory (5.3 GiB). Based on the available memory, the estimated maximum model length is 43200. Try",
    says: /131072 tokens needs 16\.0 GiB.*5\.3 GiB.*enough for 43200 tokens/,
    retryWith: { kind: 'context', contextTokens: 43_200 },
    code: 'out-of-memory',
  },
  {
    line: 'AssertionError: Error in memory profiling. Initial free memory 20.0 GiB, current free memory 22.0 GiB. This happens when',
    says: /20\.0 GiB free before, 22\.0 GiB after/,
    retryWith: { kind: 'again' },
  },
  {
    line: 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.',
    says: /ran out of memory \(CUDA out of memory/,
    code: 'out-of-memory',
  },
  {
    line: "ValueError: Model architectures ['FooForCausalLM'] failed to be inspected. Please check the logs for more details.",
    says: /own code for FooForCausalLM/,
  },
  {
    line: 'ValueError: Model architecture BartModel is not supported in-tree anymore. Please install the plugin at https://github.com/vllm-project/bart-plugin',
    says: /plugin for BartModel: https:/,
  },
  {
    line: '(APIServer pid=1) ERROR 11-25 10:00:00 [x.py:1] Worker proc VllmWorker-0 died unexpectedly (exit code: -9), shutting down executor.',
    says: /^Somebody ended a worker of vLLM \(VllmWorker-0\)/,
  },
  { line: 'OSError: [Errno 98] Address already in use', says: /took the port/ },
  { line: 'RuntimeError: No CUDA GPUs are available', says: /finds no GPU/ },
  { line: 'OSError: [Errno 28] No space left on device', says: /disk is full/ },
  { line: "ModuleNotFoundError: No module named 'xgrammar'", says: /lacks the package xgrammar/ },
  { line: 'EngineDeadError: EngineCore encountered an issue.', says: /engine process died while serving/ },
  { line: 'RuntimeError: something new', says: /The cause, as vLLM reports it: RuntimeError: something new/ },
])('$line', ({ line, says, retryWith, code = 'runtime-exited' }) => {
  const said = [
    line,
    ...Array.from({ length: 120 }, (_, index) => `  File "x.py", line ${index}`),
    'RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}',
  ];
  const explained = explainExit(EXIT, said);
  expect(explained.message).toMatch(says);
  expect(explained).toMatchObject({ retryWith: retryWith ?? null, code });
});

test('no room for the cache asks for as much more as lacked, and a gigabyte to work with', () => {
  const said = [
    'INFO Available KV cache memory: -1.5 GiB',
    'ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`',
  ];
  expect(explainExit(EXIT, said).retryWith).toEqual({ kind: 'more-gpu-memory', bytes: 2.5 * GIB });
  expect(explainExit(EXIT, said.slice(1)).retryWith).toBeNull();
});

test('a worker that the kernel ended for lack of memory', () => {
  const said = ['Worker proc VllmWorker-0 died unexpectedly (exit code: -9), shutting down executor.'];
  expect(explainExit({ ...EXIT, outOfMemory: true }, said)).toMatchObject({
    code: 'out-of-memory',
    message: expect.stringMatching(/ended a worker of vLLM.*because main memory ran out/),
  });
  // Other programs may run out of it while vLLM ends of something else.
  expect(explainExit({ ...EXIT, outOfMemory: true }, ['ValueError: unknown thing']).message).toContain('unknown thing');
});

test('an end without a word', () => {
  expect(explainExit({ code: null, signal: 'SIGKILL', outOfMemory: true }, [])).toMatchObject({ code: 'out-of-memory', permanent: false });
  expect(explainExit({ code: null, signal: 'SIGKILL', outOfMemory: false }, [])).toMatchObject({
    code: 'runtime-exited',
    permanent: false,
  });
  // What was not asked for is a crash, whatever its code says.
  expect(explainExit({ code: 0, signal: null }, []).message).toBe('vLLM ended with code 0. It printed nothing.');
});

describe('while it loads', () => {
  test('the phases of a recorded load, in their order', () => {
    const phases = recorded('good').flatMap((line) => progressOf(line)?.phase ?? []);
    expect([...new Set(phases)]).toEqual([
      'reading the configuration',
      'starting the engine',
      'starting the workers',
      'reading weights',
      'measuring memory',
      'making the cache',
      'starting the server',
    ]);
  });

  test('how far it is', () => {
    expect(progressOf('Loading safetensors checkpoint shards:  20% Completed | 1/5 [00:01<00:04]')).toEqual({
      phase: 'reading weights',
      progress: 0.2,
    });
    expect(progressOf('Capturing CUDA graphs (decode, FULL):  50%|##| 5/10')).toEqual({ phase: 'capturing graphs', progress: 0.5 });
    expect(progressOf('INFO [backends.py:1] Compiling a graph for compile range (1, 8192) takes 12.1 s')).toMatchObject({
      phase: 'compiling',
      isSilent: true,
    });
    expect(progressOf('something else')).toBeNull();
  });

  test('what it says that it took', () => {
    expect(reportedOf(recorded('good'))).toEqual({ modelBytes: 0, kvBytes: 0.25 * GIB, computeBytes: 0 });
    const said = [
      'INFO Model loading took 14.9 GiB memory and 5.200000 seconds',
      'INFO Available KV cache memory: 4.0 GiB',
      'INFO Free memory on device (23.0/24.0 GiB) on startup. Desired GPU memory utilization is (0.9, 21.6 GiB). Actual usage is 15.2 GiB for consumed memory (weights + non-torch), 1.1 GiB for peak activation, and 0.5 GiB for CUDAGraph memory. Replace',
    ];
    expect(reportedOf(said)).toEqual({
      modelBytes: Math.round(15.2 * GIB),
      kvBytes: 4 * GIB,
      computeBytes: Math.round(1.1 * GIB) + 0.5 * GIB,
    });
    expect(reportedOf([])).toBeNull();
  });
});
