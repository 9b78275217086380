/** Weights from one type into another, against arithmetic done another way. */
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../../main/embedded/convert/encode.ts';

const floats = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, index) => Math.fround(Math.sin(index * 12.9898) * 10 ** ((index % 9) - 5)));
const room = (): Uint8Array => new Uint8Array(1 << 20);

describe('halves', () => {
  test('every half there is goes to a float and back', () => {
    const bits = Uint16Array.from({ length: 65_536 }, (_, index) => index);
    const made = decode('F16', new Uint8Array(bits.buffer), new Float32Array(65_536));
    const view = new DataView(bits.buffer);
    for (let index = 0; index < 65_536; index += 1) expect(Object.is(made[index], view.getFloat16(index * 2, true))).toBe(true);
    const back = new Uint16Array(encode('F16', made, room()).slice().buffer);
    for (let index = 0; index < 65_536; index += 1) if (!Number.isNaN(made[index])) expect(back[index]).toBe(index);
  });

  test('every bfloat16 goes to a float and back, what is no number stays none', () => {
    const bits = Uint16Array.from({ length: 65_536 }, (_, index) => index);
    const made = decode('BF16', new Uint8Array(bits.buffer), new Float32Array(65_536)).slice();
    const back = new Uint16Array(encode('BF16', made, room()).slice().buffer);
    const again = decode('BF16', new Uint8Array(back.buffer), new Float32Array(65_536));
    for (let index = 0; index < 65_536; index += 1) expect(Object.is(again[index], made[index]) || Number.isNaN(made[index])).toBe(true);
  });

  test('a float becomes the nearer bfloat16, half-way the even one', () => {
    const bits = (value: number): number => new Uint16Array(encode('BF16', Float32Array.of(value), room()).slice().buffer)[0]!;
    expect(bits(1)).toBe(0x3f80);
    expect(bits(1 + 2 ** -8)).toBe(0x3f80);
    expect(bits(1 + 3 * 2 ** -8)).toBe(0x3f82);
    expect(bits(1 + 2 ** -8 + 2 ** -16)).toBe(0x3f81);
  });
});

test('Q8_0: the largest value of a block is 127 of its scale, and every code is the nearest', () => {
  const source = floats(32 * 400);
  source.fill(0, 64, 96);
  const bytes = encode('Q8_0', source, room());
  expect(bytes.length).toBe(34 * 400);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let block = 0; block < 400; block += 1) {
    const values = source.subarray(block * 32, block * 32 + 32);
    const scale = Math.max(...values.map(Math.abs)) / 127;
    const stored = view.getFloat16(block * 34, true);
    expect(Math.abs(stored - scale)).toBeLessThanOrEqual(scale * 2 ** -11 + 2 ** -25);
    for (let index = 0; index < 32; index += 1) {
      const code = view.getInt8(block * 34 + 2 + index);
      const exact = scale === 0 ? 0 : values[index]! / scale;
      expect(Math.abs(code - exact)).toBeLessThanOrEqual(0.5 + 1e-4);
    }
  }
});

test('F32 is copied', () => {
  const source = floats(100);
  expect(new Float32Array(encode('F32', source, room()).slice().buffer)).toEqual(source);
});
