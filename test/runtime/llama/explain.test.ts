/** The words of llama.cpp, as it really says them. */
import { expect, test } from 'vitest';
import type { RetryRequest } from '../../../main/core/retry-with.ts';
import { explainExit, progressOf } from '../../../main/runtime/llama/explain.ts';

const context = 'llama_context: n_ctx_seq             = 8192';

test.each<[string, string[], { code: string; permanent: boolean; retryWith: RetryRequest | null; words: RegExp }]>([
  [
    'CUDA has no room for the cache',
    [context, 'ggml_backend_cuda_buffer_type_alloc_buffer: allocating 4096.00 MiB on device 0: cudaMalloc failed: out of memory'],
    { code: 'out-of-memory', permanent: false, retryWith: { kind: 'context', contextTokens: 4096 }, words: /models\.NAME\.context/ },
  ],
  [
    'CUDA has no room for the weights',
    ['ggml_backend_cuda_buffer_type_alloc_buffer: allocating 40960.00 MiB on device 0: cudaMalloc failed: out of memory'],
    { code: 'out-of-memory', permanent: false, retryWith: null, words: /out of memory/ },
  ],
  [
    'Vulkan',
    [
      context.replace('8192', '1024'),
      'ggml_vulkan: Device memory allocation of size 1073741824 failed. vk::Device::allocateMemory: ErrorOutOfDeviceMemory',
    ],
    { code: 'out-of-memory', permanent: false, retryWith: null, words: /ErrorOutOfDeviceMemory/ },
  ],
  [
    'CPU',
    [context, 'llama_kv_cache: failed to allocate CPU buffer of size 99999'],
    {
      code: 'out-of-memory',
      permanent: false,
      retryWith: { kind: 'context', contextTokens: 4096 },
      words: /failed to allocate CPU buffer/,
    },
  ],
  [
    'an assertion',
    ['/src/llama-hparams.cpp:12: GGML_ASSERT(n_head_kv > 0) failed'],
    { code: 'runtime-exited', permanent: true, retryWith: null, words: /GGML_ASSERT\(n_head_kv > 0\) failed.*damaged/ },
  ],
  [
    'an unknown architecture',
    ["llama_model_load: error loading model: unknown model architecture: 'mamba9'"],
    { code: 'runtime-exited', permanent: true, retryWith: null, words: /"mamba9"/ },
  ],
  [
    'a truncated file',
    [
      "llama_model_load: error loading model: tensor 'blk.0.attn_q.weight' data is not within the file bounds, model is corrupted or incomplete",
    ],
    { code: 'runtime-exited', permanent: true, retryWith: null, words: /not within the file bounds.*: copy it again/ },
  ],
  [
    'no GGUF at all',
    ['modelium: cannot load /m/x.gguf: it does not begin with "GGUF"'],
    { code: 'runtime-exited', permanent: true, retryWith: null, words: /^Cannot load \/m\/x\.gguf: it does not begin/ },
  ],
  [
    'a taken port',
    ['modelium: port 8100 on 127.0.0.1 is taken (EADDRINUSE)'],
    { code: 'runtime-exited', permanent: false, retryWith: null, words: /took the port/ },
  ],
  [
    'a missing library',
    ['llama-server: error while loading shared libraries: libcudart.so.13: cannot open shared object file'],
    { code: 'runtime-exited', permanent: true, retryWith: null, words: /libcudart\.so\.13 is missing/ },
  ],
  [
    'a wrong argument',
    ['modelium: The embedded server: it does not know the flag --mlock. It knows --model'],
    { code: 'runtime-exited', permanent: true, retryWith: null, words: /argument --mlock\. Correct llama\.args/ },
  ],
  [
    'anything else',
    ['first', 'last words', ''],
    { code: 'runtime-exited', permanent: false, retryWith: null, words: /code 3.*last words/ },
  ],
])('%s', (_, lines, { words, ...rest }) => {
  const explained = explainExit({ code: 3, signal: null }, lines);
  expect(explained).toMatchObject(rest);
  expect(explained.message).toMatch(words);
});

test('killed: for lack of memory only where the kernel counted that, else by somebody', () => {
  const killed = { code: null, signal: 'SIGKILL' };
  expect(explainExit({ ...killed, outOfMemory: true }, [context])).toMatchObject({
    code: 'out-of-memory',
    message: expect.stringMatching(/because main memory ran out/),
    retryWith: { kind: 'context', contextTokens: 4096 },
  });
  const byHand = explainExit({ ...killed, outOfMemory: false }, [context]);
  expect(byHand).toMatchObject({ code: 'runtime-exited', retryWith: null, message: expect.stringMatching(/^Somebody ended llama\.cpp/) });
  expect(byHand.message).not.toMatch(/ran out/);
  expect(explainExit(killed, [])).toMatchObject({ code: 'runtime-exited', message: expect.stringMatching(/a person.*or the system/) });
  expect(explainExit({ code: null, signal: 'SIGSEGV' }, []).message).toMatch(/signal SIGSEGV\. It printed nothing/);
});

test.each([
  ['modelium: loading 40 %', { phase: 'reading weights', progress: 0.4 }],
  ['load_tensors: loading model tensors, this can take a while... (load_mode = mmap)', { phase: 'reading weights', progress: null }],
  ['llama_context: constructing llama_context', { phase: 'making the context', progress: null }],
  ['print_info: arch = llama', null],
])('progress of "%s"', (line, progress) => {
  expect(progressOf(line)).toEqual(progress);
});
