/** Safetensors files of our own making. */

export type SyntheticTensors = Readonly<Record<string, readonly [type: string, shape: readonly number[]]>>;

const BYTES: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2, I64: 8, U8: 1 };

export function safetensorsHeader(tensors: SyntheticTensors): { header: Buffer; dataBytes: number } {
  let at = 0;
  const entries = Object.entries(tensors).map(([name, [dtype, shape]]) => {
    const bytes = shape.reduce((product, size) => product * size, BYTES[dtype] ?? 1);
    at += bytes;
    return [name, { dtype, shape, data_offsets: [at - bytes, at] }] as const;
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return { header: Buffer.concat([length, text]), dataBytes: at };
}

export function writeSafetensors(tensors: SyntheticTensors = { weight: ['F32', [4, 8]] }): Buffer {
  const { header, dataBytes } = safetensorsHeader(tensors);
  return Buffer.concat([header, Buffer.alloc(dataBytes, 1)]);
}
