/**
 * A Hugging Face folder into a GGUF, from page cache: how fast, and with how much memory, beside a
 * plain copy of the same bytes. The model's layers are one size larger than its processor's caches;
 * its tokenizer has as many tokens as Llama 3's.
 */
import { fork } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants, copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { byteCharacters } from '../../main/embedded/llama/token-bytes.ts';
import { FRUGAL } from '../../main/runtime/llama/convert.ts';
import type { ConvertedType } from '../../shared/decision.ts';
import { writeTinyFolder } from '../helpers/tiny-folder.ts';
import { type BenchOptions, median, type Row, temporaryFolder } from './kit.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/main/embedded/convert/program.js', import.meta.url));
const MODEL_BYTES = 600_000_000;
const TOKENS = 128_000;
const ROUNDS = 3;
const LEAST_MB_PER_SECOND = 300;
const MOST_MIB = 200;

interface Run {
  readonly seconds: number;
  readonly peakMiB: number;
}

export async function convert(_options: BenchOptions): Promise<readonly Row[]> {
  const folder = temporaryFolder();
  const source = await writeTinyFolder(join(folder, 'model'), { minimumBytes: MODEL_BYTES });
  growTokenizer(join(source, 'tokenizer.json'));
  const weights = join(source, 'model.safetensors');
  const megabytes = statSync(weights).size / 1e6;
  const output = join(folder, 'model.gguf');
  const copies: number[] = [];
  const rows: Row[] = [];
  for (const type of ['BF16', 'Q8_0'] as const) {
    const runs: Run[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      rmSync(output, { force: true });
      const began = performance.now();
      await copyFile(weights, output, constants.COPYFILE_EXCL);
      copies.push((performance.now() - began) / 1000);
      rmSync(output, { force: true });
      runs.push(await run(source, output, type));
    }
    const rate = megabytes / median(runs.map(({ seconds }) => seconds));
    const peak = Math.max(...runs.map(({ peakMiB }) => peakMiB));
    const bar = `>= ${LEAST_MB_PER_SECOND} MB/s`;
    rows.push(
      {
        what: `bf16 to ${type}`,
        unit: 'MB/s',
        value: rate,
        baseline: megabytes / median(copies),
        baselineName: 'a copy',
        bar,
        within: rate >= LEAST_MB_PER_SECOND,
      },
      { what: `bf16 to ${type}: most memory`, unit: 'MiB', value: peak, bar: `<= ${MOST_MIB} MiB`, within: peak <= MOST_MIB },
    );
  }
  return rows;
}

/** As the engine starts it, its start included. */
function run(source: string, output: string, type: ConvertedType): Promise<Run> {
  const files = Object.fromEntries(readdirSync(source).map((name) => [name, join(source, name)]));
  const began = performance.now();
  const fences = ['--permission', '--allow-fs-read=*', `--allow-fs-write=${dirname(output)}/*`];
  const child = fork(PROGRAM, [], { execArgv: [...FRUGAL, ...fences], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  let peakMiB = 0;
  const look = setInterval(() => {
    const status = `/proc/${child.pid}/status`;
    const kib = existsSync(status) ? Number(/VmHWM:\s+(\d+)/.exec(readFileSync(status, 'utf8'))?.[1] ?? 0) : 0;
    peakMiB = Math.max(peakMiB, kib / 1024);
  }, 20);
  child.send({ files, output, earlier: null, type });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => {
      clearInterval(look);
      if (code === 0) resolve({ seconds: (performance.now() - began) / 1000, peakMiB });
      else reject(new Error(`The conversion ended with ${code}.`));
    });
  });
}

/**
 * As large as Llama 3's file: tokens that are not used, and twice as many pairs. Only their number
 * counts. Those beyond the embeddings are left out by the converter.
 */
function growTokenizer(path: string): void {
  const json = JSON.parse(readFileSync(path, 'utf8')) as { model: { vocab: Record<string, number>; merges: string[] } };
  const letters = byteCharacters();
  for (let id = Object.keys(json.model.vocab).length; id < TOKENS; id += 1) {
    const text = [id, id >> 4, id >> 8, id >> 12, id >> 16].map((part) => letters[(part * 31 + id) % 256]).join('') + id;
    json.model.vocab[text] = id;
    json.model.merges.push(`${text.slice(0, 2)} ${text.slice(2)}`, `${text.slice(0, 3)} ${text.slice(3)}`);
  }
  writeFileSync(path, JSON.stringify(json, null, 2));
}
