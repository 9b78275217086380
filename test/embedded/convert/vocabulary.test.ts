/**
 * The tokenizer's files as metadata: types, gaps, templates, special tokens; and files that mean
 * harm or nonsense.
 */
import { describe, expect, test } from 'vitest';
import { vocabularyMetadata } from '../../../main/embedded/convert/vocabulary.ts';
import { TOKEN } from '../../../main/embedded/convert/vocabulary-table.ts';

type Files = Readonly<Record<string, unknown>>;
const utf8 = new TextEncoder();

function metadata(
  files: Files,
  more: { readonly size?: number; readonly config?: Record<string, unknown>; readonly whole?: Record<string, unknown> } = {},
) {
  const read = (name: string): Uint8Array | null => {
    const content = files[name];
    if (content === undefined) return null;
    if (content instanceof Uint8Array) return content;
    return utf8.encode(typeof content === 'string' ? content : JSON.stringify(content));
  };
  const made = vocabularyMetadata({
    read,
    config: more.config ?? {},
    ...(more.whole === undefined ? {} : { whole: more.whole }),
    vocabularySize: more.size ?? 8,
  });
  return Object.fromEntries(Object.entries(made).map(([key, { value }]) => [key.replace('tokenizer.ggml.', ''), value])) as Record<
    string,
    unknown
  >;
}

const BYTES = { type: 'ByteLevel', add_prefix_space: false, use_regex: true };
const pairs = (more: object = {}, model: object = {}): object => ({
  added_tokens: [{ id: 3, content: '<|end|>', special: true }],
  pre_tokenizer: BYTES,
  model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'], ...model },
  ...more,
});
/** Pieces with bytes to fall back to, as SentencePiece's in tokenizer.json. */
const BYTE_PIECES = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
const pieces = (more: object = {}, model: object = {}): object => {
  const texts = ['<unk>', ...BYTE_PIECES, '▁', 'a', 'b', '▁a', 'ab', 'ba'];
  const vocab = Object.fromEntries(texts.map((text, id) => [text, id]));
  return { model: { type: 'BPE', unk_token: '<unk>', byte_fallback: true, vocab, merges: ['▁ a', 'a b'], ...model }, ...more };
};
const around = (before: readonly string[], after: readonly string[]): object => ({
  type: 'TemplateProcessing',
  single: [...before.map((id) => ({ SpecialToken: { id } })), { Sequence: { id: 'A' } }, ...after.map((id) => ({ SpecialToken: { id } }))],
});

describe('tokens', () => {
  test('ids of their own, special ones as such, gaps filled up to the embeddings', () => {
    const made = metadata({
      'tokenizer.json': pairs({
        added_tokens: [
          { id: 3, content: '<|end|>', special: true },
          { id: 5, content: '<tool>', special: false },
        ],
      }),
    });
    expect(made['tokens']).toEqual(['a', 'b', 'ab', '<|end|>', '[PAD4]', '<tool>', '[PAD6]', '[PAD7]']);
    const { normal, control, unused, userDefined } = TOKEN;
    expect(made['token_type']).toEqual([normal, normal, normal, control, unused, userDefined, unused, unused]);
    expect([made['model'], made['pre']]).toEqual(['gpt2', 'gpt-2']);
  });

  test('a filler that is a token already gets another name; two tokens of one text become one', () => {
    const made = metadata({ 'tokenizer.json': pairs({}, { vocab: { a: 0, '[PAD4]': 1, ab: 2 } }) });
    expect(new Set(made['tokens'] as string[]).size).toBe(8);
    const twice = metadata({ 'tokenizer.json': pairs({ added_tokens: [{ id: 6, content: 'ab', special: true }] }) });
    expect((twice['tokens'] as string[]).filter((text) => text === 'ab')).toHaveLength(1);
    expect((twice['tokens'] as string[])[6]).toBe('ab');
  });

  test('ends that only the top of a configuration of several parts names count, beside those of its text part', () => {
    // As Gemma 3's and Mistral 3's folders have it: transformers takes the top's for generation.
    const text = { model_type: 'gemma3_text' };
    const files = { 'tokenizer.json': pairs() };
    expect(metadata(files, { config: text, whole: { text_config: text, eos_token_id: [3, 2] } })).toMatchObject({
      eos_token_id: 3,
      eot_token_id: 2,
      'modelium.end_token_ids': [3, 2],
    });
    const both = { ...text, eos_token_id: 1 };
    expect(metadata(files, { config: both, whole: { text_config: both, eos_token_id: 3 } })['modelium.end_token_ids']).toEqual([1, 3]);
  });

  test('merges as strings and as pairs are the same', () => {
    expect(metadata({ 'tokenizer.json': pairs() })['merges']).toEqual(['a b']);
    expect(metadata({ 'tokenizer.json': pairs({}, { merges: [['a', 'b']] }) })['merges']).toEqual(['a b']);
  });

  test('ids beyond the embeddings are left out', () => {
    const made = metadata({ 'tokenizer.json': pairs({ added_tokens: [{ id: 999_999_999, content: '<far>', special: true }] }) });
    expect(made['tokens']).toHaveLength(8);
    expect(made['tokens']).not.toContain('<far>');
  });
});

