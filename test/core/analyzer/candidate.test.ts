import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import type { CandidateFile } from '../../../main/core/analyzer/findings.ts';
import { tinyModel } from '../../../main/embedded/gguf/tiny-model.ts';
import { counted, llama, type Meta, type SyntheticGguf, writeGguf } from './synthetic-gguf.ts';

type Contents = Readonly<Record<string, Uint8Array | string | object>>;

function files(contents: Contents): CandidateFile[] {
  return Object.entries(contents).map(([path, content]) => {
    const bytes = content instanceof Uint8Array ? content : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
    return { path, bytes: bytes.length, open: () => counted(bytes) };
  });
}

function analyze(contents: Contents, force = false) {
  return analyzeCandidate(files(contents), force);
}

function profileOf(gguf: SyntheticGguf) {
  return analyze({ 'model.gguf': writeGguf(gguf) }).profile!;
}

function safetensors(tensors: Readonly<Record<string, { dtype: string; shape: number[]; data_offsets: number[] }>>, fill = 1): Buffer {
  const header = Buffer.from(JSON.stringify(tensors));
  const end = Math.max(...Object.values(tensors).map((tensor) => tensor.data_offsets[1]!));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(end, fill)]);
}

const shard = safetensors({ 'model.layers.0.w': { dtype: 'BF16', shape: [4, 8], data_offsets: [0, 64] } });
const u32 = (value: number): Meta => ({ type: 'u32', value });
const text = (value: string): Meta => ({ type: 'string', value });

