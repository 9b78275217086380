/**
 * A GGUF whose header is as long as those of large vocabularies (150,000 tokens with types and
 * merges), and whose weights are next to nothing.
 */
import { type GgufValue, ggufBytes } from '../../main/embedded/gguf/gguf-writer.ts';

export const LARGE_VOCABULARY = 150_000;

/** No program can run it; every analyzer can read it. */
export function largeHeaderGguf(tokens = LARGE_VOCABULARY): Uint8Array {
  const u32 = (value: number): GgufValue => ({ type: 'u32', value });
  const text = (value: string): GgufValue => ({ type: 'string', value });
  const words = Array.from({ length: tokens }, (_, index) => `token${index.toString(36)}`);
  const metadata: Record<string, GgufValue> = {
    'general.architecture': text('llama'),
    'general.name': text('Large header'),
    'llama.block_count': u32(1),
    'llama.context_length': u32(2048),
    'llama.embedding_length': u32(64),
    'llama.feed_forward_length': u32(128),
    'llama.attention.head_count': u32(4),
    'llama.attention.head_count_kv': u32(2),
    'tokenizer.ggml.model': text('gpt2'),
    'tokenizer.ggml.tokens': { type: 'strings', value: words },
    'tokenizer.ggml.token_type': { type: 'i32s', value: words.map(() => 1) },
    'tokenizer.ggml.merges': { type: 'strings', value: words.map((word) => `${word.slice(0, 4)} ${word.slice(4)}`) },
  };
  const data = new Uint8Array(64 * 4 * 4).fill(1);
  return ggufBytes(metadata, [{ name: 'token_embd.weight', type: 'F32', shape: [64, 4], data }]);
}