describe('special tokens', () => {
  test('the tokenizer’s own word, then the model’s; the second end is the turn’s', () => {
    const files = {
      'tokenizer.json': pairs(),
      'tokenizer_config.json': { eos_token: { content: '<|end|>' } },
      'generation_config.json': { eos_token_id: [3, 1], bos_token_id: 0 },
    };
    expect(metadata(files)).toMatchObject({ eos_token_id: 3, eot_token_id: 1, bos_token_id: 0, add_bos_token: false });
    expect(metadata({ 'tokenizer.json': pairs() }, { config: { eos_token_id: 2 } })).toMatchObject({ eos_token_id: 2 });
  });

  test.each<[string, Files, Record<string, unknown>, unknown]>([
    ['a list of four', { 'generation_config.json': { eos_token_id: [3, 0, 1, 2] } }, {}, [3, 0, 1, 2]],
    ['an id other than the tokenizer’s', { 'generation_config.json': { eos_token_id: 1 } }, {}, [3, 1]],
    ['one in config.json', {}, { eos_token_id: 2 }, [3, 2]],
    ['lists in both', { 'generation_config.json': { eos_token_id: [1] } }, { eos_token_id: [2, 1] }, [3, 1, 2]],
    ['ids that are none', { 'generation_config.json': { eos_token_id: [-1, 99, 'x', null, 1] } }, {}, [3, 1]],
    ['the tokenizer’s alone', { 'generation_config.json': { eos_token_id: 3 } }, {}, undefined],
  ])('every end of a generation is kept: %s', (_, files, config, wanted) => {
    const all = { 'tokenizer.json': pairs(), 'tokenizer_config.json': { eos_token: '<|end|>' }, ...files };
    expect(metadata(all, { config })['modelium.end_token_ids']).toEqual(wanted);
  });

  test('a tokenizer without a beginning has none, whatever config.json says', () => {
    const files = { 'tokenizer.json': pairs(), 'tokenizer_config.json': { bos_token: null, add_bos_token: true } };
    const made = metadata(files, { config: { bos_token_id: 1 } });
    expect(made).toMatchObject({ add_bos_token: false });
    expect(made['bos_token_id']).toBeUndefined();
    expect(metadata({ 'tokenizer.json': pairs() }, { config: { bos_token_id: 1 } })).toMatchObject({ bos_token_id: 1 });
  });

  test('what is put around a text comes from the post-processor', () => {
    const single = [{ SpecialToken: { id: '<|end|>' } }, { Sequence: { id: 'A' } }];
    const files = {
      'tokenizer.json': pairs({
        post_processor: { type: 'Sequence', processors: [{ type: 'ByteLevel' }, { type: 'TemplateProcessing', single }] },
      }),
    };
    expect(metadata({ ...files, 'tokenizer_config.json': { bos_token: '<|end|>' } })).toMatchObject({
      add_bos_token: true,
      add_eos_token: false,
    });
  });

  test('what is put behind a text is its end; the end that the tokenizer names ends a turn', () => {
    const files = {
      'tokenizer.json': pairs({ post_processor: around([], ['<|end|>']) }),
      'tokenizer_config.json': { eos_token: 'ab' },
    };
    expect(metadata(files)).toMatchObject({ eos_token_id: 3, eot_token_id: 2, add_eos_token: true });
  });
});

