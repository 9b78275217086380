/**
 * Makes small untrained models as GGUF bytes: real architectures, a real tokenizer, a chat
 * template, and seeded random weights, so that their answers are noise. The demo uses one if the
 * sample model cannot be fetched; tests run the real llama.cpp on them.
 */

import { byteCharacters } from '../llama/token-bytes.ts';
import { type GgufTensor, type GgufValue, ggufBytes, type TensorType, tensorBytes } from './gguf-writer.ts';
import { randomWeights } from './tiny-weights.ts';

export interface TinyModelOptions {
  /** File name without `.gguf`; default `tiny`. */
  readonly name?: string;
  /** `llama` generates text, `bert` makes embeddings, or ranks documents where `ranks` is set. */
  readonly kind?: 'llama' | 'bert';
  readonly ranks?: boolean;
  readonly layers?: number;
  /** The context that the model claims to be trained for, in tokens. */
  readonly contextTokens?: number;
  /** Type of the matrices; norms stay F32. */
  readonly weights?: TensorType;
  /** Grows the feed-forward matrices until the weights take at least this much. */
  readonly minimumBytes?: number;
  readonly seed?: number;
  /** A template of one's own, or whether there is one. */
  readonly chatTemplate?: boolean | string;
  /** More than 1 splits the tensors over files named `-00001-of-0000N`. */
  readonly parts?: number;
  /** Further entries of the header. */
  readonly metadata?: Readonly<Record<string, GgufValue>>;
}

export interface TinyModelFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const EMBEDDING_LENGTH = 64;
const HEADS = 4;
const KEY_VALUE_HEADS = 2;
const FEED_FORWARD_LENGTH = 128;
const SPECIAL_TOKENS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];
const WORDS = 'the model answers a question about graphics and memory when nobody waits there is room for another'.split(' ');
/** llama.cpp's number for it. */
const POOLING_RANK = 4;
const NORMAL_TOKEN = 1;
const CONTROL_TOKEN = 3;
const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

interface Vocabulary {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  readonly merges: readonly string[];
  /** Tokens that the model never says: control tokens and bytes that are no text by themselves. */
  readonly mute: ReadonlySet<number>;
}

function byteLevelVocabulary(): Vocabulary {
  const bytes = byteCharacters();
  const tokens = [...SPECIAL_TOKENS, ...bytes];
  const merges: string[] = [];
  for (const word of WORDS) {
    let joined = bytes[32] ?? '';
    for (const letter of word) {
      const merge = `${joined} ${letter}`;
      joined += letter;
      if (merges.includes(merge)) continue;
      merges.push(merge);
      tokens.push(joined);
    }
  }
  const mute = new Set(SPECIAL_TOKENS.keys());
  for (let byte = 0; byte < 256; byte++) if (byte < 32 || byte > 126) mute.add(SPECIAL_TOKENS.length + byte);
  return { tokens, types: tokens.map((_, id) => (id < SPECIAL_TOKENS.length ? CONTROL_TOKEN : NORMAL_TOKEN)), merges, mute };
}

function wordPieceVocabulary(): Vocabulary {
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789.,?!'.split('');
  // llama.cpp's spelling of WordPiece: a leading lower block for the beginning of a word, nothing
  // for its continuation.
  const tokens = [
    ...new Set([
      '[PAD]',
      '[UNK]',
      '[CLS]',
      '[SEP]',
      '[MASK]',
      ...WORDS.map((word) => `▁${word}`),
      ...letters.map((l) => `▁${l}`),
      ...letters,
    ]),
  ];
  return { tokens, types: tokens.map((_, id) => (id < 5 ? CONTROL_TOKEN : NORMAL_TOKEN)), merges: [], mute: new Set() };
}

const u32 = (value: number): GgufValue => ({ type: 'u32', value });
const f32 = (value: number): GgufValue => ({ type: 'f32', value });
const text = (value: string): GgufValue => ({ type: 'string', value });

function tokenizerMetadata(kind: 'llama' | 'bert', vocabulary: Vocabulary, chatTemplate: boolean | string): Record<string, GgufValue> {
  const common = {
    'tokenizer.ggml.tokens': { type: 'strings', value: vocabulary.tokens },
    'tokenizer.ggml.token_type': { type: 'i32s', value: vocabulary.types },
  } as const;
  if (kind === 'bert') {
    return {
      ...common,
      'tokenizer.ggml.model': text('bert'),
      'tokenizer.ggml.padding_token_id': u32(0),
      'tokenizer.ggml.unknown_token_id': u32(1),
      'tokenizer.ggml.bos_token_id': u32(2),
      'tokenizer.ggml.seperator_token_id': u32(3),
      'tokenizer.ggml.token_type_count': u32(2),
    };
  }
  return {
    ...common,
    'tokenizer.ggml.model': text('gpt2'),
    'tokenizer.ggml.pre': text('gpt-2'),
    'tokenizer.ggml.merges': { type: 'strings', value: vocabulary.merges },
    'tokenizer.ggml.bos_token_id': u32(0),
    'tokenizer.ggml.eos_token_id': u32(2),
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
    ...(chatTemplate === false ? {} : { 'tokenizer.chat_template': text(chatTemplate === true ? CHAT_TEMPLATE : chatTemplate) }),
  };
}

