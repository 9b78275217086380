/**
 * Interprets vLLM's log while it loads: its phases, and the memory that it reports. Pure. The lines
 * are from vLLM 0.32 (recorded in test/fixtures/vllm), and from vllm/v1/worker/gpu_worker.py for
 * lines that only a GPU prints.
 */
import type { BufferBytes } from '../../../shared/decision.ts';
import { GIB } from '../../../shared/units.ts';
import type { Progress } from '../adapter.ts';

interface Phase {
  readonly pattern: RegExp;
  readonly phase: string;
  /** It may work for minutes without a line: there, processor time is a sign of life. */
  readonly isSilent?: boolean;
}

/** In the order of a load. */
const PHASES: readonly Phase[] = [
  { pattern: /non-default args:/, phase: 'reading the configuration', isSilent: true },
  { pattern: /Resolved architecture:|Using max model len/, phase: 'starting the engine', isSilent: true },
  { pattern: /Initializing a V1 LLM engine/, phase: 'starting the workers', isSilent: true },
  { pattern: /Starting to load model/, phase: 'reading weights' },
  { pattern: /Loading weights took|Model loading took/, phase: 'measuring memory', isSilent: true },
  { pattern: /Start compiling|Compiling a graph|Dynamo bytecode transform|torch\.compile takes/, phase: 'compiling', isSilent: true },
  { pattern: /KV cache size:|Available KV cache memory/, phase: 'making the cache' },
  { pattern: /Capturing CUDA graph|Graph capturing/, phase: 'capturing graphs', isSilent: true },
  { pattern: /init engine \(/, phase: 'starting the server' },
];
const SHARDS = /Loading \S+ checkpoint shards:\s+(\d+)% Completed/;
const CAPTURE = /Capturing CUDA graphs.*?:\s+(\d+)%/;

/** What a line tells of the load; null: nothing. */
export function progressOf(line: string): Progress | null {
  const shards = SHARDS.exec(line);
  if (shards !== null) return { phase: 'reading weights', progress: Number(shards[1]) / 100 };
  const capture = CAPTURE.exec(line);
  if (capture !== null) return { phase: 'capturing graphs', progress: Number(capture[1]) / 100 };
  for (const { pattern, phase, isSilent = false } of PHASES) if (pattern.test(line)) return { phase, progress: null, isSilent };
  return null;
}

/** The line without who says it and when. */
export function bare(line: string): string {
  return line.replace(/^\([\w-]+ pid=\d+\) (?:(?:INFO|WARNING|ERROR|DEBUG) \d\d-\d\d [\d:]+ \[[^\]]*\] ?)?/, '');
}

const GIB_FIGURE = String.raw`(-?[\d.]+) ?GiB`;
const WEIGHTS = new RegExp(`Model loading took ${GIB_FIGURE}`);
const CACHE = new RegExp(`Available KV cache memory: ${GIB_FIGURE}`);
const ACTUAL = new RegExp(
  `Actual usage is ${GIB_FIGURE} for (?:weight|consumed memory)[^,]*, ${GIB_FIGURE} for peak activation, (?:${GIB_FIGURE} for non-torch memory, )?(?:and )?${GIB_FIGURE} for CUDAGraph`,
);
const CPU_CACHE = /Explicitly set \(([\d.]+)\/[\d.]+\) GiB for KV cache on node/;

/**
 * What vLLM says that one of its processes took, by its own words; null where it said nothing of
 * it.
 */
export function reportedOf(lines: readonly string[]): BufferBytes | null {
  let weights: number | null = null;
  let cache: number | null = null;
  let rest: number | null = null;
  for (const line of lines) {
    weights = figure(WEIGHTS.exec(line), 1) ?? weights;
    cache = figure(CACHE.exec(line) ?? CPU_CACHE.exec(line), 1) ?? cache;
    const actual = ACTUAL.exec(line);
    if (actual !== null) {
      weights = figure(actual, 1) ?? weights;
      rest = [2, 3, 4].reduce((sum, index) => sum + (figure(actual, index) ?? 0), 0);
    }
  }
  if (weights === null && cache === null) return null;
  return { modelBytes: weights ?? 0, kvBytes: cache ?? 0, computeBytes: rest ?? 0 };
}

/** Bytes of a figure in GiB. */
export function figure(match: RegExpExecArray | null, index: number): number | null {
  const text = match?.[index];
  return text === undefined ? null : Math.round(Number(text) * GIB);
}
