/**
 * A Hugging Face folder's files: what is missing and what is wrong, by name; what the texts beside
 * the weights say.
 */

import { describe, expect, test } from 'vitest';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import type { CandidateFile } from '../../../main/core/analyzer/findings.ts';
import { contextOf } from '../../../main/core/analyzer/huggingface-context.ts';
import { layerKinds } from '../../../main/core/analyzer/huggingface-layers.ts';
import { readReadme } from '../../../main/core/analyzer/readme.ts';
import { CORPUS, configFile, safetensorsFile, type Tensor, TOKENIZER_FILES, textFile, virtualFile } from '../../helpers/corpus.ts';
import { checkpoint } from './synthetic-zip.ts';

const config = textFile('config.json', {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 64,
  num_attention_heads: 4,
  num_hidden_layers: 2,
  max_position_embeddings: 2048,
});
const tensor = (name: string, size = 8): Tensor => ({ name, type: 'BF16', shape: [size, size] });
const one = safetensorsFile('model.safetensors', [tensor('a'), tensor('b')]);
const part = (number: number, ...names: string[]) =>
  safetensorsFile(
    `model-0000${number}-of-00002.safetensors`,
    names.map((name) => tensor(name)),
  );
const index = (map: Readonly<Record<string, number>>) =>
  textFile('model.safetensors.index.json', {
    weight_map: Object.fromEntries(Object.entries(map).map(([name, number]) => [name, `model-0000${number}-of-00002.safetensors`])),
  });
const base = [config, ...TOKENIZER_FILES];
const cut = (file: CandidateFile, bytes: number): CandidateFile => {
  const source = file.open();
  return virtualFile(file.path, source.read(0, Math.min(bytes, 4096)), bytes);
};
const analyze = (...files: readonly CandidateFile[]) => analyzeCandidate(files, false);
const raw = (header: string, dataBytes: number, path = 'model.safetensors'): CandidateFile => {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return virtualFile(path, Buffer.concat([length, text]), 8 + text.length + dataBytes);
};
const entry = (begin: number, end: number, shape: readonly number[] = [(end - begin) / 2]) =>
  JSON.stringify({ dtype: 'BF16', shape, data_offsets: [begin, end] });