describe('a GGUF', () => {
  test('that is whole can be used beside one that is not: waited for while bytes may come, and then served', () => {
    const good = writeGguf(llama());
    for (const other of [good.subarray(0, good.length - 64), good.subarray(0, 40)]) {
      for (const [whole, broken] of [
        ['a-q4.gguf', 'b-q8.gguf'],
        ['b-q4.gguf', 'a-q8.gguf'],
      ] as const) {
        const found = analyze({ [whole]: good, [broken]: other });
        expect(found).toMatchObject({ whole: false, usable: true, damage: null });
        expect(found.missing.join()).toContain(broken);
        expect(found.profile?.forms[0]?.files).toEqual([whole]);
      }
    }
    const half = analyze({ 'a.gguf': good, 'b-00001-of-00002.gguf': good });
    expect(half).toMatchObject({ usable: true, whole: false });
    expect(analyze({ 'a.gguf': good.subarray(0, good.length - 64) }).usable).toBe(false);
  });

  test('tells its profile from shapes and metadata', () => {
    expect(profileOf(llama())).toMatchObject({
      kind: 'chat',
      architecture: 'llama',
      name: 'Synthetic',
      parameters: 64 * 4 + 2 * 64 * 64 + 64 * 4,
      weightBytes: 9728,
      weightBytesByType: { Q8_0: 8704, F16: 1024 },
      quantization: 'Q8_0',
      contextLength: 2048,
      layers: 2,
      heads: 4,
      kvHeads: 2,
      vocabularySize: 4,
      // 2 layers x 2 heads x (16 + 16) values x 2 bytes
      kv: { bytesPerToken: 256, bytesPerSequence: 0, exact: true },
      layerBytes: [4352, 4352],
      inputBytes: 512,
      outputBytes: 512,
      forms: [{ kind: 'gguf', files: ['model.gguf'], codeFiles: [] }],
      notes: [],
    });
  });

  test('tells how its author has its words drawn, where the file says so', () => {
    const warm: Meta = { type: 'f32', value: 0.6 };
    expect(profileOf(llama({ metadata: [['general.sampling.temp', warm]] }))?.sampling).toEqual({ temperature: 0.6, topP: null });
    expect(profileOf(llama())?.sampling).toBeUndefined();
  });

  test.each<[string, readonly (readonly [string, Meta])[], readonly string[], string]>([
    ['a chat template', [], [], 'chat'],
    ['no chat template', [], ['tokenizer.chat_template'], 'completion'],
    ['a pooling type', [['llama.pooling_type', u32(3)]], [], 'embedding'],
    ['pooling by rank', [['llama.pooling_type', u32(4)]], [], 'reranker'],
    ['an embedding architecture', [['general.architecture', text('nomic-bert')]], [], 'embedding'],
    ['an adapter', [['general.type', text('adapter')]], [], 'unknown'],
    ['a projector', [['general.architecture', text('clip')]], [], 'unknown'],
    ['no tokenizer', [], ['tokenizer.ggml.model'], 'unknown'],
  ])('%s makes the kind', (_what, metadata, without, kind) => {
    const profile = profileOf(llama({ metadata, without }));
    expect(profile.kind).toBe(kind);
    expect(profile.notes.length > 0).toBe(kind === 'unknown' || kind === 'completion');
  });

  test.each<[string, string, RegExp | null]>([
    ['renders', '{% for m in messages %}{{ m.content }}{% endfor %}', null],
    ['wants tools and a system text', "{{ messages[0].role == 'system' and tools[0].function.name or raise_exception('no') }}", null],
    ['wants parts', '{{ messages[0].content[0].text + "" }}', null],
    ['is no template', 'a\n{% for %}', /^Its chat template cannot be rendered \(line 2: .*\): it completes text, and refuses chats\.$/],
    ['always refuses', "{{ raise_exception('never') }}", /\(line 1: never\)/],
    ['never ends', '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}', /\(line 1: it does not end/],
    [
      'doubles',
      "{% set n = namespace(s='ab') %}{% for i in range(999) %}{% set n.s = n.s + n.s %}{% endfor %}",
      /makes a text of more than/,
    ],
  ])('whose chat template %s says so at the drop', (_what, template, wanted) => {
    const { notes, kind } = profileOf(llama({ metadata: [['tokenizer.chat_template', text(template)]] }));
    expect(kind).toBe('chat');
    if (wanted === null) expect(notes).toEqual([]);
    else expect(notes).toEqual([expect.stringMatching(wanted)]);
  });

  test('that does not say how its tokenizer cuts texts says so', () => {
    expect(profileOf(llama({ without: ['tokenizer.ggml.pre'] })).notes.join()).toContain('tokenizer.ggml.pre');
    const pieces = { metadata: [['tokenizer.ggml.model', text('llama')]] as const, without: ['tokenizer.ggml.pre'] };
    expect(profileOf(llama(pieces)).notes).toEqual([]);
  });

  test.each<[string, readonly (readonly [string, Meta])[], object]>([
    [
      'own widths of keys and values',
      [
        ['llama.attention.key_length', u32(32)],
        ['llama.attention.value_length', u32(8)],
      ],
      { bytesPerToken: 320, exact: true },
    ],
    ['heads by layer', [['llama.attention.head_count_kv', { type: 'u32s', value: [1, 4] }]], { bytesPerToken: 320, exact: true }],
    ['a window that llama.cpp does not heed', [['llama.attention.sliding_window', u32(512)]], { bytesPerToken: 256, exact: true }],
    [
      'an index of its own',
      [
        ['general.architecture', text('glm-dsa')],
        ...['block_count', 'embedding_length', 'attention.head_count'].map((key) => [`glm-dsa.${key}`, u32(4)] as const),
      ],
      { bytesPerToken: 4 * 4 * 2 * 2, exact: false },
    ],
    [
      'recurrent layers',
      [
        ['general.architecture', text('mamba')],
        ['mamba.block_count', u32(2)],
        ['mamba.embedding_length', u32(64)],
        ['mamba.ssm.state_size', u32(16)],
        ['mamba.ssm.inner_size', u32(128)],
        ['mamba.ssm.conv_kernel', u32(4)],
      ],
      { bytesPerToken: 0, bytesPerSequence: 2 * 4 * (3 * 128 + 16 * 128), exact: true },
    ],
    [
      'zero heads',
      [
        ['llama.attention.head_count', u32(0)],
        ['llama.attention.head_count_kv', u32(0)],
      ],
      { bytesPerToken: 0 },
    ],
  ])('the cache with %s', (_what, metadata, kv) => {
    expect(profileOf(llama({ metadata })).kv).toMatchObject(kv);
  });

  test('a header with weights still on their way says how many bytes are expected', () => {
    const whole = writeGguf(llama());
    const half = analyze({ 'model.gguf': whole.subarray(0, whole.length - 5000) });
    expect(half).toMatchObject({ bytesExpected: whole.length, damage: null, whole: false });
    expect(half.missing).toEqual(['model.gguf: 5 KiB']);
    expect(analyze({ 'model.gguf': whole.subarray(0, 100) })).toMatchObject({
      bytesExpected: null,
      damage: null,
      missing: ['model.gguf: its header is not complete'],
    });
    expect(analyze({ 'model.gguf': Buffer.alloc(whole.length) })).toMatchObject({
      bytesExpected: null,
      damage: null,
      missing: ['model.gguf: its header is not complete'],
    });
  });

  test('a large tensor that ends in zeros counts as missing until a person says load anyway', () => {
    const big = { name: 'blk.0.big', shape: [512, 1024], type: 1, bytes: 1024 * 1024 };
    const contents = { 'model.gguf': writeGguf({ ...llama(), tensors: [big], fill: 0 }) };
    expect(analyze(contents).zeroTails).toEqual(['model.gguf: blk.0.big']);
    const forced = analyze(contents, true);
    expect(forced.zeroTails).toEqual([]);
    expect(forced.profile?.notes.join()).toContain('ends in zeros');
  });

  test('a split model needs all its parts, in the order of their names', () => {
    const part = (no: number): Buffer => {
      const split = [
        ['split.no', u32(no)],
        ['split.count', u32(3)],
      ] as const;
      return writeGguf(
        no === 0 ? llama({ metadata: split }) : { metadata: split, tensors: [{ name: `blk.${no + 1}.w`, shape: [8], type: 0, bytes: 32 }] },
      );
    };
    const name = (no: number): string => `m-0000${no + 1}-of-00003.gguf`;
    const some = analyze({ [name(0)]: part(0), [name(2)]: part(2) });
    expect(some).toMatchObject({ bytesExpected: null, missing: [`${name(1)}: not there yet`], profile: null });
    const all = analyze({ [name(2)]: part(2), [name(0)]: part(0), [name(1)]: part(1) });
    expect(all.profile?.forms).toMatchObject([{ kind: 'gguf', files: [name(0), name(1), name(2)], codeFiles: [] }]);
    expect(all.profile?.weightBytes).toBe(9728 + 64);
    expect(analyze({ [name(0)]: part(0), [name(1)]: part(2), [name(2)]: part(1) }).damage).toContain('not the part');
    expect(analyze({ 'renamed.gguf': part(0) }).damage).toContain('one of 3 parts');
  });

  test('of several the first that is a model is served, and the others are named', () => {
    const profile = analyze({
      'a-mmproj.gguf': writeGguf(llama({ metadata: [['general.architecture', text('clip')]] })),
      'b-broken.gguf': Buffer.from('nothing of the kind, but long enough'),
      'c.gguf': writeGguf(llama()),
      'd.gguf': writeGguf(llama()),
    }).profile;
    expect(profile?.forms[0]?.files).toEqual(['c.gguf']);
    expect(profile?.notes).toHaveLength(2);
    expect(profile?.forms[0]?.companions).toEqual([{ role: 'projector', file: 'a-mmproj.gguf' }]);
    expect(analyze({ 'b.gguf': Buffer.from('nothing of the kind, but long enough') }).damage).toContain(
      'does not begin with the letters GGUF',
    );
  });

  test('the tiny model is a chat model, in one file and in parts', () => {
    const contents = Object.fromEntries(tinyModel().map(({ name, bytes }) => [name, bytes]));
    expect(analyze(contents)).toMatchObject({ missing: [], damage: null, zeroTails: [], profile: { architecture: 'llama' } });
  });
});

describe('not there yet', () => {
  const model = writeGguf(llama());
  test.each<[string, Contents, string]>([
    ['a partial download', { 'model.gguf.part': model }, 'model.gguf: its download is not complete'],
    ['notes of aria2', { 'model.gguf': model, 'model.gguf.aria2': 'x' }, 'model.gguf: its download is not complete'],
    ['an empty file', { 'model.gguf': '' }, 'model.gguf: still empty'],
    [
      'a Git-LFS pointer',
      { 'model.gguf': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4000\n' },
      'model.gguf: only a Git-LFS pointer',
    ],
    ['nothing', {}, 'any file of a model'],
  ])('%s', (_what, contents, words) => {
    const analysis = analyze(contents);
    expect(analysis.missing[0]).toContain(words);
    expect(analysis.whole).toBe(false);
    expect(analysis.usable).toBe(false);
  });
});

describe('a Hugging Face folder', () => {
  const config = {
    architectures: ['LlamaForCausalLM'],
    hidden_size: 64,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    num_hidden_layers: 2,
    max_position_embeddings: 2048,
    vocab_size: 100,
  };

  test('says what it is, and lists what would execute', () => {
    const profile = analyze({
      'config.json': { ...config, auto_map: { AutoModel: 'other/repo--m.M' } },
      'model.safetensors': shard,
      'modeling.py': 'x',
      'old.bin': 'pickle',
      'tokenizer_config.json': { chat_template: 'x', tokenizer_class: 'LlamaTokenizer' },
    }).profile;
    expect(profile).toMatchObject({
      kind: 'chat',
      architecture: 'LlamaForCausalLM',
      parameters: 32,
      weightBytes: 64,
      quantization: 'BF16',
      kv: { bytesPerToken: 256, exact: true },
      tokenizer: 'LlamaTokenizer',
      forms: [
        {
          kind: 'transformers',
          files: ['config.json', 'model.safetensors'],
          codeFiles: ['config.json', 'modeling.py'],
        },
        { kind: 'pickle', files: ['old.bin'], codeFiles: ['config.json', 'modeling.py', 'old.bin'] },
      ],
    });
  });

  test.each([
    ['LlamaForCausalLM', {}, 'completion'],
    ['GPT2LMHeadModel', {}, 'completion'],
    ['BertModel', {}, 'embedding'],
    ['BertForSequenceClassification', {}, 'classifier'],
    ['BertForSequenceClassification', { id2label: { 0: 'x' } }, 'reranker'],
    ['WhisperForConditionalGeneration', {}, 'speech'],
    ['LlavaForConditionalGeneration', { vision_config: {} }, 'vision-language'],
    ['ViTForImageClassification', {}, 'vision'],
    ['SomethingElse', {}, 'unknown'],
  ])('%s %j is a %s model', (architecture, more, kind) => {
    expect(analyze({ 'config.json': { architectures: [architecture], ...more }, 'model.safetensors': shard }).profile?.kind).toBe(kind);
  });

  test('shards that the index names are waited for, and those outside the folder are refused', () => {
    const index = (name: string) => ({
      'config.json': config,
      'tokenizer.json': {},
      'a.safetensors': shard,
      'model.safetensors.index.json': { weight_map: { 'model.layers.0.w': 'a.safetensors', y: name } },
    });
    expect(analyze(index('b.safetensors'))).toMatchObject({
      missing: ['b.safetensors: not there yet'],
      bytesExpected: null,
      whole: false,
    });
    expect(analyze(index('../b.safetensors')).damage).toContain('outside the folder');
    expect(analyze({ 'config.json': config }).missing[0]).toContain('the weights');
  });

  test('2,000 mutations of a safetensors header: an analysis, never another error', () => {
    const change = fc.array(fc.tuple(fc.nat(shard.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(change, fc.nat(shard.length), (changes, cut) => {
        const file = Buffer.from(shard).subarray(0, shard.length - (cut % 3 === 0 ? cut : 0));
        for (const [at, value] of changes) if (at < file.length) file[at] = value;
        const analysis = analyze({ 'config.json': config, 'tokenizer.json': {}, 'model.safetensors': file });
        expect(analysis.whole).toBe(analysis.damage === null && analysis.missing.length === 0);
      }),
      { numRuns: 2_000 },
    );
  });
});

test('a folder with neither says what was found', () => {
  const profile = analyze({ 'README.md': 'hello', 'weights.bin': 'x' }).profile;
  expect(profile).toMatchObject({ kind: 'unknown', forms: [{ kind: 'unknown', files: ['README.md', 'weights.bin'] }] });
  expect(profile?.notes[0]).toContain('README.md, weights.bin');
});
