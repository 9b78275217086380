/**
 * Makes the `tokenizer.*` metadata of a GGUF from whichever tokenizer files the folder has, with
 * special tokens and the chat template. Pure over the bytes passed in. It refuses what llama.cpp
 * would read differently.
 */
import { MORE_TEMPLATES, namedTemplates } from '../../core/analyzer/chat-template.ts';
import { isObject, parseJsonObject } from '../../core/analyzer/json.ts';
import type { GgufValue } from '../gguf/gguf-writer.ts';
import { ConvertError } from './convert-error.ts';
import { loweredFirst, wordPieceRules, wordRules } from './lower-case.ts';
import { vocabularyOfSentencePiece } from './sentencepiece.ts';
import { specialTokens } from './special-tokens.ts';
import { addedTokens, mergesOf, vocabularyOfJson, wordPiece } from './tokenizer-json.ts';
import { TOKEN, type Vocabulary, VocabularyTable } from './vocabulary-table.ts';

export interface TokenizerSource {
  /** The folder's files at its top, by name; null where absent. */
  readonly read: (name: string) => Uint8Array | null;
  /** config.json: of a model of several parts the one that writes text. */
  readonly config: Readonly<Record<string, unknown>>;
  /** All of config.json, where that is more. */
  readonly whole?: Readonly<Record<string, unknown>>;
  /**
   * Rows of the embedding matrix: the vocabulary is filled up to it with tokens that nobody says.
   */
  readonly vocabularySize: number;
}

const utf8 = new TextDecoder();
const PIECES = ['tokenizer.model', 'sentencepiece.bpe.model', 'spiece.model', 'spm.model'];

/**
 * @throws ConvertError with a sentence (what, where, what to do); FormatError of files that are
 * damaged.
 */
export function vocabularyMetadata(source: TokenizerSource): Record<string, GgufValue> {
  const settings = objectIn(source, 'tokenizer_config.json');
  const vocabulary = vocabularyOf(source, settings);
  const { table, model, merges } = vocabulary;
  const extra = { ...vocabulary.extra, ...loweredFirst(model, objectIn(source, 'sentence_bert_config.json')) };
  const special = specialTokens({
    vocabulary,
    settings,
    map: objectIn(source, 'special_tokens_map.json'),
    config: source.config,
    whole: source.whole ?? source.config,
    generation: objectIn(source, 'generation_config.json'),
  });
  table.finish();
  return {
    'tokenizer.ggml.model': { type: 'string', value: model },
    ...extra,
    'tokenizer.ggml.tokens': { type: 'strings', value: table.texts },
    'tokenizer.ggml.token_type': { type: 'i32s', value: table.kinds },
    ...(model === 'llama' || model === 't5' ? { 'tokenizer.ggml.scores': { type: 'f32s', value: table.scores } } : {}),
    ...(merges === null ? {} : { 'tokenizer.ggml.merges': { type: 'strings', value: merges } }),
    ...special,
    ...templateOf(source, settings),
  };
}

function vocabularyOf(source: TokenizerSource, settings: Record<string, unknown>): Vocabulary {
  const json = source.read('tokenizer.json');
  if (json !== null) return vocabularyOfJson(json, source.vocabularySize, settings);
  for (const name of PIECES) {
    const bytes = source.read(name);
    if (bytes !== null) return withAdded(vocabularyOfSentencePiece(bytes, source.vocabularySize, isFairseq(source)), source, settings);
  }
  const words = source.read('vocab.txt');
  if (words !== null) return withAdded(vocabularyOfWords(words, source.vocabularySize, settings), source, settings);
  const [pairs, merges] = [source.read('vocab.json'), source.read('merges.txt')];
  if (pairs !== null && merges !== null) return withAdded(vocabularyOfPairs(pairs, merges, source), source, settings);
  const other = ['tekken.json', 'qwen.tiktoken', 'tiktoken.model'].find((name) => source.read(name) !== null);
  throw new ConvertError(
    other === undefined
      ? 'The folder has no tokenizer.json and no tokenizer.model: copy the one of the original.'
      : `The folder has its tokenizer as ${other} alone, which Modelium does not read: add the tokenizer.json of the original.`,
  );
}

function isFairseq({ config }: TokenizerSource): boolean {
  return /^(?:xlm-roberta|camembert)/.test(String(config['model_type'] ?? ''));
}

