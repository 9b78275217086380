/**
 * The fuzzer of requests: sends what a seed makes to a real embedded server, several at a time, and
 * asks beside them for an answer that is known. A request may be answered or refused by name; it
 * may never end the server, be its error, or change another one's answer.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TemplateError } from '../../main/core/jinja/errors.ts';
import { Template } from '../../main/core/jinja/template.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { fuzzRequest, random } from './fuzz-bodies.ts';
import { startServer, type TestServer } from './start-server.ts';

const AT_ONCE = 6;
/**
 * Between two questions for the known answer: often, so that several are asked at once and are
 * computed together.
 */
const WITNESS_EACH = 10;
/** A client that leaves is one of the cases. */
const PATIENCE_MS = 4000;
const REFUSALS = [400, 404, 413, 429];
const TEMPLATES = new URL('../fixtures/chat-templates/', import.meta.url);

export class FuzzFailure extends Error {}

export class RequestFuzzer {
  readonly #folder: string;
  readonly #servers: readonly TestServer[];
  readonly #known: Known;
  readonly #templates: readonly string[];
  /** How many requests each status answered. */
  readonly counts = new Map<number | 'left', number>();

  private constructor(folder: string, servers: readonly TestServer[], known: Known, templates: readonly string[]) {
    this.#folder = folder;
    this.#servers = servers;
    this.#known = known;
    this.#templates = templates;
  }

  static async start(): Promise<RequestFuzzer> {
    const folder = await mkdtemp(join(tmpdir(), 'modelium-fuzz-'));
    const text = await writeTinyGguf(folder, { weights: 'F32' });
    const bert = await writeTinyGguf(folder, { name: 'bert', kind: 'bert', contextTokens: 128 });
    const [chat, embedder] = await Promise.all([
      startServer(['--model', text, '--alias', 'tiny', '--ctx-size', '512', '--parallel', '2']),
      startServer(['--model', bert, '--alias', 'bert', '--ctx-size', '128', '--embeddings', '--ubatch-size', '128']),
    ]);
    const files = (await readdir(TEMPLATES, { recursive: true })).filter((name) => name.endsWith('.jinja')).slice(0, 12);
    const templates = await Promise.all(files.map((name) => readFile(new URL(name, TEMPLATES), 'utf8')));
    return new RequestFuzzer(folder, [chat, embedder], await findKnown(chat), templates);
  }

  async end(): Promise<void> {
    for (const server of this.#servers) await server.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** @throws FuzzFailure with the case. */
  async run(seed: number, from: number, count: number): Promise<void> {
    let next = from;
    const worker = async () => {
      while (next < from + count) {
        const index = next++;
        await this.one(seed, index).catch((error: unknown) => {
          throw new FuzzFailure(`case ${index} of seed ${seed}: ${error instanceof Error ? error.message : error}`);
        });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    await this.#askKnown();
  }

  async one(seed: number, index: number): Promise<void> {
    if (index % 10 === 9) this.#template(random(seed + index));
    const { path, body } = fuzzRequest(seed, index);
    const server = this.#servers[path === '/v1/embeddings' || (path === '/v1/rerank' && index % 2 === 0) ? 1 : 0]!;
    const answer = await server
      .request(path, body, { signal: AbortSignal.timeout(PATIENCE_MS) })
      .then(
        async (response) => ({ status: response.status, text: await response.text() }),
        (error: unknown) => {
          if (error instanceof Error && error.name === 'TimeoutError') return null;
          throw new Error(`${path} ${body.slice(0, 2000)} broke the connection: ${error}`);
        },
      )
      .catch((error: unknown) => {
        if (error instanceof Error && error.name === 'TimeoutError') return null;
        throw error;
      });
    const kind = answer?.status ?? 'left';
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    if (answer !== null && answer.status !== 200) checkRefusal(answer.status, answer.text, `${path} ${body.slice(0, 2000)}`);
    if (server.child.exitCode !== null || server.child.signalCode !== null)
      throw new Error(`${path} ${body.slice(0, 2000)} ended the server: ${server.lines.slice(-5).join(' | ')}`);
    if (index % WITNESS_EACH === 0) await this.#askKnown();
  }

  async #askKnown(): Promise<void> {
    const answer = await this.#known.ask();
    if (answer !== this.#known.text) throw new Error(`another request changed a known answer to ${answer.slice(0, 500)}`);
  }

  /** A template of a real model, damaged: an error of its own, or a text. */
  #template(next: () => number): void {
    const source = this.#templates[Math.floor(next() * this.#templates.length)];
    if (source === undefined) return;
    const [from, to, into] = [next(), next(), next()].map((part) => Math.floor(part * source.length)) as [number, number, number];
    const damaged = source.slice(0, into) + source.slice(Math.min(from, to), Math.max(from, to)) + source.slice(into);
    try {
      const bounds = { steps: 200_000, characters: 1_000_000, longestText: 500_000, milliseconds: 2000, now: () => performance.now() };
      const values = { messages: [{ role: 'user', content: 'x' }], bos_token: '', eos_token: '' };
      new Template(damaged).render(values, { bounds, now: () => new Date(0) });
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
    }
  }
}

interface Known {
  readonly text: string;
  ask(): Promise<string>;
}

/** Of these the one whose answer is surest is asked again and again. */
const WITNESSES = ['the model', 'Hello', 'one two three', 'What is it?', 'a', 'The end of'];
/**
 * In logarithms of probability. What else is in a batch changes the last digits of a sum: 1e-5 of
 * these.
 */
const SURE = 1e-3;

/** @throws where each answer has a token that is hardly likelier than the next one. */
async function findKnown(server: TestServer): Promise<Known> {
  const asked = await Promise.all(
    WITNESSES.map(async (prompt) => {
      const request = { prompt, temperature: 0, max_tokens: 6, seed: 1 };
      const { body } = await server.json('/v1/completions', { ...request, logprobs: 2 });
      const margins = body.choices[0]!.logprobs.top_logprobs.map((top) => {
        const [first = 0, second = first] = Object.values(top).sort((a, b) => b - a);
        return first - second;
      });
      const ask = async () => {
        const again = await server.json('/v1/completions', request);
        return again.status === 200 ? again.body.choices[0]!.text : `${again.status} ${JSON.stringify(again.body)}`;
      };
      return { margin: Math.min(...margins), text: body.choices[0]!.text, ask };
    }),
  );
  const surest = asked.reduce((best, one) => (one.margin > best.margin ? one : best));
  if (!(surest.margin > SURE)) throw new Error(`no answer of the tiny model is sure: ${asked.map(({ margin }) => margin).join(', ')}`);
  return surest;
}

function checkRefusal(status: number, text: string, request: string): void {
  if (!REFUSALS.includes(status)) throw new Error(`${request} was answered with ${status}: ${text.slice(0, 1000)}`);
  const { error } = JSON.parse(text) as { error?: { message?: unknown; code?: unknown; origin?: unknown } };
  if (typeof error?.message !== 'string' || typeof error.code !== 'string' || error.origin !== 'llama')
    throw new Error(`${request} was refused without a reason: ${text.slice(0, 1000)}`);
}