describe('what is missing or wrong, by file', () => {
  test.each<[string, readonly CandidateFile[], object]>([
    [
      'a truncated file',
      [cut(one, one.bytes - 10)],
      { file: 'model.safetensors', kind: 'truncated', expectedBytes: one.bytes, presentBytes: one.bytes - 10 },
    ],
    ['a header on its way', [cut(one, 40)], { file: 'model.safetensors', kind: 'truncated', expectedBytes: null }],
    ['a missing shard', [part(1, 'a'), index({ a: 1, b: 2 })], { file: 'model-00002-of-00002.safetensors', kind: 'missing' }],
    ['a missing shard, before there is an index', [part(1, 'a')], { file: 'model-00002-of-00002.safetensors', kind: 'missing' }],
    ['an index on its way', [part(1, 'a'), part(2, 'b')], { file: 'model.safetensors.index.json', kind: 'missing' }],
    [
      'half an index',
      [part(1, 'a'), part(2, 'b'), cut(index({ a: 1, b: 2 }), 60)],
      { file: 'model.safetensors.index.json', kind: 'truncated' },
    ],
    [
      'a shard without the tensor that the index puts there',
      [part(1, 'a'), part(2, 'c'), index({ a: 1, b: 2 })],
      { file: 'model-00002-of-00002.safetensors' },
    ],
    [
      'a part of more than there can be',
      [{ ...part(1, 'a'), path: 'model-00001-of-99999.safetensors' }],
      { kind: 'damaged', message: expect.stringContaining('is by its name one of 99999 parts; at most 2000 are possible') },
    ],
    ['no weights', [], { file: 'the weights', kind: 'missing' }],
    [
      'a partial download',
      [part(1, 'a'), { ...part(2, 'b'), path: 'model-00002-of-00002.safetensors.incomplete' }, index({ a: 1, b: 2 })],
      { file: 'model-00002-of-00002.safetensors', kind: 'partial-download' },
    ],
    [
      'a pointer',
      [textFile('model.safetensors', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5000\n')],
      { file: 'model.safetensors', kind: 'lfs-pointer', expectedBytes: 5000 },
    ],
    ['an empty file', [textFile('model.safetensors', '')], { file: 'model.safetensors', kind: 'empty' }],
    ['bytes beyond the last tensor', [cut(one, one.bytes + 5)], { file: 'model.safetensors', kind: 'damaged' }],
    [
      'a gap',
      [raw(`{"a":${entry(0, 8)},"b":${entry(16, 24)}}`, 24)],
      { kind: 'damaged', message: expect.stringContaining('belong to none') },
    ],
    ['an overlap', [raw(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12)], { kind: 'damaged', message: expect.stringContaining('overlap') }],
    [
      'a size that is not its shape',
      [raw(`{"a":${entry(0, 8, [5])}}`, 8)],
      { kind: 'damaged', message: expect.stringContaining('shape needs 10') },
    ],
    ['an offset that overflows', [raw(`{"a":${entry(0, 2 ** 60, [2 ** 59])}}`, 8)], { kind: 'damaged' }],
    ['a shape that overflows', [raw(`{"a":${entry(0, 8, [2 ** 50, 2 ** 50])}}`, 8)], { kind: 'damaged' }],
    ['a name twice', [raw(`{"a":${entry(0, 8)},"a":${entry(8, 16)}}`, 16)], { kind: 'damaged', message: expect.stringContaining('twice') }],
  ])('%s', (_what, files, problem) => {
    const analysis = analyze(...base, ...files);
    expect(analysis.whole).toBe(false);
    expect(analysis.usable).toBe(false);
    const problems = analysis.profile?.problems ?? [];
    // A damaged one has no profile: the sentence is what is left.
    if (problems.length > 0) expect(problems).toContainEqual(expect.objectContaining(problem));
    else expect(analysis.damage).not.toBeNull();
    expect(analysis.missing.length + (analysis.damage === null ? 0 : 1)).toBeGreaterThan(0);
    expect(analysis.profile?.completenessPercent ?? 0).toBeLessThan(100);
  });

  test('a header with an unknown type is passed over, not refused', () => {
    const file = raw(`{"a":{"dtype":"F3","shape":[4],"data_offsets":[0,3]}}`, 3);
    expect(analyze(...base, file)).toMatchObject({ whole: true, damage: null });
  });

  test('an index of an earlier split is stale, not a reason to wait', () => {
    const analysis = analyze(...base, one, index({ a: 1, b: 2 }));
    expect(analysis).toMatchObject({ whole: true, missing: [] });
    expect(analysis.profile?.problems).toMatchObject([{ file: 'model.safetensors.index.json', kind: 'stale-index' }]);
    const merged = analyze(...base, part(1, 'a', 'b'), index({ a: 1, b: 2 }));
    expect(merged).toMatchObject({ whole: true, missing: [] });
    expect(merged.profile?.problems).toMatchObject([{ kind: 'stale-index' }]);
  });

  test.each([
    ['config.json', [one, ...TOKENIZER_FILES]],
    ['config.json', [cut(config, 50), one, ...TOKENIZER_FILES]],
    ['tokenizer.json', [config, one]],
    ['tokenizer.json', [config, one, cut(TOKENIZER_FILES[0]!, 30)]],
  ])('without (all of) %s it waits', (file, files) => {
    const analysis = analyze(...files);
    expect(analysis).toMatchObject({ whole: false, damage: null });
    expect(analysis.missing.join()).toMatch(file === 'config.json' ? /config\.json/ : /tokenizer/);
  });

  test('a hole in a preallocated file is not data', () => {
    const big = { name: 'a', type: 'BF16', shape: [8 * 1024 * 1024] };
    const file = safetensorsFile('model.safetensors', [big]);
    const source = file.open();
    const holed = {
      ...file,
      open: () => ({
        bytes: source.bytes,
        read: (offset: number, length: number) => {
          const bytes = source.read(offset, length);
          return offset > 4_000_000 && offset < 8_000_000 ? bytes.fill(0) : bytes;
        },
      }),
    };
    expect(analyze(...base, holed).zeroTails).toEqual(['model.safetensors: a']);
    expect(analyze(...base, file).zeroTails).toEqual([]);
  });
});

describe('several forms', () => {
  const pickle = virtualFile('pytorch_model.bin', checkpoint());

  test('pickles beside safetensors are a form of their own, and only that one has to be trusted', () => {
    expect(analyze(...base, one, pickle).profile?.forms).toMatchObject([
      { kind: 'transformers', files: ['config.json', 'model.safetensors'], codeFiles: [] },
      { kind: 'pickle', files: ['pytorch_model.bin'], codeFiles: ['pytorch_model.bin'] },
    ]);
    expect(analyze(...base, pickle).profile?.forms).toEqual([
      { kind: 'transformers', files: ['config.json', 'pytorch_model.bin'], codeFiles: ['pytorch_model.bin'] },
    ]);
  });

  test('what nobody would use never blocks', () => {
    const pointer = textFile('pytorch_model.bin', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5000\n');
    const listed = textFile('pytorch_model.bin.index.json', { weight_map: { a: 'pytorch_model-00001-of-00002.bin' } });
    const analysis = analyze(...base, one, listed);
    expect(analysis).toMatchObject({ whole: true, missing: [] });
    expect(analyze(...base, one, pointer).whole).toBe(true);
    expect(analyze(...base, pointer).whole).toBe(false);
  });

  test('a GGUF that is whole waits while the safetensors beside it are on their way, and is usable meanwhile', async () => {
    const { writeGguf, llama } = await import('./synthetic-gguf.ts');
    const gguf = virtualFile('m.gguf', writeGguf(llama()));
    expect(analyze(...base, gguf, cut(one, one.bytes - 4))).toMatchObject({ whole: false, usable: true });
    // Only described: nobody is copying them.
    expect(analyze(...base, gguf)).toMatchObject({ whole: true });
    expect(analyze(...base, gguf, index({ a: 1, b: 2 }))).toMatchObject({ whole: true });
    expect(analyze(...base, gguf, one).profile?.forms.map(({ kind }) => kind)).toEqual(['gguf', 'transformers']);
  });
});

describe('sentence-transformers', () => {
  const modules = textFile('modules.json', [
    { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
    { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
  ]);
  const pooling = textFile('1_Pooling/config.json', { word_embedding_dimension: 64, pooling_mode_mean_tokens: true });
  const length = textFile('sentence_bert_config.json', { max_seq_length: 256 });

  test('a decoder that is used for its vectors, with pooling and length', () => {
    const profile = analyze(...base, one, modules, pooling, length).profile;
    expect(profile).toMatchObject({ kind: 'embedding', pooling: 'mean', contextLength: 256, architecture: 'LlamaForCausalLM' });
    expect(profile?.forms).toMatchObject([{ kind: 'transformers', files: ['config.json', 'model.safetensors'], codeFiles: [] }]);
  });

  test('a module of another package is code', () => {
    const foreign = textFile('modules.json', [{ idx: 0, name: '0', path: '', type: 'custom_st.Transformer' }]);
    expect(analyze(...base, one, foreign).profile?.forms[0]?.codeFiles).toEqual(['modules.json']);
  });
});

describe('texts beside the weights', () => {
  test.each<[string, CandidateFile, boolean]>([
    ['one template', textFile('tokenizer_config.json', { chat_template: '{{ m }}' }), true],
    ['a list of named templates', textFile('tokenizer_config.json', { chat_template: [{ name: 'default', template: '{{ m }}' }] }), true],
    ['an empty template', textFile('tokenizer_config.json', { chat_template: '' }), false],
    ['a file of its own', textFile('chat_template.jinja', '{{ m }}'), true],
    ["a processor's file", textFile('chat_template.json', { chat_template: '{{ m }}' }), true],
    ['none', textFile('generation_config.json', {}), false],
  ])('%s', (_what, file, isChat) => {
    const analysis = analyze(config, one, TOKENIZER_FILES[0]!, file);
    expect(analysis.profile).toMatchObject({ hasChatTemplate: isChat, kind: isChat ? 'chat' : 'completion' });
    expect(analysis.profile?.notes.join().includes('no chat template')).toBe(!isChat);
  });

  test.each([
    [
      { temperature: 0.6, top_p: 0.95, do_sample: true },
      { temperature: 0.6, topP: 0.95 },
    ],
    [{ temperature: 0 }, { temperature: 0, topP: null }],
    [{ temperature: -1, top_p: 7 }, undefined],
    [{ temperature: 'hot' }, undefined],
    [{}, undefined],
  ])('how its author has its words drawn: %j', (generation, sampling) => {
    expect(analyze(...base, one, textFile('generation_config.json', generation)).profile?.sampling).toEqual(sampling);
  });

  test('the front matter of a README', () => {
    const text =
      '---\nlicense: apache-2.0\nlanguage:\n- en\ntags: [chat, "small"]\npipeline_tag: text-generation # as the hub sees it\nbase_model:\n  - a/b\n---\n# Title\nlicense: no\n';
    expect(readReadme(textFile('README.md', text))).toEqual({
      licence: 'apache-2.0',
      tags: ['chat', 'small'],
      pipelineTag: 'text-generation',
      libraryName: null,
      baseModel: 'a/b',
    });
    expect(readReadme(textFile('README.md', '---\nlicense: other\nlicense_name: llama3.1\n---\n')).licence).toBe('llama3.1');
    expect(readReadme(textFile('README.md', '# Title'))).toMatchObject({ licence: null, tags: [] });
    expect(analyze(...base, one, textFile('README.md', text)).profile).toMatchObject({ licence: 'apache-2.0', tags: ['chat', 'small'] });
  });
});

describe('figures of the configuration', () => {
  test.each<[object, number | null]>([
    [{ max_position_embeddings: 4096 }, 4096],
    [{ max_position_embeddings: 4096, n_positions: 1024 }, 1024],
    [{ max_position_embeddings: 4096, rope_scaling: { type: 'linear', factor: 4 } }, 16_384],
    [{ max_position_embeddings: 4096, rope_scaling: { type: 'dynamic', factor: 2 } }, 8192],
    [
      { max_position_embeddings: 32_768, rope_scaling: { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32_768 } },
      131_072,
    ],
    [{ max_position_embeddings: 131_072, rope_scaling: { rope_type: 'llama3', factor: 8 } }, 131_072],
    [
      {
        max_position_embeddings: 131_072,
        rope_parameters: { full_attention: { rope_type: 'yarn', factor: 2, original_max_position_embeddings: 8192 } },
      },
      16_384,
    ],
    [{ model_type: 'cohere', max_position_embeddings: 8192, model_max_length: 131_072 }, 131_072],
    [{ model_type: 'xlm-roberta', max_position_embeddings: 514, pad_token_id: 1 }, 512],
    [{ max_position_embeddings: 4096, rope_scaling: { type: 'linear', factor: 1e300 } }, 4096],
    [{ max_position_embeddings: -1 }, null],
    [{}, null],
  ])('the context of %j is %s', (figures, context) => expect(contextOf(figures as Record<string, unknown>)).toBe(context));

  test.each<[object, string]>([
    [
      {
        num_hidden_layers: 4,
        layer_types: ['sliding_attention', 'full_attention', 'chunked_attention', 'linear_attention'],
        sliding_window: 8,
      },
      'sliding full chunked recurrent',
    ],
    [
      { num_hidden_layers: 4, model_type: 'qwen2', use_sliding_window: true, sliding_window: 8, max_window_layers: 2 },
      'full full sliding sliding',
    ],
    [{ num_hidden_layers: 2, model_type: 'qwen2', sliding_window: 8 }, 'full full'],
    [{ num_hidden_layers: 4, model_type: 'qwen3_next', full_attention_interval: 4 }, 'recurrent recurrent recurrent full'],
    [{ num_hidden_layers: 4, attn_layer_period: 4, attn_layer_offset: 1 }, 'recurrent full recurrent recurrent'],
    [{ hybrid_override_pattern: 'M-*E' }, 'recurrent none full none'],
    [
      { num_hidden_layers: 4, model_type: 'kimi_linear', linear_attn_config: { full_attn_layers: [4] } },
      'recurrent recurrent recurrent full',
    ],
    [{ num_hidden_layers: 4, model_type: 'exaone4', sliding_window: 8, sliding_window_pattern: 'LLLG' }, 'sliding sliding sliding full'],
    [{ num_hidden_layers: 3, attn_layer_indices: [1] }, 'recurrent full recurrent'],
  ])('the layers of %j are %s', (figures, kinds) => expect(layerKinds(figures as Record<string, unknown>)?.kinds.join(' ')).toBe(kinds));

  test('a claim of a million layers is not believed', () => {
    expect(layerKinds({ num_hidden_layers: 1e6 })).toBeNull();
  });

  test('the text part may lie three levels down', () => {
    const nested = textFile('config.json', {
      architectures: ['Qwen2_5OmniModel'],
      model_type: 'qwen2_5_omni',
      thinker_config: { model_type: 'qwen2_5_omni_thinker', vision_config: {}, text_config: { ...CORPUS['qwen2.5-7b']!.config } },
    });
    const profile = analyze(nested, one, ...TOKENIZER_FILES).profile;
    expect(profile).toMatchObject({ layers: 28, kvHeads: 4, kv: { bytesPerToken: 28 * 4 * 128 * 4 } });
  });

  test('a quantisation that hf_quant_config.json names', () => {
    const files = [configFile(CORPUS['llama-3-8b']!), textFile('hf_quant_config.json', { quantization: { quant_algo: 'FP8' } })];
    expect(analyze(...files, one, ...TOKENIZER_FILES).profile?.quantization).toBe('ModelOpt FP8');
  });
});
