/**
 * Intel's matrix units (AMX): where the processor has them, llama.cpp keeps a second copy of more types of weights, in their order. Owns what that
 * copy takes; measured against what llama.cpp logs as its "AMX model buffer".
 */
import { join } from 'node:path';
import type { ModelProfile } from '../../../shared/profile.ts';
import { readStart, type Steps } from '../step.ts';

/** The flags of the first processor lie within it. */
const CPUINFO_BYTES = 16_384;

/** Bytes of the copy for each byte of the file: some types get sums or unpacked scales beside each block (ggml-cpu/amx/mmq.cpp). */
const COPY_RATIO: Readonly<Record<string, number>> = {
  ...{ F16: 1, Q4_0: 1, Q4_1: 1, Q6_K: 1, Q8_0: 38 / 34 },
  ...{ Q4_K: 148 / 144, Q5_K: 180 / 176, IQ4_XS: 138 / 136 },
};

/** @param root `/`, or a folder in its place. */
export function* findAmx(root: string): Steps<boolean> {
  return hasAmx((yield* readStart(join(root, 'proc/cpuinfo'), CPUINFO_BYTES)) ?? '');
}

/** @param cpuinfo Linux' /proc/cpuinfo. */
export function hasAmx(cpuinfo: string): boolean {
  return /^flags\s*:.*\bamx_int8\b/m.test(cpuinfo);
}

/** Weights of these types that matrices are multiplied by; those of experts stay as they are. */
export function amxTypes(profile: ModelProfile): readonly string[] {
  return profile.experts === null ? Object.keys(COPY_RATIO) : [];
}

/**
 * Bytes of the copy.
 * @param multipliedBytes of all weights that matrices are multiplied by: the embeddings of the input are looked up only.
 */
export function amxBytes(profile: ModelProfile, multipliedBytes: number): number {
  let inFile = 0;
  let copied = 0;
  for (const type of amxTypes(profile)) {
    const bytes = profile.weightBytesByType[type] ?? 0;
    inFile += bytes;
    copied += bytes * (COPY_RATIO[type] ?? 1);
  }
  return inFile === 0 ? 0 : copied * Math.min(1, multipliedBytes / inFile);
}
