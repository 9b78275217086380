/**
 * The embedded server beside llama.cpp's own of the same release: same models, same threads, both
 * loaded at once and asked by turns, so that what else the machine does weighs on both alike.
 * Memory of a process of its own each time.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { modeliumFolders } from '../../main/io/folders.ts';
import { sampleModelPath } from '../../main/io/sample-model.ts';
import { threadsEach } from '../../main/runtime/thread-share.ts';
import { BUILT_SERVER } from '../helpers/built-app.ts';
import { type TinyModelOptions, writeTinyGguf } from '../helpers/tiny-gguf.ts';
import {
  type BenchOptions,
  freePort,
  median,
  type Program,
  printTable,
  type Row,
  residentMiB,
  rotated,
  start,
  temporaryFolder,
  untilOk,
} from './kit.ts';
import { llamaServer } from './llama-server.ts';
import { streamCompletion } from './text-streams.ts';

const KEY = 'bench';
const SEQUENCES = 16;
const CONTEXT_TOKENS = 1024;
const ANSWER_TOKENS = 64;
/** Of each of many streams: together they take long enough. */
const SHORT_ANSWER_TOKENS = 24;
const PROMPT_TOKENS = 512;
const ROUNDS = 3;
/**
 * The design's line between models whose tokens are slow, where a share counts, and fast ones,
 * where our own time does.
 */
const SLOW_TOKEN_MS = 15;
const MOST_OWN_MS = 0.5;
const LEAST_SHARE = 0.95;
const MOST_MORE_MIB = 130;
const MODELS_AT_ONCE = 4;
const LEAST_SHARE_AT_ONCE = 0.9;

interface Server {
  readonly name: 'Modelium' | 'llama-server';
  readonly port: number;
  readonly program: Program;
  readonly loadSeconds: number;
}

interface Model {
  readonly name: string;
  readonly file: string;
  /** Ends of an answer, which are forbidden so that all answers are equally long. */
  readonly ends: readonly number[];
  readonly vocabulary: number;
}

export async function embedded(_options: BenchOptions): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const model of await models(temporaryFolder())) {
    const own = [...(await sideBySide(model)), ...(await atOnce(model))];
    // Minutes a model: what is known is shown.
    printTable(own);
    rows.push(...own);
  }
  return rows;
}

async function models(folder: string): Promise<readonly Model[]> {
  const tiny = async (name: string, options: TinyModelOptions): Promise<Model> => {
    const file = await writeTinyGguf(folder, { name: name.replaceAll(' ', '-'), contextTokens: CONTEXT_TOKENS, ...options });
    return { name, file, ends: [0, 2], vocabulary: 300 };
  };
  const list = [await tiny('tiny', {}), await tiny('125 M f16', { weights: 'F16', layers: 24, minimumBytes: 250_000_000 })];
  const sample = sampleModelPath(modeliumFolders().cache);
  if (existsSync(sample)) list.push({ name: 'SmolLM2 135 M', file: sample, ends: [0, 2], vocabulary: 49_000 });
  return list;
}

async function startServer(name: Server['name'], file: string, threads: number, sequences: number): Promise<Server> {
  const port = await freePort();
  const flags = ['--model', file, '--host', '127.0.0.1', '--port', String(port), '--alias', 'm', '--threads', String(threads)];
  const size = ['--ctx-size', String(CONTEXT_TOKENS * sequences), '--parallel', String(sequences)];
  // A context each, as ours has; no copies of prompts beside the context, which ours does not keep;
  // no run before the first request.
  const same = ['--no-kv-unified', '--cache-ram', '0', '--no-warmup', '--threads-batch', String(threads), '--ubatch-size', '512'];
  const env = { LLAMA_API_KEY: KEY };
  const began = performance.now();
  const program =
    name === 'Modelium'
      ? start([BUILT_SERVER, ...flags, ...size], { env })
      : start([...flags, ...size, ...same], { env, command: llamaServer() });
  await untilOk(port, '/health', program);
  return { name, port, program, loadSeconds: (performance.now() - began) / 1000 };
}

let nextPrompt = 0;

/** Tokens that no earlier prompt began with, unless the same number is asked for again. */
function promptOf({ vocabulary }: Model, tokens: number, number = ++nextPrompt): number[] {
  return Array.from({ length: tokens }, (_, index) => 50 + ((number * 7919 + index * (31 + number)) % (vocabulary - 60)));
}

class Figures {
  readonly #values = new Map<string, number[]>();

  add(server: Server, what: string, value: number): void {
    const key = `${server.name} ${what}`;
    this.#values.set(key, [...(this.#values.get(key) ?? []), value]);
  }

  of(name: Server['name'], what: string): number {
    return median(this.#values.get(`${name} ${what}`) ?? []);
  }
}

async function sideBySide(model: Model): Promise<readonly Row[]> {
  const threads = threadsEach(availableParallelism(), 1);
  const figures = new Figures();
  const names = ['Modelium', 'llama-server'] as const;
  const servers: Server[] = [];
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      // The last ones stay.
      for (const server of servers.splice(0)) await server.program.stop();
      for (const name of rotated(names, round)) {
        const server = await startServer(name, model.file, threads, SEQUENCES);
        servers.push(server);
        figures.add(server, 'load', server.loadSeconds);
      }
    }
    for (let round = 0; round < ROUNDS; round += 1)
      for (const server of rotated(servers, round)) await measure(server, model, figures, round);
    for (const server of servers) figures.add(server, 'memory', residentMiB(server.program.pid));
  } finally {
    for (const server of servers) await server.program.stop();
  }
  return rowsOf(model, figures);
}

