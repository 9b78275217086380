/**
 * Computes the second, rearranged copy of weights that llama.cpp keeps for the processor: which
 * types have one, and its size. Processors with Intel's AMX have more such types. Compared with the
 * "CPU_REPACK" and "AMX" buffers in llama.cpp's log. Pure but for one file read.
 */
import { join } from 'node:path';
import type { ModelProfile } from '../../../shared/profile.ts';
import { readStart, type Steps } from '../step.ts';

/** Types that get a copy without matrix units (ggml-cpu/repack.cpp, x86 with AVX2). */
const REPACKED_TYPES = ['Q4_0', 'Q4_K', 'Q2_K', 'IQ4_NL', 'MXFP4'] as const;
/** The flags of the first processor lie within it. */
const CPUINFO_BYTES = 16_384;

/**
 * With them: bytes of the copy for each byte of the file: some types get sums or unpacked scales
 * beside each block (ggml-cpu/amx/mmq.cpp).
 */
const AMX_RATIO: Readonly<Record<string, number>> = {
  F16: 1,
  Q4_0: 1,
  Q4_1: 1,
  Q6_K: 1,
  Q8_0: 38 / 34,
  Q4_K: 148 / 144,
  Q5_K: 180 / 176,
  IQ4_XS: 138 / 136,
};

/** @param root `/`, or a folder in its place. */
export function* findAmx(root: string): Steps<boolean> {
  return hasAmx((yield* readStart(join(root, 'proc/cpuinfo'), CPUINFO_BYTES)) ?? '');
}

/** @param cpuinfo Linux' /proc/cpuinfo. */
export function hasAmx(cpuinfo: string): boolean {
  return /^flags\s*:.*\bamx_int8\b/m.test(cpuinfo);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/**
 * Bytes of the copy when every layer is on the processor.
 * @param outputBytes of the weights that make the answer; those that are only looked up, the
 * embeddings of the input, get no copy.
 */
export function repackedBytes(profile: ModelProfile, outputBytes: number, hasAmx: boolean): number {
  const layerBytes = sum(profile.layerBytes);
  const of = (types: readonly string[]) => sum(types.map((type) => profile.weightBytesByType[type] ?? 0));
  // The matrix units are not used for experts.
  const withAmx = hasAmx && profile.experts === null ? Object.keys(AMX_RATIO) : [];
  const copied = sum(withAmx.map((type) => (profile.weightBytesByType[type] ?? 0) * (AMX_RATIO[type] ?? 1)));
  const inFile = of(withAmx);
  const amx = inFile === 0 ? 0 : copied * Math.min(1, (layerBytes + outputBytes) / inFile);
  return Math.min(of(REPACKED_TYPES.filter((type) => !withAmx.includes(type))), layerBytes) + amx;
}
