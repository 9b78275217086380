import { expect, test } from 'vitest';
import { hasAmx, repackedBytes } from '../../../main/runtime/llama/repacked.ts';
import type { ModelProfile } from '../../../shared/profile.ts';
import { MIB } from '../../../shared/units.ts';

/** SmolLM2-135M-Instruct as the demo fetches it. */
const SAMPLE = {
  weightBytesByType: { Q4_1: 66_355_200, Q8_0: 30_081_024, F32: 140_544 },
  layerBytes: [66_493_440],
  experts: null,
} as unknown as ModelProfile;
const OUTPUT_BYTES = 30_083_328;

test('the copy is what llama.cpp logged on a processor with matrix units: 95.34 MiB', () => {
  expect(repackedBytes(SAMPLE, OUTPUT_BYTES, true) / MIB).toBeCloseTo(95.34, 2);
  expect(repackedBytes(SAMPLE, OUTPUT_BYTES, false)).toBe(0);
  expect(repackedBytes({ ...SAMPLE, experts: { count: 8, used: 2 } }, OUTPUT_BYTES, true)).toBe(0);
});

test('the processor is asked by its flags', () => {
  expect(hasAmx('processor\t: 0\nflags\t\t: fpu amx_bf16 avx512_fp16 amx_tile amx_int8 flush_l1d\n')).toBe(true);
  expect(hasAmx('processor\t: 0\nflags\t\t: fpu avx2 avx512f\nbugs\t\t: amx_int8\n')).toBe(false);
  expect(hasAmx('')).toBe(false);
});
