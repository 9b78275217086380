/** What a token of a vocabulary stands for, in bytes and as text. Pure. */
import type { TokenText } from './likelihoods.ts';

/**
 * GPT-2's printable stand-in for each byte: byte-level BPE keeps its vocabulary in these
 * characters.
 */
export function byteCharacters(): string[] {
  const characters: string[] = [];
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    characters.push(String.fromCodePoint(printable ? byte : next++));
  }
  return characters;
}

const BYTE_OF = new Map(byteCharacters().map((character, byte) => [character, byte]));
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * @param entry as the GGUF's vocabulary spells it. @param tokenizer the GGUF's
 * `tokenizer.ggml.model`.
 */
export function tokenBytes(entry: string, tokenizer: string): TokenText {
  const bytes = bytesOf(entry, tokenizer);
  return { text: decoder.decode(Uint8Array.from(bytes)), bytes };
}

function bytesOf(entry: string, tokenizer: string): readonly number[] {
  if (tokenizer === 'gpt2') return [...entry].flatMap((character) => BYTE_OF.get(character) ?? [...encoder.encode(character)]);
  const byte = /^<0x([0-9A-F]{2})>$/.exec(entry);
  if (byte !== null) return [Number.parseInt(byte[1] ?? '0', 16)];
  // SentencePiece's stand-in for a space.
  return [...encoder.encode(entry.replaceAll('\u2581', ' '))];
}
