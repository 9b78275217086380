/**
 * `npm run bench -- analyze`: one look at a candidate, as the inspecting worker takes it: a 700-GB
 * model in 200 sparse shards, with as many tensors as a dense model of that size has and with as
 * many as a mixture of experts, and a folder of each other format. The baseline is listing the same
 * files, reading each one's header and parsing it as JSON (of other formats the first 4 KiB): about
 * the least that looking at them can cost.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, readSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { listCandidateFiles } from '../../main/io/files/files.ts';
import { inspectCandidate } from '../../main/io/reader/inspect.ts';
import { bytesOf } from '../core/analyzer/folder-of.ts';
import { FUZZ_FORMATS } from '../core/analyzer/fuzz-samples.ts';
import { type SyntheticTensors, safetensorsHeader } from '../core/analyzer/synthetic-safetensors.ts';
import { type BenchOptions, median, type Row, removeFolder, temporaryFolder } from './kit.ts';

const ROUNDS = 9;
const SHARDS = 200;
const SHARD_BYTES = 3_500_000_000;
const COLUMNS = 2048;
const BAR_MS = 300;
/** Llama 3.1 405B has 1,138 tensors in 191 shards, DeepSeek V3 91,991 in 163. */
const DENSE_TENSORS_A_SHARD = 6;
const EXPERT_TENSORS_A_SHARD = 450;

export async function analyze(_options: BenchOptions): Promise<readonly Row[]> {
  const folder = temporaryFolder();
  try {
    const rows = [await large(join(folder, 'dense'), DENSE_TENSORS_A_SHARD), await large(join(folder, 'experts'), EXPERT_TENSORS_A_SHARD)];
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

async function large(folder: string, tensorsAShard: number): Promise<Row> {
  const bytes = writeLarge(folder, tensorsAShard);
  const what = `analyze: ${SHARDS} shards, ${(bytes / 1e9).toFixed(0)} GB, ${SHARDS * tensorsAShard} tensors`;
  const row = await timed(what, folder, 'transformers');
  return tensorsAShard === DENSE_TENSORS_A_SHARD ? { ...row, bar: `<= ${BAR_MS} ms`, within: row.value <= BAR_MS } : row;
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
  return { what, unit: 'ms', value: median(own), baseline: median(least), baselineName: 'least' };
}

async function readBeginnings(folder: string): Promise<void> {
  const found = await listCandidateFiles(folder);
  for (const { absolute } of found?.files ?? []) {
    const descriptor = openSync(absolute, 'r');
    const buffer = Buffer.alloc(4096);
    readSync(descriptor, buffer, 0, buffer.length, 0);
    if (absolute.endsWith('.index.json')) JSON.parse(text(descriptor, 0, statSync(absolute).size));
    else if (absolute.endsWith('.safetensors')) JSON.parse(text(descriptor, 8, Number(buffer.readBigUInt64LE(0))));
    closeSync(descriptor);
  }
}

function text(descriptor: number, offset: number, length: number): string {
  const bytes = Buffer.alloc(length);
  readSync(descriptor, bytes, 0, length, offset);
  return bytes.toString('utf8');
}

/**
 * The folder in all its bytes, of which next to none are on the disk. Each sample that the analyzer
 * takes for holes is written.
 */
function writeLarge(folder: string, tensorsAShard: number): number {
  const rows = Math.floor(SHARD_BYTES / tensorsAShard / COLUMNS / 2);
  mkdirSync(folder, { recursive: true });
  const map: Record<string, string> = {};
  let total = 0;
  for (let shard = 0; shard < SHARDS; shard += 1) {
    const name = `model-${String(shard + 1).padStart(5, '0')}-of-${String(SHARDS).padStart(5, '0')}.safetensors`;
    const tensors: Record<string, readonly [string, readonly number[]]> = {};
    for (let index = 0; index < tensorsAShard; index += 1) {
      const tensor = `model.layers.${Math.floor(shard / 4)}.mlp.experts.${shard % 4}.${index}.weight`;
      tensors[tensor] = ['BF16', [rows, COLUMNS]];
      map[tensor] = name;
    }
    total += writeShard(join(folder, name), tensors, rows * COLUMNS * 2);
  }
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 2048,
    num_hidden_layers: 50,
    num_attention_heads: 16,
    num_key_value_heads: 16,
    vocab_size: 32_000,
    max_position_embeddings: 4096,
    intermediate_size: 8192,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'tokenizer.json'), '{"version": "1.0"}');
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ metadata: { total_size: total }, weight_map: map }));
  return total;
}

/** @returns its bytes. */
function writeShard(path: string, tensors: SyntheticTensors, tensorBytes: number): number {
  const { header, dataBytes } = safetensorsHeader(tensors);
  const bytes = header.length + dataBytes;
  const descriptor = openSync(path, 'w');
  try {
    ftruncateSync(descriptor, bytes);
    // From where the analyzer may look whether a tensor's last bytes have arrived, to the first
    // byte of the next.
    const mark = new Uint8Array(4097).fill(1);
    for (let end = header.length; end <= bytes; end += tensorBytes) writeSync(descriptor, mark, 0, end === bytes ? 4096 : 4097, end - 4096);
    writeSync(descriptor, header, 0, header.length, 0);
  } finally {
    closeSync(descriptor);
  }
  return bytes;
}

function writeWithFolder(path: string, content: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
