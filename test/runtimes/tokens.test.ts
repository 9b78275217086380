/**
 * Converted tokenizers in the real llama.cpp against the libraries that made them (tokenizers,
 * SentencePiece): the same tokens for more than 500 texts of each family. What llama.cpp itself
 * does otherwise is listed, family by family, and nothing else may differ.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { vocabularyMetadata } from '../../main/embedded/convert/vocabulary.ts';
import { type GgufValue, ggufBytes } from '../../main/embedded/gguf/gguf-writer.ts';
import { askLlama, python } from './children.ts';

interface Family {
  readonly name: string;
  readonly error?: string;
  readonly texts: readonly string[];
  readonly ids: readonly (readonly number[])[];
  readonly size: number;
}

let folder: string;
let families: ReadonlyMap<string, Family>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'modelium-tokens-'));
  families = await python<Family>('tokens.py', folder);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Model types whose tokenizers are read by their class where there is no tokenizer.json. */
const TYPES: Readonly<Record<string, string>> = { 'xlm-roberta': 'xlm-roberta', 'xlm-roberta-json': 'xlm-roberta' };

function vocabularyOf({ name, size }: Family): Record<string, GgufValue> {
  const files = new Set(readdirSync(join(folder, name)));
  const read = (file: string): Uint8Array | null => (files.has(file) ? new Uint8Array(readFileSync(join(folder, name, file))) : null);
  return vocabularyMetadata({ read, config: { model_type: TYPES[name] ?? 'llama' }, vocabularySize: size + 3 });
}

/** A GGUF of nothing but the vocabulary. */
function write(name: string, vocabulary: Record<string, GgufValue>): string {
  const path = join(folder, `${name}.gguf`);
  const u32 = (value: number): GgufValue => ({ type: 'u32', value });
  const sizes = { 'llama.block_count': u32(1), 'llama.context_length': u32(64), 'llama.embedding_length': u32(32) };
  const rest = { 'llama.attention.head_count': u32(1), 'llama.feed_forward_length': u32(32) };
  const norm: GgufValue = { type: 'f32', value: 1e-5 };
  const metadata = { 'general.architecture': { type: 'string', value: 'llama' } as GgufValue, ...sizes, ...rest };
  writeFileSync(path, ggufBytes({ ...metadata, 'llama.attention.layer_norm_rms_epsilon': norm, ...vocabulary }, []));
  return path;
}

interface Difference {
  readonly text: string;
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

async function differences(family: Family, vocabulary = vocabularyOf(family)): Promise<readonly Difference[]> {
  expect(family.error).toBeUndefined();
  expect(family.texts.length).toBeGreaterThan(500);
  const { tokens } = await askLlama({ file: write(family.name, vocabulary), contextTokens: 64, tokenize: family.texts });
  return family.texts.flatMap((text, index) => {
    const [ours, theirs] = [tokens[index] ?? [], family.ids[index] ?? []];
    return ours.join() === theirs.join() ? [] : [{ text, ours, theirs }];
  });
}

const FAMILIES = [
  'gpt2',
  'llama3',
  'olmo2',
  'qwen2',
  'qwen35',
  'smollm',
  'deepseek-coder',
  'falcon',
  'tekken',
  'gpt4o',
  'bert-uncased',
  'bert-cased',
  'llama2',
  'llama2-json',
  'mistral',
  'phi3',
  'gemma',
  'gemma-json',
  'gemma-runs',
  'gemma-raw-runs',
  'xlm-roberta',
  'xlm-roberta-json',
] as const;

/**
 * What llama.cpp v0.4.0 does otherwise, in every GGUF of such a model, whoever made it: texts with
 * these characters.
 */
const OTHERWISE: Partial<Record<(typeof FAMILIES)[number], RegExp>> = {
  // It tells upper and lower case apart by a-z alone, and leaves out marks that combine with a
  // letter (llama-vocab.cpp, "adapted" expressions).
  tekken: /\p{M}/u,
  gpt4o: /\p{M}/u,
  // Without accents: its decomposition knows no Hangul syllables, and it drops marks that take room
  // (vowels of Indic scripts) too.
  'bert-uncased': /\p{Script=Hangul}|\p{Mc}/u,
};

describe('the same tokens', () => {
  test.each(FAMILIES)('%s', async (name) => {
    const found = await differences(families.get(name)!);
    const known = OTHERWISE[name];
    expect(found.filter(({ text }) => known === undefined || !known.test(text))).toEqual([]);
    // A list that nothing needs any more would hide the next fault.
    expect(found.length > 0).toBe(known !== undefined);
  });
});

test('a wrong name of the pre-tokenizer is seen', async () => {
  const family = families.get('llama3')!;
  const wrong = { ...vocabularyOf(family), 'tokenizer.ggml.pre': { type: 'string', value: 'gpt-2' } as GgufValue };
  expect((await differences(family, wrong)).length).toBeGreaterThan(50);
});
