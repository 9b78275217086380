/**
 * Files as Python, editors and exporters write them: what transformers reads is read, and what
 * nobody reads is told in words that help.
 */
import { describe, expect, test } from 'vitest';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import { classOfType } from '../../../main/core/analyzer/huggingface-classes.ts';
import { type Contents, folderOf } from './folder-of.ts';

const LLAMA = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 1,
  num_key_value_heads: 1,
  intermediate_size: 8,
  vocab_size: 8,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
};
const NAMES = ['model.embed_tokens.weight', 'model.norm.weight', 'model.layers.0.self_attn.q_proj.weight'];

function safetensors(names: readonly string[] = NAMES): Buffer {
  const header = Object.fromEntries(names.map((name, at) => [name, { dtype: 'F32', shape: [1], data_offsets: [4 * at, 4 * at + 4] }]));
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(4 * names.length, 1)]);
}

const FOLDER: Contents = { 'config.json': LLAMA, 'tokenizer.json': { model: { type: 'BPE' } }, 'model.safetensors': safetensors() };
const analyze = (contents: Contents) => analyzeCandidate(folderOf({ ...FOLDER, ...contents }), false);
const withText = (config: object, more: string): string => JSON.stringify(config).replace(/}$/, `,${more}}`);
/** As PowerShell's `>` and Notepad save it. */
const utf16 = (text: string, isMarked: boolean): Buffer => Buffer.from(`${isMarked ? '\ufeff' : ''}${text}`, 'utf16le');

