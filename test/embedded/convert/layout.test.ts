/**
 * Where the tensors of public models go: every weight of each once, and nothing that llama.cpp has
 * no place for.
 */
import { describe, expect, test } from 'vitest';
import { conversionOf, type GgufArchitecture } from '../../../main/core/analyzer/convertible.ts';
import type { SourceTensor, SourceType } from '../../../main/embedded/convert/source.ts';
import { elementsOf, type TargetTensor, targetsOf } from '../../../main/embedded/convert/targets.ts';
import { CORPUS, tensorsOf } from '../../helpers/corpus.ts';

const NAMES = Object.keys(CORPUS).filter((name) => CORPUS[name]!.shapes !== false && convertedAs(name) !== null);

function convertedAs(name: string): GgufArchitecture | null {
  return conversionOf({ config: CORPUS[name]!.config, types: ['BF16'], isQuantized: false, sentence: null })
    .architecture as GgufArchitecture | null;
}

function sources(name: string): readonly SourceTensor[] {
  return tensorsOf(name)
    .filter(({ type }) => ['F32', 'F16', 'BF16'].includes(type))
    .map(({ name: tensor, type, shape }) => ({
      name: tensor,
      type: type as SourceType,
      shape,
      valueBytes: type === 'F32' ? 4 : 2,
      descriptor: -1,
      offset: 0,
    }));
}

function layout(name: string, more: readonly SourceTensor[] = [], type: 'BF16' | 'Q8_0' = 'BF16'): readonly TargetTensor[] {
  const options = { architecture: convertedAs(name)!, config: CORPUS[name]!.config, type, skippedPositions: 0 };
  return targetsOf([...sources(name), ...more], options);
}

test('the corpus has some of each architecture but those that the runtime tests make', () => {
  expect(new Set(NAMES.map(convertedAs)).size).toBeGreaterThanOrEqual(10);
});

describe('every value of the source is in one tensor of the GGUF', () => {
  test.each(NAMES)('%s', (name) => {
    const targets = layout(name);
    const used = targets.flatMap(({ pieces }) => pieces).reduce((sum, { count }) => sum + count, 0);
    const unused = sources(name).filter(({ name: tensor }) => /pooler|^cls\.|^lm_head\.(?:dense|layer_norm|bias)|^bert\.cls/.test(tensor));
    const all =
      sources(name).reduce((sum, { shape }) => sum + elementsOf(shape), 0) - unused.reduce((sum, { shape }) => sum + elementsOf(shape), 0);
    // A head that is tied is the embeddings once more, in some files.
    const tied = sources(name).find(({ name: tensor }) => /lm_head\.(?:decoder\.)?weight$/.test(tensor));
    expect([all, all - (tied === undefined ? 0 : elementsOf(tied.shape))]).toContain(used);
    for (const { shape, pieces, values } of targets) {
      if (values === null) expect(pieces.reduce((sum, { count }) => sum + count, 0)).toBe(elementsOf(shape));
    }
    expect(new Set(targets.map(({ name: target }) => target)).size).toBe(targets.length);
  });
});

describe('types', () => {
  test('vectors, tables that are looked up and routers stay floats; rows that blocks do not fill stay what they are', () => {
    const types = new Map(layout('qwen3-30b-a3b', [], 'Q8_0').map(({ name, type }) => [name, type]));
    expect(types.get('blk.0.attn_q.weight')).toBe('Q8_0');
    expect(types.get('blk.0.ffn_gate_exps.weight')).toBe('Q8_0');
    expect(types.get('blk.0.ffn_gate_inp.weight')).toBe('F32');
    expect(types.get('blk.0.attn_norm.weight')).toBe('F32');
    const odd = {
      name: 'model.layers.0.self_attn.q_proj.weight',
      type: 'BF16',
      shape: [64, 40],
      valueBytes: 2,
      descriptor: -1,
      offset: 0,
    } as const;
    const options = { architecture: 'llama', config: { num_attention_heads: 4 }, type: 'Q8_0', skippedPositions: 0 } as const;
    expect(targetsOf([odd], options)[0]?.type).toBe('BF16');
  });
});

describe('what does not fit is named', () => {
  const tensor = (name: string, shape: readonly number[]): SourceTensor => ({
    name,
    type: 'BF16',
    shape,
    valueBytes: 2,
    descriptor: -1,
    offset: 0,
  });

  test('a tensor without a place', () => {
    expect(() => layout('llama-3.2-1b', [tensor('model.layers.0.mystery.weight', [2, 2])])).toThrow(
      /has no tensor for model\.layers\.0\.mystery\.weight \(2 x 2\)/,
    );
  });

  test('two tensors for one place', () => {
    expect(() => layout('llama-3.2-1b', [tensor('layers.0.mlp.up_proj.weight', [2, 2])])).toThrow(/Two tensors of the folder/);
  });

  test('an expert that is missing', () => {
    const some = [0, 1, 3].map((expert) => tensor(`model.layers.99.mlp.experts.${expert}.up_proj.weight`, [2, 2]));
    expect(() => layout('qwen3-30b-a3b', some)).toThrow(/experts of blk\.99\.ffn_up_exps\.weight are not all there/);
  });

  test('heads that the rows do not share', () => {
    expect(() => layout('llama-3.2-1b', [tensor('model.layers.99.self_attn.q_proj.weight', [33, 64])])).toThrow(/33 rows/);
  });

  test('a name that would lead elsewhere is none', () => {
    for (const name of ['constructor.weight', '__proto__.weight', 'model.layers.0.toString.weight']) {
      expect(() => layout('llama-3.2-1b', [tensor(name, [2])])).toThrow(/has no tensor for/);
    }
  });
});