/** Older folders: tokens that were added later lie beside the vocabulary. */
function withAdded(vocabulary: Vocabulary, source: TokenizerSource, settings: Record<string, unknown>): Vocabulary {
  const { table, model } = vocabulary;
  const hasMarks = model === 'llama' || model === 't5';
  const added = objectIn(source, 'added_tokens.json');
  for (const [text, id] of Object.entries(added)) {
    if (Number.isSafeInteger(id) && Number(id) >= 0)
      table.add({ id: Number(id), text, isSpecial: false, isRaw: false, takesSpace: false }, hasMarks);
  }
  const decoder = isObject(settings['added_tokens_decoder']) ? settings['added_tokens_decoder'] : {};
  const listed = Object.entries(decoder).map(([id, token]) => ({ ...(isObject(token) ? token : {}), id: Number(id) }));
  for (const token of addedTokens(listed)) table.add(token, hasMarks);
  return vocabulary;
}

function vocabularyOfWords(bytes: Uint8Array, size: number, settings: Record<string, unknown>): Vocabulary {
  const table = new VocabularyTable(size);
  const lines = utf8
    .decode(bytes)
    .replace(/\r?\n$/, '')
    .split(/\r?\n/);
  lines.forEach((text, id) => {
    const isSpecial = /^\[(?:PAD|UNK|CLS|SEP|MASK)\]$/.test(text);
    if (text !== '') table.put(id, isSpecial ? text : wordPiece(text), isSpecial ? TOKEN.control : TOKEN.normal);
  });
  const extra = wordPieceRules(wordRules(settings));
  return { model: 'bert', table, merges: null, extra, ends: { begins: true, ends: true } };
}

/** Classes whose way of cutting is known without a tokenizer.json. */
const CUTS: Readonly<Record<string, string>> = {
  gpt2: 'gpt-2',
  roberta: 'gpt-2',
  qwen2: 'qwen2',
  qwen2_moe: 'qwen2',
  qwen3: 'qwen2',
  qwen3_moe: 'qwen2',
};

function vocabularyOfPairs(pairs: Uint8Array, merges: Uint8Array, { config, vocabularySize }: TokenizerSource): Vocabulary {
  const type = String(config['model_type'] ?? '');
  const pre = Object.hasOwn(CUTS, type) ? CUTS[type] : undefined;
  if (pre === undefined) {
    throw new ConvertError(`vocab.json and merges.txt do not say how a ${type} cuts texts: add the tokenizer.json of the original.`);
  }
  const table = new VocabularyTable(vocabularySize);
  for (const [text, id] of Object.entries(parseJsonObject(pairs, 'vocab.json'))) {
    if (!Number.isSafeInteger(id) || Number(id) < 0)
      throw new ConvertError(`A token of vocab.json has no number: ${JSON.stringify(text).slice(0, 40)}.`);
    table.put(Number(id), text, TOKEN.normal);
  }
  const lines = utf8
    .decode(merges)
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('#version'));
  const isRoberta = type === 'roberta';
  return {
    model: 'gpt2',
    table,
    merges: mergesOf(lines).map(([left, right]) => `${left} ${right}`),
    extra: { 'tokenizer.ggml.pre': { type: 'string', value: pre } },
    ends: { begins: isRoberta, ends: isRoberta },
  };
}

function objectIn(source: TokenizerSource, name: string): Record<string, unknown> {
  const bytes = source.read(name);
  return bytes === null ? {} : parseJsonObject(bytes, name);
}

/**
 * A file of its own before the settings'; of several the one called `default`, then the first, and
 * the one for tools beside it.
 */
function templateOf(source: TokenizerSource, settings: Record<string, unknown>): Record<string, GgufValue> {
  const fileText = (name: string) => {
    const bytes = source.read(name);
    return bytes === null ? null : utf8.decode(bytes);
  };
  const processor = objectIn(source, 'chat_template.json')['chat_template'];
  const found = namedTemplates([fileText('chat_template.jinja'), settings['chat_template'], processor]);
  const tools = fileText(`${MORE_TEMPLATES}tool_use.jinja`) ?? found?.toolText ?? null;
  if (found === null) return {};
  return {
    'tokenizer.chat_template': { type: 'string', value: found.text },
    ...(tools === null ? {} : { 'tokenizer.chat_template.tool_use': { type: 'string', value: tools } }),
  };
}
