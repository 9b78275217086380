/**
 * Starts the programs that the runtime tests ask: our converter, the real llama.cpp, and Python.
 */
import { execFile, fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ConvertedType } from '../../shared/decision.ts';
import type { LlamaQuestion, LlamaReply } from './ask-llama.ts';

const run = promisify(execFile);
export const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * The converter as the engine starts it. Resolves with its last line; rejects with it when it
 * failed.
 */
export function convertFolder(folder: string, output: string, type: ConvertedType): Promise<string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const places = Object.fromEntries(files.map((path) => [relative(folder, path), path]));
  const child = fork(here('../../main/embedded/convert/program.ts'), [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let said = '';
  const hear = (chunk: Buffer): void => {
    said += chunk.toString();
  };
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', hear);
  child.send({ files: places, output, earlier: null, type });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      const last = said.trim().split('\n').at(-1) ?? '';
      if (code === 0) resolve(last);
      else reject(new Error(said.trim() === '' ? `code ${code}` : last));
    });
  });
}

export function askLlama(question: LlamaQuestion): Promise<LlamaReply> {
  const child = fork(here('ask-llama.ts'), [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], serialization: 'advanced' });
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words += chunk.toString();
  });
  child.send(question);
  return new Promise((resolve, reject) => {
    child.on('message', (reply: LlamaReply) => (reply.error === undefined ? resolve(reply) : reject(new Error(reply.error))));
    child.on('exit', (code, signal) => reject(new Error(`llama.cpp ended with ${signal ?? code}: ${words.slice(-400)}`)));
  });
}

/**
 * A script of `python/`: one JSON object a line, by its name. The setup is run first, which does
 * nothing where Python is there.
 */
export async function python<Line extends { readonly name: string; readonly error?: string }>(
  script: string,
  ...args: readonly string[]
): Promise<ReadonlyMap<string, Line>> {
  await run(here('setup'), [], { timeout: 280_000 });
  const { stdout: interpreter } = await run(here('setup'), ['--where']);
  const options = { maxBuffer: 256 * 1024 * 1024, timeout: 280_000, env: { ...process.env, HF_HUB_OFFLINE: '1', OMP_NUM_THREADS: '2' } };
  const { stdout } = await run(interpreter.trim(), [here(`python/${script}`), ...args], options);
  // Trainers of tokenizers write bars of progress between the lines.
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  return new Map(lines.map((line) => JSON.parse(line) as Line).map((line) => [line.name, line]));
}
