/**
 * The reasons for which vLLM ends because memory ran out, with its figures and a possible next
 * attempt. Pure.
 */
import { GIB } from '../../../shared/units.ts';
import type { RetryRequest } from '../../core/retry-with.ts';
import type { Reason } from './reason.ts';
import { figure } from './words.ts';

const GPU_MEMORY =
  /Free memory on device (\S+) \(([\d.]+)\/([\d.]+) GiB\) on startup is less than desired GPU memory utilization \(([\d.]+), ([\d.]+) GiB\)/;
const CPU_MEMORY =
  /Available memory on node (\d+) \(([\d.]+)\/([\d.]+) GiB\) on startup is less than desired CPU memory utilization \(([\d.]+), ([\d.]+) GiB\)/;
const CONTEXT =
  /max seq len \((\d+)\),? \(?([\d.]+) GiB KV cache is needed, which is larger than the available KV cache memory \(([\d.]+) GiB\)(?:.*estimated maximum model length is (\d+))?/;
const LEAST_CONTEXT_TOKENS = 256;
/** A cache that a first conversation fits into. */
const LEAST_CACHE_BYTES = GIB;

/** In the order of trust. */
export const MEMORY_REASONS: readonly Reason[] = [
  {
    pattern: GPU_MEMORY,
    code: 'out-of-memory',
    sentence: ([, device, free, total, , wanted]) =>
      `Only ${free} of ${total} GiB were free on ${device} when vLLM started, but vLLM needed ${wanted} GiB. Free memory on that GPU, or give the model a smaller context (models.NAME.context).`,
    // What is free may go down a little until it starts again.
    retryWith: (match) => ({ kind: 'gpu-memory', bytes: Math.floor((figure(match, 2) ?? 0) * 0.97) }),
  },
  {
    pattern: CPU_MEMORY,
    code: 'out-of-memory',
    sentence: ([, node, free, total, share, wanted]) =>
      `vLLM should get ${wanted} GiB of main memory (${share} of all), but only ${free} of ${total} GiB were free on node ${node}. Free memory, or remove --gpu-memory-utilization from vllm.args.`,
  },
  {
    pattern: CONTEXT,
    code: 'out-of-memory',
    sentence: ([, wanted, needed, there, most]) =>
      `A context of ${wanted} tokens needs ${needed} GiB of cache, and ${there} GiB are left beside the weights${most === undefined ? '' : `: enough for ${most} tokens`}. Set a smaller models.NAME.context, or free memory.`,
    retryWith: ([, , , , most]) =>
      most !== undefined && Number(most) >= LEAST_CONTEXT_TOKENS ? { kind: 'context', contextTokens: Number(most) } : null,
  },
  {
    pattern: /Cannot auto-fit max_model_len: not enough (?:GPU )?memory available[^.]*\.?/i,
    code: 'out-of-memory',
    sentence: () =>
      'After loading the weights, there is no room for even the smallest context. Free memory, use a smaller quantisation of the model, or give it more GPUs (models.NAME.gpus).',
    retryWith: (_match, lines) => moreMemory(lines),
  },
  {
    pattern: /No available memory for the cache blocks/,
    code: 'out-of-memory',
    sentence: () =>
      'The weights and activations take all of the memory of vLLM, and leave none for the cache. Free memory, or use a smaller quantisation of the model.',
    retryWith: (_match, lines) => moreMemory(lines),
  },
  {
    pattern: /Error in memory profiling\..*?Initial free memory ([\d.]+).*?current free memory ([\d.]+)/,
    sentence: ([, before, after]) =>
      `Another program freed GPU memory while vLLM measured it (${before} GiB free before, ${after} GiB after), so vLLM stopped.`,
    retryWith: () => ({ kind: 'again' }),
  },
  {
    pattern: /([\d.]+)\s*GiB\)? is less than requested memory for kv \(([\d.]+) GiB\)/,
    code: 'out-of-memory',
    permanent: true,
    sentence: ([, there, wanted]) =>
      `The cache should get ${wanted} GiB, but only ${there} GiB are available. Lower --kv-cache-memory-bytes in vllm.args or models.NAME.args.`,
  },
  {
    pattern: /requested memory for kv \(([\d.]+) GiB\)/,
    code: 'out-of-memory',
    permanent: true,
    sentence: ([, wanted]) =>
      `The cache should get ${wanted} GiB, which are not available. Lower --kv-cache-memory-bytes in vllm.args or models.NAME.args.`,
  },
  {
    pattern: /torch\.(?:cuda\.)?OutOfMemoryError:?\s*(.*)|CUDA out of memory\.?(.*)|DefaultCPUAllocator: (?:can't|not enough)(.*)/,
    code: 'out-of-memory',
    sentence: (match) => `vLLM ran out of memory${wordsOf(match)}. Free memory, or give the model a smaller context (models.NAME.context).`,
  },
];

/**
 * More memory by what lacked, when vLLM says how much its cache would have had (a negative figure).
 */
function moreMemory(lines: readonly string[]): RetryRequest | null {
  const there = lines.map((line) => /Available KV cache memory: (-?[\d.]+) ?GiB/.exec(line)).findLast((match) => match !== null);
  const bytes = figure(there ?? null, 1);
  return bytes === null ? null : { kind: 'more-gpu-memory', bytes: Math.max(0, LEAST_CACHE_BYTES - bytes) };
}

function wordsOf(match: RegExpExecArray): string {
  const words = match.slice(1).find((part) => part !== undefined && part.trim() !== '');
  return words === undefined
    ? ''
    : ` (${words
        .trim()
        .replace(/[.\s]+$/, '')
        .slice(0, 160)})`;
}