describe('pieces', () => {
  const size = 270;
  const metaspace = (scheme: string) => ({ pre_tokenizer: { type: 'Metaspace', prepend_scheme: scheme } });

  test('scores in the order of joining; a piece that no joining makes is no token', () => {
    const { tokens, scores } = metadata({ 'tokenizer.json': pieces() }, { size }) as { tokens: string[]; scores: number[] };
    expect([tokens[260], tokens[261], tokens[262]]).toEqual(['▁a', 'ab', '[PAD262]']);
    expect(scores.slice(260, 262)).toEqual([-0, -1]);
  });

  test('white space that belongs to tokens: only as llama.cpp knows it by the name of Phi-3', () => {
    const added = (takes: boolean) =>
      ['<unk>', '<s>', '<|endoftext|>', '</s>', '<|user|>'].map((content, at) => ({
        id: 263 + at,
        content,
        special: true,
        rstrip: takes && at > 2,
      }));
    const of = (takes: boolean) => metadata({ 'tokenizer.json': pieces({ added_tokens: added(takes) }) }, { size });
    expect(of(true)).toMatchObject({ 'general.name': 'phi3' });
    expect(of(false)).not.toHaveProperty('general.name');
  });

  test('a space in front: always, never, or at the very beginning, which the server adds', () => {
    const of = (scheme: string) => metadata({ 'tokenizer.json': pieces(metaspace(scheme)) }, { size });
    expect(of('always')).toMatchObject({ add_space_prefix: true });
    expect(of('never')).toMatchObject({ add_space_prefix: false });
    expect(of('first')).toMatchObject({ add_space_prefix: false, 'modelium.space_prefix': 'first' });
    expect(of('always')).not.toHaveProperty('modelium.space_prefix');
  });
});

describe('chat templates', () => {
  const template = (files: Files): unknown => metadata({ 'tokenizer.json': pairs(), ...files })['tokenizer.chat_template'];
  test('a file of its own wins; of several the one called default', () => {
    expect(template({})).toBeUndefined();
    expect(template({ 'tokenizer_config.json': { chat_template: 'one' } })).toBe('one');
    expect(template({ 'tokenizer_config.json': { chat_template: 'one' }, 'chat_template.jinja': 'two' })).toBe('two');
    expect(template({ 'chat_template.json': { chat_template: 'three' } })).toBe('three');
    const named = [
      { name: 'rag', template: 'r' },
      { name: 'default', template: 'd' },
    ];
    expect(template({ 'tokenizer_config.json': { chat_template: named } })).toBe('d');
    expect(template({ 'tokenizer_config.json': { chat_template: { rag: 'r', default: 'd', tool_use: 't' } } })).toBe('d');
    expect(template({ 'tokenizer_config.json': { chat_template: { rag: 'r' } } })).toBe('r');
  });

  test('the one for tools lies beside it', () => {
    const tools = (files: Files): unknown => metadata({ 'tokenizer.json': pairs(), ...files })['tokenizer.chat_template.tool_use'];
    expect(tools({ 'tokenizer_config.json': { chat_template: 'one' } })).toBeUndefined();
    expect(tools({ 'tokenizer_config.json': { chat_template: { default: 'd', tool_use: 't' } } })).toBe('t');
    expect(
      tools({
        'tokenizer_config.json': {
          chat_template: [
            { name: 'default', template: 'd' },
            { name: 'tool_use', template: 't' },
          ],
        },
      }),
    ).toBe('t');
    expect(tools({ 'chat_template.jinja': 'd', 'additional_chat_templates/tool_use.jinja': 't' })).toBe('t');
  });
});