async function measure(server: Server, model: Model, figures: Figures, round: number): Promise<void> {
  const bias = Object.fromEntries(model.ends.map((token) => [token, -100]));
  const ask = (prompt: readonly number[], tokens: number) =>
    streamCompletion(server.port, KEY, { prompt, max_tokens: tokens, temperature: 0, logit_bias: bias, cache_prompt: true });
  // The difference of two: a piece of text may hold several tokens, and what each answer costs
  // beside them is in both.
  const [short, long] = [await ask(promptOf(model, 8), 2), await ask(promptOf(model, 8), ANSWER_TOKENS + 2)];
  figures.add(server, 'generation', (ANSWER_TOKENS * 1000) / (long.endMs - short.endMs));
  const prompt = promptOf(model, PROMPT_TOKENS, 1000 + round);
  const cold = await ask(prompt, 2);
  figures.add(server, 'prompt', (PROMPT_TOKENS * 1000) / cold.firstMs);
  figures.add(server, 'cold', cold.firstMs);
  const warm = await ask([...prompt, ...promptOf(model, 8)], 2);
  figures.add(server, 'reused', warm.firstMs);
  for (const [streams, tokens] of [
    [4, ANSWER_TOKENS],
    [16, SHORT_ANSWER_TOKENS],
  ] as const) {
    const began = performance.now();
    await Promise.all(Array.from({ length: streams }, () => ask(promptOf(model, 8), tokens)));
    figures.add(server, `${streams} streams`, (streams * tokens * 1000) / (performance.now() - began));
  }
}

function rowsOf(model: Model, figures: Figures): readonly Row[] {
  const pair = (what: string) => ({
    value: figures.of('Modelium', what),
    baseline: figures.of('llama-server', what),
    baselineName: 'llama-server',
  });
  /** Tokens a second: a share of llama-server's, or our own time for each token. */
  const rate = (what: string, label: string): Row => {
    const { value, baseline, baselineName } = pair(what);
    const tokenMs = 1000 / baseline;
    const isSlow = tokenMs >= SLOW_TOKEN_MS;
    const within = isSlow ? value >= LEAST_SHARE * baseline : 1000 / value - tokenMs <= MOST_OWN_MS;
    const bar = isSlow ? `>= ${LEAST_SHARE} x` : `own <= ${MOST_OWN_MS} ms a token: ${(1000 / value - tokenMs).toFixed(2)}`;
    return { what: `${model.name}: ${label}`, unit: 'tokens/s', value, baseline, baselineName, bar, within };
  };
  const memory = pair('memory');
  return [
    rate('generation', 'generation'),
    rate('prompt', 'prompt'),
    rate('4 streams', '4 streams together'),
    rate('16 streams', '16 streams together'),
    { what: `${model.name}: first token of ${PROMPT_TOKENS}, cold`, unit: 'ms', ...pair('cold') },
    { what: `${model.name}: first token, beginning known`, unit: 'ms', ...pair('reused') },
    { what: `${model.name}: start to listening and loaded`, unit: 's', ...pair('load') },
    {
      what: `${model.name}: memory`,
      unit: 'MiB',
      ...memory,
      bar: `<= its + ${MOST_MORE_MIB} MiB`,
      within: memory.value <= memory.baseline + MOST_MORE_MIB,
    },
  ];
}

/**
 * Several models that generate at the same time share the threads that one has alone;
 * `runtime/thread-share.ts` deals them.
 */
async function atOnce(model: Model): Promise<readonly Row[]> {
  const servers: Server[] = [];
  const alone: number[] = [];
  const together: number[] = [];
  try {
    const threads = threadsEach(availableParallelism(), MODELS_AT_ONCE);
    for (let index = 0; index < MODELS_AT_ONCE; index += 1) servers.push(await startServer('Modelium', model.file, threads, 1));
    const rate = async (some: readonly Server[]): Promise<number> => {
      const began = performance.now();
      const bias = Object.fromEntries(model.ends.map((token) => [token, -100]));
      const asked = some.map(({ port }) =>
        streamCompletion(port, KEY, { prompt: promptOf(model, 8), max_tokens: ANSWER_TOKENS, temperature: 0, logit_bias: bias }),
      );
      await Promise.all(asked);
      return (some.length * ANSWER_TOKENS * 1000) / (performance.now() - began);
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      alone.push(await rate(servers.slice(0, 1)));
      together.push(await rate(servers));
    }
  } finally {
    for (const server of servers) await server.program.stop();
  }
  const [value, baseline] = [median(together), median(alone)];
  const what = `${model.name}: ${MODELS_AT_ONCE} models at once, all tokens`;
  const within = value >= LEAST_SHARE_AT_ONCE * baseline;
  return [{ what, unit: 'tokens/s', value, baseline, baselineName: 'one alone', bar: `>= ${LEAST_SHARE_AT_ONCE} x`, within }];
}
