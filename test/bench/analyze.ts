/**
 * `npm run bench -- analyze`: one look at a candidate, as the inspecting worker takes it: a 700-GB model in 200 sparse shards, and a folder of each
 * other format. The baseline is listing the same files and reading each one's first 4 KiB: about the least that looking at them can cost.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { listCandidateFiles } from '../../main/io/files.ts';
import { inspectCandidate } from '../../main/io/inspect.ts';
import { bytesOf } from '../core/analyzer/folder-of.ts';
import { FUZZ_FORMATS } from '../core/analyzer/fuzz-samples.ts';
import { type SyntheticTensors, safetensorsHeader } from '../core/analyzer/synthetic-safetensors.ts';
import { type BenchOptions, median, type Row, removeFolder, temporaryFolder } from './kit.ts';

const ROUNDS = 7;
const SHARDS = 200;
/** As many tensors as DeepSeek V3 has, shared out: 3.5 GB a shard. */
const TENSORS_PER_SHARD = 450;
const ROWS = 1900;
const COLUMNS = 2048;
const BAR_MS = 300;

export async function analyze(_options: BenchOptions): Promise<readonly Row[]> {
  const folder = temporaryFolder();
  try {
    const large = join(folder, 'large');
    const bytes = writeLarge(large);
    const what = `analyze: ${SHARDS} shards, ${(bytes / 1e9).toFixed(0)} GB`;
    const row = await timed(what, large, 'transformers');
    const rows: Row[] = [{ ...row, bar: `<= ${BAR_MS} ms`, within: row.value <= BAR_MS }];
    for (const { name, samples } of FUZZ_FORMATS) {
      const sample = samples[0];
      if (sample === undefined) continue;
      const own = join(folder, name.replaceAll(' ', '-'));
      for (const [path, content] of Object.entries(sample)) writeWithFolder(join(own, path), bytesOf(content));
      rows.push(await timed(`analyze: ${name}`, own, null));
    }
    return rows;
  } finally {
    removeFolder(folder);
  }
}

/** @param form that the verdict has to name, so that what is measured is a whole analysis. */
async function timed(what: string, folder: string, form: string | null): Promise<Row> {
  const own: number[] = [];
  const least: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    let began = performance.now();
    const { profile, whole, copy } = await inspectCandidate(folder, false);
    own.push(performance.now() - began);
    if (form !== null && (!whole || profile?.forms[0]?.kind !== form))
      throw new Error(`${what}: not whole: ${copy.missing.slice(0, 3).join('; ')}`);
    began = performance.now();
    await readBeginnings(folder);
    least.push(performance.now() - began);
  }
  return { what, unit: 'ms', value: median(own), baseline: median(least), baselineName: 'first 4 KiB' };
}

async function readBeginnings(folder: string): Promise<void> {
  const found = await listCandidateFiles(folder);
  const buffer = new Uint8Array(4096);
  for (const { absolute } of found?.files ?? []) {
    const descriptor = openSync(absolute, 'r');
    readSync(descriptor, buffer, 0, buffer.length, 0);
    closeSync(descriptor);
  }
}

/** The folder in all its bytes, of which next to none are on the disk. Each sample that the analyzer takes for holes is written. */
function writeLarge(folder: string): number {
  mkdirSync(folder, { recursive: true });
  const map: Record<string, string> = {};
  let total = 0;
  for (let shard = 0; shard < SHARDS; shard += 1) {
    const name = `model-${String(shard + 1).padStart(5, '0')}-of-${String(SHARDS).padStart(5, '0')}.safetensors`;
    const tensors: Record<string, readonly [string, readonly number[]]> = {};
    for (let index = 0; index < TENSORS_PER_SHARD; index += 1) {
      const tensor = `model.layers.${Math.floor(shard / 4)}.mlp.experts.${shard % 4}.${index}.weight`;
      tensors[tensor] = ['BF16', [ROWS, COLUMNS]];
      map[tensor] = name;
    }
    total += writeShard(join(folder, name), tensors);
  }
  const config = {
    ...{ architectures: ['LlamaForCausalLM'], model_type: 'llama', hidden_size: 2048, num_hidden_layers: 50, num_attention_heads: 16 },
    ...{ num_key_value_heads: 16, vocab_size: 32_000, max_position_embeddings: 4096, intermediate_size: 8192 },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'tokenizer.json'), '{"version": "1.0"}');
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ metadata: { total_size: total }, weight_map: map }));
  return total;
}

/** @returns its bytes. */
function writeShard(path: string, tensors: SyntheticTensors): number {
  const { header, dataBytes } = safetensorsHeader(tensors);
  const bytes = header.length + dataBytes;
  const descriptor = openSync(path, 'w');
  try {
    writeSync(descriptor, header, 0, header.length, 0);
    ftruncateSync(descriptor, bytes);
    const mark = new Uint8Array([1]);
    // The last byte of each tensor, and one every MiB back from there: where the analyzer looks whether bytes have arrived.
    const tensorBytes = ROWS * COLUMNS * 2;
    for (let end = header.length + tensorBytes; end <= bytes; end += tensorBytes) {
      for (let at = end; at > end - tensorBytes; at -= 1024 * 1024) writeSync(descriptor, mark, 0, 1, at - 1);
    }
  } finally {
    closeSync(descriptor);
  }
  return bytes;
}

function writeWithFolder(path: string, content: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
