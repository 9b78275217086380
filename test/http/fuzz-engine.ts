/**
 * What is fuzzed here: a whole engine as it was built, with models of several kinds, among them
 * some whose chat templates are damaged.
 */
import { Agent, request } from 'node:http';
import { readToken } from '../../main/io/engine-file.ts';
import { random } from '../embedded/fuzz-bodies.ts';
import { damagedTemplate } from '../helpers/damaged-template.ts';
import { eventually } from '../helpers/eventually.ts';
import { checkRefusal, type FuzzTarget, PATIENCE_MS } from '../helpers/request-fuzzer.ts';
import { makeHome, type Served, startServe } from '../helpers/serve.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { type FuzzExchange, type FuzzedModels, fuzzExchange } from './fuzz-exchanges.ts';

const DAMAGED = ['damaged-0', 'damaged-1', 'damaged-2'];
const MODELS: FuzzedModels = { writing: ['tiny', ...DAMAGED], embedding: 'bert' };
/** No request may find a model missing, failed or busy: 5xx is none of them. */
const REFUSALS = [400, 401, 404, 405, 413, 415, 429];

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** @param seed of the templates. */
export async function wholeEngine(seed: number): Promise<FuzzTarget> {
  const home = makeHome();
  const next = random(seed);
  await writeTinyGguf(home.watch, { name: 'tiny', weights: 'F32', contextTokens: 512 });
  await writeTinyGguf(home.watch, { name: 'bert', kind: 'bert', contextTokens: 128 });
  for (const name of DAMAGED) await writeTinyGguf(home.watch, { name, contextTokens: 512, chatTemplate: damagedTemplate(next) });
  const served = await startServe(home);
  for (const name of [...MODELS.writing, MODELS.embedding]) await served.becomes(name, 'ready');
  const token = readToken(home.state)!;
  const agent = new Agent({ keepAlive: true });

  const ask = (exchange: FuzzExchange) => send(served, agent, token, exchange);
  return {
    describe: (runSeed, index) => {
      const exchange = fuzzExchange(runSeed, index, MODELS);
      return { ...exchange, body: exchange.body.toString() };
    },
    async send(runSeed, index) {
      const exchange = fuzzExchange(runSeed, index, MODELS);
      const shown = `${exchange.method} ${exchange.path} ${JSON.stringify(exchange.headers)} ${exchange.body.toString().slice(0, 2000)}`;
      const answer = await ask(exchange).catch((error: unknown) => {
        throw new Error(`${shown} broke the connection: ${error}. ${served.story().slice(-500)}`);
      });
      if (answer === null) return 'left';
      const isAnswer = answer.status < 300 || (exchange.path.endsWith('/ready') && answer.status === 400);
      if (!isAnswer && exchange.method !== 'HEAD') checkRefusal(answer, REFUSALS, shown);
      return answer.status;
    },
    async complete(fields) {
      const body = Buffer.from(JSON.stringify({ model: 'tiny', ...fields }));
      const answer = await ask({ method: 'POST', path: '/v1/completions', headers: {}, body, withToken: false, leaves: null });
      return answer!;
    },
    async check() {
      const bug = /.*(?:hit a bug|nobody caught).*/i.exec(served.story())?.[0];
      if (bug !== undefined) throw new Error(`The engine said: ${bug}`);
      await eventually('no place is held for a client that has left', async () =>
        (await served.models()).every(({ inFlight, waiting }) => inFlight + waiting === 0),
      );
      const failed = (await served.models()).filter(({ state }) => state === 'failed' || state === 'blocked');
      if (failed.length > 0) throw new Error(`A model failed: ${failed.map(({ id, message }) => `${id}: ${message}`).join(' | ')}`);
    },
    async end() {
      agent.destroy();
      await served.end('SIGTERM');
      await home.remove();
    },
  };
}

/** @returns null: the client left, as the case has it. @throws Error where the connection broke. */
function send(served: Served, agent: Agent, token: string, exchange: FuzzExchange): Promise<Answer | null> {
  const { method, path, body, leaves } = exchange;
  const headers: Record<string, string> = { ...exchange.headers };
  if (exchange.withToken) headers['authorization'] ??= `Bearer ${token}`;
  if (body.length > 0) headers['content-length'] = String(body.length);
  return new Promise((resolve, reject) => {
    // A client that leaves has a connection of its own.
    const sent = request(served.address, { method, path, headers, agent: leaves === null ? agent : false, timeout: PATIENCE_MS });
    const leave = () => {
      resolve(null);
      sent.destroy();
    };
    sent.on('timeout', () => sent.destroy(new Error(`no answer in ${PATIENCE_MS / 1000} s`)));
    sent.on('error', reject);
    sent.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
    });
    if (leaves !== null && 'afterBytes' in leaves) {
      sent.write(body.subarray(0, leaves.afterBytes), leave);
      return;
    }
    if (leaves !== null) setTimeout(leave, leaves.afterMs);
    if (headers['expect'] === undefined) {
      sent.end(body);
      return;
    }
    sent.on('continue', () => sent.end(body));
    sent.flushHeaders();
  });
}