test.each<[string, Contents]>([
  ['chat_template.jinja', { 'chat_template.jinja': 'a\n{% for %}' }],
  ['tokenizer_config.json', { 'tokenizer_config.json': { chat_template: 'a\n{% for %}' } }],
  ['a template by name', { 'tokenizer_config.json': { chat_template: [{ name: 'default', template: 'a\n{% for %}' }] } }],
])('a chat template that cannot be rendered is told at the drop: %s', (_, files) => {
  expect(analyze(files).profile?.notes).toEqual([expect.stringMatching(/chat.*\(line 2/)]);
});

describe('JSON as Python writes it', () => {
  test.each([
    ['config.json', withText(LLAMA, '"time_step_limit": [0.0, Infinity]')],
    ['config.json', withText(LLAMA, '"a": NaN, "b": -Infinity, "c": "NaN \\" Infinity"')],
    ['config.json', `\ufeff${JSON.stringify(LLAMA)}\r\n`],
    ['generation_config.json', '{"temperature": NaN}'],
    ['tokenizer_config.json', '{"model_max_length": Infinity}'],
    ['special_tokens_map.json', '{"a": [-Infinity]}'],
    ['trainer_config.json', '{"loss": NaN}'],
  ])('%s: %s', (name, text) => {
    const { whole, damage, missing, profile } = analyze({ [name]: text });
    expect({ whole, damage, missing }).toEqual({ whole: true, damage: null, missing: [] });
    expect(profile?.architecture).toBe('LlamaForCausalLM');
    expect(profile?.forms[0]?.codeFiles).toEqual([]);
  });

  test.each([
    ['config.json', utf16(JSON.stringify(LLAMA), true), 'it is UTF-16: save it as UTF-8'],
    ['config.json', utf16(JSON.stringify(LLAMA), false), 'it is UTF-16: save it as UTF-8'],
    ['config.json', Buffer.from(utf16(JSON.stringify(LLAMA), true)).swap16(), 'it is UTF-16: save it as UTF-8'],
    ['tokenizer_config.json', utf16('{"a": 1}', true), 'it is UTF-16: save it as UTF-8'],
    ['tokenizer.json', utf16('{"model": {}}', true), 'it is UTF-16: save it as UTF-8'],
    ['vocab.txt', utf16('[PAD]\n[UNK]\nword\n', false), 'it is UTF-16: save it as UTF-8'],
    ['merges.txt', utf16('#version: 0.2\na b\n', true), 'it is UTF-16: save it as UTF-8'],
    ['config.json', '{"a": 1,\n "b": nothing}', 'it is not JSON'],
    ['config.json', '{"a": 1}\n{"b": 2}', 'is not JSON from line 2, column 1 on'],
    ['config.json', `{"a": "${'\0'.repeat(3)}"}`, 'it holds zero bytes'],
    ['model.safetensors.index.json', utf16('{"weight_map": {}}', true), 'it is UTF-16: save it as UTF-8'],
    ['trainer_config.json', utf16('{"auto_map": {}}', true), 'it is UTF-16: save it as UTF-8'],
    ['trainer_config.json', `{"a": ${'['.repeat(70)}${']'.repeat(70)}}`, 'nest deeper'],
  ])('%s that nobody reads is told so, and is no code', (name, content, words) => {
    const { damage, whole, profile } = analyze({ [name]: content });
    expect(damage).toContain(words);
    expect(damage).toContain(name);
    expect(whole).toBe(false);
    expect(profile?.forms.flatMap(({ codeFiles }) => codeFiles) ?? []).toEqual([]);
  });

  test.each(['config.json', 'tokenizer_config.json', 'tokenizer.json'])(
    '%s with a mark in front is read, and loaders of Python are not given it',
    (name) => {
      const text = { 'config.json': JSON.stringify(LLAMA), 'tokenizer_config.json': '{}', 'tokenizer.json': '{"model": {"type": "BPE"}}' }[
        name
      ];
      const { whole, profile } = analyze({ [name]: `\ufeff${text}` });
      expect(whole).toBe(true);
      expect(profile?.forms[0]).toMatchObject({
        unloadable: `${name} begins with a byte order mark: save it as UTF-8 without one`,
        conversion: { architecture: 'llama' },
      });
      expect(analyze({}).profile?.forms[0]?.unloadable).toBeUndefined();
    },
  );

  test('a configuration that is no JSON, and that no loader asks for, holds nothing back and is no code', () => {
    const { whole, profile } = analyze({ 'wandb_config.json': '{auto_map: 1}' });
    expect(whole).toBe(true);
    expect(profile?.forms[0]?.codeFiles).toEqual([]);
  });

  test('one that names code among the words of Python still counts', () => {
    const { profile } = analyze({ 'config.json': withText(LLAMA, '"x": NaN, "auto_map": {"AutoModel": "m.M"}') });
    expect(profile?.forms[0]?.codeFiles).toEqual(['config.json']);
  });
});

describe('a config.json that names no class', () => {
  test.each([
    ['left out', undefined],
    ['null', null],
    ['empty', []],
  ])('%s: the class of its model_type, as transformers takes it', (_what, architectures) => {
    const { architectures: _, ...rest } = LLAMA;
    const { profile, whole } = analyze({ 'config.json': architectures === undefined ? rest : { ...rest, architectures } });
    expect(whole).toBe(true);
    expect(profile).toMatchObject({ architecture: 'LlamaForCausalLM', kind: 'completion' });
    expect(profile?.forms[0]).toMatchObject({ assumedClass: 'LlamaForCausalLM', conversion: { architecture: 'llama' } });
  });

  // From `MODEL_FOR_CAUSAL_LM_MAPPING_NAMES` and its neighbours, transformers 5.19.
  test.each([
    ['qwen3_moe', 'Qwen3MoeForCausalLM'],
    ['gpt2', 'GPT2LMHeadModel'],
    ['gemma3_text', 'Gemma3ForCausalLM'],
    ['gemma3', 'Gemma3ForConditionalGeneration'],
    ['t5', 'T5ForConditionalGeneration'],
    ['whisper', 'WhisperForConditionalGeneration'],
    ['xlm-roberta', 'XLMRobertaModel'],
  ])('%s is %s', (type, name) => expect(classOfType(type)).toBe(name));

  test.each([
    [{ ...LLAMA, architectures: null, model_type: 'mine' }, 'its model_type mine tells none: write the class of the original into it'],
    [{ architectures: [] }, 'names neither a class nor a model_type: write the class of the original into it'],
  ])('where transformers knows none either, what to write is said: %j', (config, words) => {
    expect(analyze({ 'config.json': config }).profile?.notes.join(' ')).toContain(words);
  });
});

describe('an index that names what no file holds', () => {
  const SHARD = 'model-00001-of-00001.safetensors';
  const indexed = (more: readonly string[], config: object = LLAMA, held = NAMES): Contents => ({
    'config.json': config,
    'tokenizer.json': { model: { type: 'BPE' } },
    [SHARD]: safetensors(held),
    'model.safetensors.index.json': { metadata: {}, weight_map: Object.fromEntries([...held, ...more].map((name) => [name, SHARD])) },
  });
  const look = (contents: Contents) => analyzeCandidate(folderOf(contents), false);

  test.each([
    ['a head of further tokens', ['mtp.fc.weight', 'model.mtp.layers.0.norm.weight'], LLAMA],
    ['a layer beyond those of config.json', ['model.layers.1.eh_proj.weight', 'model.layers.1.mlp.up_proj.weight'], LLAMA],
    ['a tied output', ['lm_head.weight'], LLAMA],
    ['tables that the class makes', ['model.layers.0.self_attn.rotary_emb.inv_freq'], LLAMA],
  ])('%s: a note', (_what, more, config) => {
    const { whole, damage, missing, profile } = look(indexed(more, config));
    expect({ whole, damage, missing }).toEqual({ whole: true, damage: null, missing: [] });
    expect(profile?.notes.join(' ')).toContain(`The index names ${more[0]}`);
  });

  test.each([
    ['an output of its own', ['lm_head.weight'], { ...LLAMA, tie_word_embeddings: false }],
    ['a matrix of a layer', ['model.layers.0.self_attn.k_proj.weight'], LLAMA],
    ['the embeddings', ['model.embed_tokens.bias'], LLAMA],
  ])('%s: it is told at once which', (_what, more, config) => {
    const { whole, damage } = look(indexed(more, config));
    expect(whole).toBe(false);
    expect(damage).toBe(
      `${SHARD} does not hold ${more[0]}, as the index says, and no other file does: get the index and its files from one place.`,
    );
  });
});

describe('descriptions as large as those of the largest models', () => {
  const wide = (count: number, prefix: string): string[] => Array.from({ length: count }, (_, at) => `${prefix}.${at}.weight_packed`);

  test('an index of 276,000 names in 25 MB, over 12 files', () => {
    const held = Array.from({ length: 12 }, (_, shard) => wide(10, `model.layers.0.mlp.experts.${shard}`));
    const nameOf = (shard: number): string => `model-${String(shard + 1).padStart(6, '0')}-of-000012.safetensors`;
    const spare = wide(276_000, 'mtp.layers.61.mlp.experts');
    const map = Object.fromEntries([
      ...held.flatMap((names, shard) => names.map((name) => [name, nameOf(shard)])),
      ...spare.map((name) => [name, nameOf(0)]),
    ]);
    const text = JSON.stringify({ metadata: {}, weight_map: map });
    expect(text.length).toBeGreaterThan(23e6);
    const { whole, damage, profile } = analyzeCandidate(
      folderOf({
        'config.json': LLAMA,
        'tokenizer.json': { model: { type: 'BPE' } },
        'model.safetensors.index.json': text,
        ...Object.fromEntries(held.map((names, shard) => [nameOf(shard), safetensors(names)])),
      }),
      false,
    );
    expect({ whole, damage }).toEqual({ whole: true, damage: null });
    expect(profile?.parameters).toBe(120);
  });

  test('a config.json of 5 MB that names a quantisation for each of 60,000 matrices', () => {
    const names = wide(60_000, 'model.layers.0.mlp.experts.of.a.mixture.with.long.names.as.they.are.published');
    const config = {
      ...LLAMA,
      quantization_config: {
        quant_method: 'auto-round',
        bits: 4,
        extra_config: Object.fromEntries(names.map((name) => [name, { bits: 16 }])),
      },
    };
    expect(JSON.stringify(config).length).toBeGreaterThan(5e6);
    const { whole, damage, profile } = analyze({ 'config.json': config });
    expect({ whole, damage }).toEqual({ whole: true, damage: null });
    expect(profile?.quantization).toBe('AutoRound 4-bit');
  });

  test('a header of 9 MB with 55,000 tensors', () => {
    const names = wide(55_000, `model.layers.0.${'block.'.repeat(14)}experts`);
    const file = safetensors(names);
    expect(file.readBigUInt64LE(0)).toBeGreaterThan(9_000_000n);
    const { whole, profile } = analyze({ 'model.safetensors': file });
    expect(whole).toBe(true);
    expect(profile?.parameters).toBe(55_000);
  });
});
