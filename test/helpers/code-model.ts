/**
 * A tiny Hugging Face folder whose configuration names code of its own (`auto_map`), as public
 * models with `trust_remote_code` have it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const CODE_FILE = 'modeling_tiny.py';
export const CODE_TEXT = 'import torch\n\n\nclass TinyForCausalLM(torch.nn.Module):\n    pass\n';

/** A safetensors file of one float32 matrix, 4 x 4. */
export function tinySafetensors(): Buffer {
  const header = Buffer.from(JSON.stringify({ 'model.embed_tokens.weight': { dtype: 'F32', shape: [4, 4], data_offsets: [0, 64] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(64, 1)]);
}

export const TINY_TOKENIZER = JSON.stringify({ version: '1.0', model: { type: 'BPE', vocab: { a: 0, b: 1, c: 2, d: 3 }, merges: [] } });

export const CODE_CONFIG = {
  architectures: ['TinyForCausalLM'],
  model_type: 'tiny',
  auto_map: { AutoModelForCausalLM: 'modeling_tiny.TinyForCausalLM' },
  hidden_size: 4,
  num_hidden_layers: 1,
  num_attention_heads: 1,
  vocab_size: 4,
};

export function writeCodeModel(folder: string, code: string = CODE_TEXT): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, CODE_FILE), code);
  writeFileSync(join(folder, 'model.safetensors'), tinySafetensors());
  writeFileSync(join(folder, 'tokenizer.json'), TINY_TOKENIZER);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(CODE_CONFIG));
}