interface Shape {
  readonly name: string;
  readonly shape: readonly number[];
  readonly fill: 'random' | 'ones' | 'zeros';
}

const random = (name: string, ...shape: number[]): Shape => ({ name, shape, fill: 'random' });
const norm = (name: string): Shape => ({ name, shape: [EMBEDDING_LENGTH], fill: 'ones' });
const bias = (name: string, length: number): Shape => ({ name, shape: [length], fill: 'zeros' });

function llamaShapes(layers: number, feedForward: number, vocabularySize: number): Shape[] {
  const keyValue = (EMBEDDING_LENGTH / HEADS) * KEY_VALUE_HEADS;
  const shapes = [random('token_embd.weight', EMBEDDING_LENGTH, vocabularySize)];
  for (let layer = 0; layer < layers; layer++) {
    const at = `blk.${layer}`;
    shapes.push(
      norm(`${at}.attn_norm.weight`),
      random(`${at}.attn_q.weight`, EMBEDDING_LENGTH, EMBEDDING_LENGTH),
      random(`${at}.attn_k.weight`, EMBEDDING_LENGTH, keyValue),
      random(`${at}.attn_v.weight`, EMBEDDING_LENGTH, keyValue),
      random(`${at}.attn_output.weight`, EMBEDDING_LENGTH, EMBEDDING_LENGTH),
      norm(`${at}.ffn_norm.weight`),
      random(`${at}.ffn_gate.weight`, EMBEDDING_LENGTH, feedForward),
      random(`${at}.ffn_up.weight`, EMBEDDING_LENGTH, feedForward),
      random(`${at}.ffn_down.weight`, feedForward, EMBEDDING_LENGTH),
    );
  }
  shapes.push(norm('output_norm.weight'), random('output.weight', EMBEDDING_LENGTH, vocabularySize));
  return shapes;
}

/** The head that turns a pooled text into one number. */
const RANKING_HEAD: readonly Shape[] = [
  random('cls.weight', EMBEDDING_LENGTH, EMBEDDING_LENGTH),
  bias('cls.bias', EMBEDDING_LENGTH),
  random('cls.output.weight', EMBEDDING_LENGTH, 1),
  bias('cls.output.bias', 1),
];

function bertShapes(layers: number, feedForward: number, vocabularySize: number, contextTokens: number): Shape[] {
  const shapes = [
    random('token_embd.weight', EMBEDDING_LENGTH, vocabularySize),
    random('position_embd.weight', EMBEDDING_LENGTH, contextTokens),
    random('token_types.weight', EMBEDDING_LENGTH, 2),
    norm('token_embd_norm.weight'),
    bias('token_embd_norm.bias', EMBEDDING_LENGTH),
  ];
  for (let layer = 0; layer < layers; layer++) {
    const at = `blk.${layer}`;
    for (const part of ['attn_q', 'attn_k', 'attn_v', 'attn_output']) {
      shapes.push(random(`${at}.${part}.weight`, EMBEDDING_LENGTH, EMBEDDING_LENGTH), bias(`${at}.${part}.bias`, EMBEDDING_LENGTH));
    }
    shapes.push(
      norm(`${at}.attn_output_norm.weight`),
      bias(`${at}.attn_output_norm.bias`, EMBEDDING_LENGTH),
      random(`${at}.ffn_up.weight`, EMBEDDING_LENGTH, feedForward),
      bias(`${at}.ffn_up.bias`, feedForward),
      random(`${at}.ffn_down.weight`, feedForward, EMBEDDING_LENGTH),
      bias(`${at}.ffn_down.bias`, EMBEDDING_LENGTH),
      norm(`${at}.layer_output_norm.weight`),
      bias(`${at}.layer_output_norm.bias`, EMBEDDING_LENGTH),
    );
  }
  return shapes;
}

