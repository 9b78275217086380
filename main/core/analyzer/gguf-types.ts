/**
 * The element types of GGUF tensors: elements and bytes for each block. Copied from the llama.cpp
 * that node-llama-cpp 3.21.1 contains (block and type size of each `ggml_type`); the gaps are types
 * that llama.cpp removed.
 */

export interface TensorType {
  readonly name: string;
  readonly blockElements: number;
  readonly blockBytes: number;
}

const ROWS: readonly (readonly [id: number, name: string, blockElements: number, blockBytes: number])[] = [
  [0, 'F32', 1, 4],
  [1, 'F16', 1, 2],
  [2, 'Q4_0', 32, 18],
  [3, 'Q4_1', 32, 20],
  [6, 'Q5_0', 32, 22],
  [7, 'Q5_1', 32, 24],
  [8, 'Q8_0', 32, 34],
  [9, 'Q8_1', 32, 36],
  [10, 'Q2_K', 256, 84],
  [11, 'Q3_K', 256, 110],
  [12, 'Q4_K', 256, 144],
  [13, 'Q5_K', 256, 176],
  [14, 'Q6_K', 256, 210],
  [15, 'Q8_K', 256, 292],
  [16, 'IQ2_XXS', 256, 66],
  [17, 'IQ2_XS', 256, 74],
  [18, 'IQ3_XXS', 256, 98],
  [19, 'IQ1_S', 256, 50],
  [20, 'IQ4_NL', 32, 18],
  [21, 'IQ3_S', 256, 110],
  [22, 'IQ2_S', 256, 82],
  [23, 'IQ4_XS', 256, 136],
  [24, 'I8', 1, 1],
  [25, 'I16', 1, 2],
  [26, 'I32', 1, 4],
  [27, 'I64', 1, 8],
  [28, 'F64', 1, 8],
  [29, 'IQ1_M', 256, 56],
  [30, 'BF16', 1, 2],
  [34, 'TQ1_0', 256, 54],
  [35, 'TQ2_0', 256, 66],
  [39, 'MXFP4', 32, 17],
  [40, 'NVFP4', 64, 36],
  [41, 'Q1_0', 128, 18],
  [42, 'Q2_0', 64, 18],
];

export const TENSOR_TYPES: ReadonlyMap<number, TensorType> = new Map(
  ROWS.map(([id, name, blockElements, blockBytes]) => [id, { name, blockElements, blockBytes }]),
);

/**
 * Of ik_llama.cpp, by its numbers; those above 200 are the same, packed again for one processor.
 */
const OF_IK: ReadonlyMap<number, string> = new Map([
  ...([
    [133, 'Q6_0'],
    [134, 'IQ1_BN'],
    [135, 'IQ2_BN'],
    [136, 'Q8_K64'],
    [137, 'IQ2_K'],
    [138, 'IQ3_K'],
    [139, 'IQ4_K'],
    [140, 'IQ5_K'],
  ] as const),
  ...([
    [141, 'IQ6_K'],
    [144, 'IQ4_KS'],
    [145, 'IQ2_KS'],
    [146, 'IQ4_KSS'],
    [147, 'Q8_K16'],
    [148, 'Q8_K32'],
    [149, 'Q8_KR8'],
  ] as const),
  ...([
    [150, 'Q8_K128'],
    [151, 'Q8_KV'],
    [152, 'IQ5_KS'],
    [153, 'IQ2_KT'],
    [154, 'IQ3_KT'],
    [155, 'IQ4_KT'],
    [156, 'IQ3_KS'],
  ] as const),
  ...([
    [157, 'IQ2_KL'],
    [158, 'IQ1_KT'],
  ] as const),
]);
/** Of llama.cpp itself, until it took them back, and what it reads in their place. */
const WITHDRAWN: ReadonlyMap<number, readonly [name: string, instead: string]> = new Map([
  [4, ['Q4_2', 'Q4_0 or Q4_K']],
  [5, ['Q4_3', 'Q4_1 or Q4_K']],
  [31, ['Q4_0_4_4', 'Q4_0, which it packs by itself']],
  [32, ['Q4_0_4_8', 'Q4_0, which it packs by itself']],
  [33, ['Q4_0_8_8', 'Q4_0, which it packs by itself']],
  [37, ['IQ4_NL_4_8', 'IQ4_NL, which it packs by itself']],
  [38, ['IQ4_NL_8_8', 'IQ4_NL, which it packs by itself']],
]);
const REPACKED = 200;

/**
 * What a number that llama.cpp does not read stands for, and who reads it: the rest of a sentence
 * that begins "is of".
 */
export function foreignType(id: number): string {
  const ik = OF_IK.get(id);
  if (ik !== undefined) return `type ${ik} (${id}), which only ik_llama.cpp reads`;
  const packed = OF_IK.get(id - REPACKED) ?? TENSOR_TYPES.get(id - REPACKED)?.name;
  if (packed !== undefined) return `type ${packed} packed again (${id}) by ik_llama.cpp, which alone reads it: take the file of ${packed}`;
  // IQ4_NL_4_4 had the same number once.
  if (id === 36) return 'type I2_S (36), which only bitnet.cpp reads: get the model as TQ1_0 or TQ2_0';
  const withdrawn = WITHDRAWN.get(id);
  if (withdrawn !== undefined) return `type ${withdrawn[0]} (${id}), which llama.cpp no longer supports: get the model as ${withdrawn[1]}`;
  return `type ${id}, which llama.cpp v0.4.0 does not know: a newer one may read it`;
}