describe('capitals and accents, as transformers 5.19 and sentence-transformers have them', () => {
  const words = (lowercase: boolean) => ({
    normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase },
    model: { type: 'WordPiece', vocab: { '[PAD]': 0, '[UNK]': 1, '[CLS]': 2, '[SEP]': 3, paris: 4 } },
  });
  const bert = { tokenizer_class: 'BertTokenizer' };

  test.each<[boolean, object, object, boolean, boolean]>([
    [false, { ...bert, do_lower_case: true }, {}, true, true],
    [true, { ...bert, do_lower_case: false }, {}, false, false],
    [false, bert, {}, true, true],
    [true, { ...bert, strip_accents: false }, {}, true, false],
    [false, { ...bert, do_lower_case: false, strip_accents: true }, {}, false, true],
    [false, { tokenizer_class: 'PreTrainedTokenizerFast', do_lower_case: true }, {}, false, false],
    [false, {}, {}, false, false],
    [false, { ...bert, do_lower_case: false }, { do_lower_case: true }, true, false],
    [true, { tokenizer_class: 'MPNetTokenizer', do_lower_case: true }, { do_lower_case: false }, true, true],
  ])('tokenizer.json %s, settings %o, sentence %o', (lowercase, settings, sentence, lowers, strips) => {
    const made = metadata({ 'tokenizer.json': words(lowercase), 'tokenizer_config.json': settings, 'sentence_bert_config.json': sentence });
    expect([made['normalizer.lowercase'], made['normalizer.strip_accents']]).toEqual([lowers, strips]);
  });

  test('characters that are not to be cut apart are refused; other tokenizers are handed lower case', () => {
    const files = { 'tokenizer.json': words(true), 'tokenizer_config.json': { ...bert, tokenize_chinese_chars: false } };
    expect(() => metadata(files)).toThrow(/handle_chinese_chars/);
    const pairs_ = { 'tokenizer.json': pairs(), 'sentence_bert_config.json': { do_lower_case: true } };
    expect(metadata(pairs_)['modelium.lowercase_texts']).toBe(true);
    expect(metadata({ 'tokenizer.json': pairs() })['modelium.lowercase_texts']).toBeUndefined();
  });
});

describe('older files', () => {
  test('vocab.txt of BERT', () => {
    const made = metadata({
      'vocab.txt': '[PAD]\n[UNK]\n[CLS]\n[SEP]\nword\n##s\n',
      'tokenizer_config.json': { do_lower_case: false, cls_token: '[CLS]', sep_token: '[SEP]' },
    });
    expect(made['tokens']).toEqual(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '▁word', 's', '[PAD6]', '[PAD7]']);
    expect(made).toMatchObject({ model: 'bert', bos_token_id: 2, seperator_token_id: 3, 'normalizer.lowercase': false });
  });

  test('vocab.json and merges.txt of a class whose cuts are known', () => {
    const files = { 'vocab.json': { a: 0, b: 1, ab: 2 }, 'merges.txt': '#version: 0.2\na b\n' };
    expect(metadata(files, { config: { model_type: 'gpt2' } })).toMatchObject({ model: 'gpt2', pre: 'gpt-2', merges: ['a b'] });
    expect(() => metadata(files, { config: { model_type: 'mystery' } })).toThrow(/do not say how a mystery cuts texts/);
  });
});