function architectureMetadata(
  kind: 'llama' | 'bert',
  sizes: { readonly layers: number; readonly feedForward: number; readonly contextTokens: number; readonly vocabularySize: number },
): Record<string, GgufValue> {
  const common = {
    'general.architecture': text(kind),
    'general.name': text('Tiny untrained'),
    [`${kind}.block_count`]: u32(sizes.layers),
    [`${kind}.context_length`]: u32(sizes.contextTokens),
    [`${kind}.embedding_length`]: u32(EMBEDDING_LENGTH),
    [`${kind}.feed_forward_length`]: u32(sizes.feedForward),
    [`${kind}.attention.head_count`]: u32(HEADS),
    [`${kind}.vocab_size`]: u32(sizes.vocabularySize),
  };
  if (kind === 'bert') {
    const causal: GgufValue = { type: 'bool', value: false };
    return { ...common, 'bert.attention.causal': causal, 'bert.pooling_type': u32(1), 'bert.attention.layer_norm_epsilon': f32(1e-12) };
  }
  return {
    ...common,
    'llama.attention.head_count_kv': u32(KEY_VALUE_HEADS),
    'llama.attention.layer_norm_rms_epsilon': f32(1e-5),
    'llama.rope.dimension_count': u32(EMBEDDING_LENGTH / HEADS),
    'llama.rope.freq_base': f32(10_000),
  };
}

/**
 * Feed-forward width that brings the layers' matrices to so many bytes; a multiple of 64, so that
 * quantized blocks fill whole rows.
 */
function feedForwardFor(minimumBytes: number, layers: number, weights: TensorType, matrices: number): number {
  const bytesPerUnit = tensorBytes(weights, [EMBEDDING_LENGTH, 1]) * layers * matrices;
  return Math.max(FEED_FORWARD_LENGTH, Math.ceil(minimumBytes / bytesPerUnit / 64) * 64);
}

function fillTensor(shape: Shape, weights: TensorType, seed: number, mute: ReadonlySet<number>): GgufTensor {
  const type = shape.shape.length === 1 || shape.name.startsWith('position') || shape.name.startsWith('token_types') ? 'F32' : weights;
  const bytes = tensorBytes(type, shape.shape);
  if (shape.fill === 'zeros') return { name: shape.name, type, shape: shape.shape, data: new Uint8Array(bytes) };
  if (shape.fill === 'ones') {
    return { name: shape.name, type, shape: shape.shape, data: new Uint8Array(new Float32Array(bytes / 4).fill(1).buffer) };
  }
  const data = randomWeights(type, bytes, seed);
  if (shape.name === 'output.weight') {
    // A zero row's logit is always 0, which some other token's random one beats: the token is never
    // chosen.
    const rowBytes = tensorBytes(type, [EMBEDDING_LENGTH]);
    for (const token of mute) data.fill(0, token * rowBytes, (token + 1) * rowBytes);
  }
  return { name: shape.name, type, shape: shape.shape, data };
}

/**
 * The files of a small untrained model: equal options give equal bytes. A few hundred kilobytes
 * unless `minimumBytes` asks for more.
 */
export function tinyModel(options: TinyModelOptions = {}): readonly TinyModelFile[] {
  const { name = 'tiny', kind = 'llama', layers = 2, contextTokens = 2048, weights = 'F32', seed = 1, parts = 1 } = options;
  const vocabulary = kind === 'bert' ? wordPieceVocabulary() : byteLevelVocabulary();
  const vocabularySize = vocabulary.tokens.length;
  const feedForward = feedForwardFor(options.minimumBytes ?? 0, layers, weights, kind === 'bert' ? 2 : 3);
  const shapes =
    kind === 'bert' ? bertShapes(layers, feedForward, vocabularySize, contextTokens) : llamaShapes(layers, feedForward, vocabularySize);
  if (options.ranks === true) shapes.push(...RANKING_HEAD);
  const tensors = shapes.map((shape, index) => fillTensor(shape, weights, seed * 1000 + index, vocabulary.mute));
  const metadata = {
    ...architectureMetadata(kind, { layers, feedForward, contextTokens, vocabularySize }),
    ...tokenizerMetadata(kind, vocabulary, options.chatTemplate ?? kind === 'llama'),
    ...(options.ranks === true ? { 'bert.pooling_type': u32(POOLING_RANK) } : {}),
    ...options.metadata,
  };
  if (parts === 1) return [{ name: `${name}.gguf`, bytes: ggufBytes(metadata, tensors) }];
  const perPart = Math.ceil(tensors.length / parts);
  const number = (value: number) => String(value).padStart(5, '0');
  return Array.from({ length: parts }, (_, part) => {
    const split: Record<string, GgufValue> = {
      'split.no': { type: 'u16', value: part },
      'split.count': { type: 'u16', value: parts },
      'split.tensors.count': { type: 'i32', value: tensors.length },
    };
    return {
      name: `${name}-${number(part + 1)}-of-${number(parts)}.gguf`,
      bytes: ggufBytes(part === 0 ? { ...metadata, ...split } : split, tensors.slice(part * perPart, (part + 1) * perPart)),
    };
  });
}
