/**
 * Files made to cost as much as the bounds of the readers let through, or to break them: an answer
 * in 64 MiB of heap and buffers, and bytes, steps and reads under the same bounds as in
 * `fuzz.test.ts`.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { MIB } from '../../../shared/units.ts';
import type { Contents } from './folder-of.ts';
import { createFuzzer } from './fuzz-run.ts';
import { type Meta, writeGguf } from './synthetic-gguf.ts';
import { bytes, node, number, value, writeOnnx } from './synthetic-onnx.ts';
import { writeZip } from './synthetic-zip.ts';

/** So many entries of JSON that the text has about so many bytes. */
function entries(unit: (index: string, number: number) => string, total: number): string {
  const parts: string[] = [];
  for (let length = 0, index = 0; length < total - 200; index += 1) {
    const part = unit(index.toString(36), index);
    parts.push(part);
    length += part.length + 1;
  }
  return parts.join(',');
}

function safetensors(text: string): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
  return Buffer.concat([length, Buffer.from(text)]);
}

const llama = { architectures: ['LlamaForCausalLM'], model_type: 'llama' };
const strings: Meta = { type: 'strings', value: Array.from({ length: 1_000_000 }, () => '') };

const LARGEST: readonly (readonly [what: string, contents: () => Contents])[] = [
  ['safetensors of empty entries', () => ({ 'model.safetensors': safetensors(`{${entries((key) => `"${key}":[]`, 8 * MIB)}}`) })],
  [
    'safetensors of single bytes',
    () => ({
      'config.json': llama,
      'model.safetensors': safetensors(
        `{${entries((key, at) => `"${key}":{"dtype":"U8","shape":[1],"data_offsets":[${at},${at + 1}]}`, 3 * MIB)}}`,
      ),
    }),
  ],
  ['safetensors that nest', () => ({ 'model.safetensors': safetensors('['.repeat(8 * MIB - 16)) })],
  ['a config.json that nests', () => ({ 'config.json': '{"a":'.repeat(MIB / 2), 'model.safetensors': 'x' })],
  ['a config.json that is wide', () => ({ 'config.json': `{${entries((key) => `"${key}":{}`, 4 * MIB)}}`, 'model.safetensors': 'x' })],
  [
    'an index of a file for each tensor',
    () => ({ 'config.json': llama, 'model.safetensors.index.json': `{"weight_map":{${entries((key) => `"${key}":"${key}"`, 16 * MIB)}}}` }),
  ],
  ['modules without number', () => ({ 'modules.json': `[${'{},'.repeat(MIB)}{}]`, 'config.json': {} })],
  ['modules that nest', () => ({ 'modules.json': '['.repeat(4 * MIB), 'config.json': {} })],
  ['an adapter that nests', () => ({ 'adapter_config.json': '['.repeat(4 * MIB) })],
  ['a pipeline of many parts', () => ({ 'model_index.json': `{${entries((key) => `"${key}":["diffusers","X"]`, 4 * MIB)}}` })],
  ['a config.pbtxt that nests', () => ({ 'config.pbtxt': 'a{'.repeat(MIB / 2) })],
  ['a config.pbtxt that is wide', () => ({ 'config.pbtxt': 'a{}'.repeat(MIB / 3) })],
  [
    'XML of many layers',
    () => ({ 'm.xml': `<net version="11">${'<layer type="Const"><data offset="0" size="1"/></layer>'.repeat(200_000)}</net>` }),
  ],
  ['XML of long tags', () => ({ 'm.xml': `<net version="11">${`<layer ${'a="b" '.repeat(40_000)}/>`.repeat(50)}</net>` })],
  [
    'an archive of many entries',
    () => ({ 'a.pt': writeZip(Array.from({ length: 65_000 }, (_, no) => ({ name: `a/${no}`, content: '' }))) }),
  ],
  ['ONNX of many nodes', () => ({ 'a.onnx': writeOnnx({ nodes: [Buffer.concat(new Array<Buffer>(1_000_000).fill(node('A')))] }) })],
  ['ONNX of empty nodes', () => ({ 'a.onnx': Buffer.concat([number(1, 8), bytes(7, Buffer.alloc(40 * MIB, Buffer.from([0x0a, 0])))]) })],
  [
    'ONNX of many inputs',
    () => ({ 'a.onnx': writeOnnx({ inputs: new Array<Buffer>(16_000).fill(value(11, 'x', 1, new Array<string>(60).fill('d'))) }) }),
  ],
  [
    'ONNX with a file for each tensor',
    () => ({
      'a.onnx': writeOnnx({
        tensors: Array.from({ length: 20_000 }, (_, no) => ({ name: `t${no}`, dims: [1], type: 1, external: { location: `f${no}` } })),
      }),
    }),
  ],
  ['a GGUF of empty words', () => ({ 'a.gguf': writeGguf({ metadata: [['tokenizer.ggml.tokens', strings]], tensors: [] }) })],
  [
    'a GGUF of many tensors',
    () => ({
      'a.gguf': writeGguf({
        metadata: [],
        tensors: Array.from({ length: 65_000 }, (_, no) => ({ name: `${no}`, shape: [1], type: 0, bytes: 4 })),
        headerOnly: true,
      }),
    }),
  ],
  ['a GGUF of a thousand parts', () => ({ 'a-00001-of-00999.gguf': 'x', 'b-00001-of-00999.gguf': 'x' })],
];

const fuzzer = createFuzzer();
afterAll(() => fuzzer.end());

describe('the most that the bounds let through', () => {
  test.each(LARGEST)('%s', async (_what, contents) => {
    const answer = await fuzzer.run({ contents: contents() });
    if (!answer.ok) throw new Error(answer.message);
    expect(answer.worst.bytesRead).toBeGreaterThan(0);
  });
});