describe('what llama.cpp would read otherwise is refused', () => {
  test.each<readonly [what: string, files: Files, why: RegExp]>([
    ['no tokenizer', {}, /no tokenizer\.json and no tokenizer\.model/],
    ['tekken alone', { 'tekken.json': '{}' }, /tekken\.json alone/],
    [
      'cuts that it has no name for',
      { 'tokenizer.json': pairs({ pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Punctuation' }, BYTES] } }) },
      /calls the way in which its tokenizer cuts a text \(punctuation \(Isolated\), then/,
    ],
    ['a name only with whole pieces', { 'tokenizer.json': pairs({}, { ignore_merges: true }) }, /with ignore_merges/],
    ['a normalizer', { 'tokenizer.json': pairs({ normalizer: { type: 'Lowercase' } }) }, /changes texts first .*\(Lowercase\)/],
    ['a suffix of words', { 'tokenizer.json': pairs({}, { end_of_word_suffix: '</w>' }) }, /\(its end_of_word_suffix\)/],
    ['joining by chance', { 'tokenizer.json': pairs({}, { dropout: 0.1 }) }, /\(its dropout\)/],
    ['a pair of three parts', { 'tokenizer.json': pairs({}, { merges: ['a b c'] }) }, /Pair 0 .* is none/],
    ['a zero byte', { 'tokenizer.json': pairs({}, { vocab: { 'a\0b': 0 }, merges: [] }) }, /Token 0 .* zero byte/],
    [
      'two tokens in front',
      { 'tokenizer.json': pairs({ post_processor: around(['<|end|>', 'a'], []) }) },
      /\(several tokens around a text\)/,
    ],
    ['pieces without bytes', { 'tokenizer.json': pieces({}, { vocab: { a: 0 } }) }, /no tokens for 256 of the 256 bytes/],
    ['pieces after digits', { 'tokenizer.json': pieces({ pre_tokenizer: { type: 'Digits' } }) }, /\(the cuts Digits\)/],
    ['pieces as a whole', { 'tokenizer.json': pieces({}, { ignore_merges: true }) }, /\(ignore_merges\)/],
    ['a unigram with bytes', { 'tokenizer.json': { model: { type: 'Unigram', vocab: [['a', 0]], byte_fallback: true } } }, /byte_fallback/],
    [
      'a unigram in lower case',
      { 'tokenizer.json': { model: { type: 'Unigram', vocab: [['a', 0]] }, normalizer: { type: 'Lowercase' } } },
      /\(Lowercase\)/,
    ],
    [
      'words with control characters',
      { 'tokenizer.json': { model: { type: 'WordPiece', vocab: { a: 0 } }, normalizer: { type: 'BertNormalizer', clean_text: false } } },
      /\(clean_text: false\)/,
    ],
    ['words', { 'tokenizer.json': { model: { type: 'WordLevel', vocab: {} } } }, /of the kind WordLevel/],
    [
      'characters without bytes',
      { 'tokenizer.json': { model: { type: 'BPE', vocab: { a: 0 }, merges: [] }, pre_tokenizer: { type: 'Metaspace' } } },
      /without falling back to bytes/,
    ],
    [
      'another mark inside words',
      { 'tokenizer.json': { model: { type: 'WordPiece', vocab: { a: 0 }, continuing_subword_prefix: '@@' } } },
      /"@@"/,
    ],
  ])('%s', (_what, files, why) => {
    expect(() => metadata(files)).toThrow(why);
  });
});

describe('hostile files', () => {
  test.each<readonly [what: string, files: Files]>([
    ['no JSON', { 'tokenizer.json': '{"model": ' }],
    ['a list', { 'tokenizer.json': '[]' }],
    ['numbers that are none', { 'tokenizer.json': pairs({}, { vocab: { a: -1 } }) }],
    ['numbers as texts', { 'tokenizer.json': pairs({}, { vocab: { a: '0' } }) }],
    ['pairs that are none', { 'tokenizer.json': pairs({}, { merges: ['ab', 3, []] }) }],
    ['pieces without scores', { 'tokenizer.json': { model: { type: 'Unigram', vocab: ['a', 'b'] } } }],
    [
      'a table that is no base64',
      {
        'tokenizer.json': {
          model: { type: 'Unigram', vocab: [['a', -1]] },
          normalizer: { type: 'Precompiled', precompiled_charsmap: '***' },
        },
      },
    ],
    ['a truncated SentencePiece model', { 'tokenizer.model': Uint8Array.of(0x0a, 0x7f, 0x0a, 0x01) }],
    ['a SentencePiece model of noise', { 'tokenizer.model': Uint8Array.from({ length: 4096 }, (_, index) => (index * 197 + 13) & 255) }],
  ])('%s ends in a sentence', (_what, files) => {
    expect(() => metadata(files)).toThrow(/\w{3,} /);
  });

  test('deep nesting ends', () => {
    expect(() => metadata({ 'tokenizer.json': `{"pre_tokenizer": ${'['.repeat(100_000)}` })).toThrow();
    let step: object = BYTES;
    for (let depth = 0; depth < 50; depth += 1) step = { type: 'Sequence', pretokenizers: [step] };
    expect(() => metadata({ 'tokenizer.json': pairs({ pre_tokenizer: step }) })).toThrow();
  });

  test('names of what every object has are tokens like any', () => {
    const made = metadata({
      'tokenizer.json': `{"pre_tokenizer": ${JSON.stringify(BYTES)}, "model": {"type": "BPE", "merges": [], "vocab": {"constructor": 0, "__proto__": 1, "toString": 2}}}`,
    });
    expect((made['tokens'] as string[]).slice(0, 3)).toEqual(['constructor', '__proto__', 'toString']);
  });
});
