/**
 * A load test: sends requests to this server over its own connections, as a client would, so that
 * the figures are those of clients. A browser cannot do that, because it opens only six connections
 * to one address.
 */
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { LoadTest } from '../../shared/api-load-test.ts';
import { predictPath } from '../../shared/api-predict.ts';
import type { Clock } from '../core/ports.ts';
import type { OpenStreams } from './control-streams.ts';
import { EventsReader } from './events-reader.ts';
import { whenClosed } from './leaving.ts';
import { type Failure, LoadTestCount, type Success } from './load-test-count.ts';
import { EVENT_STREAM_HEADERS } from './respond.ts';

/** Figures go out this often. */
const TELL_MS = 500;
const WORD = 'word ';

interface LoadTestPorts {
  readonly clock: Clock;
  readonly open: OpenStreams;
}

interface Ask {
  readonly agent: Agent;
  readonly port: number;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Answers with figures until all requests have ended; the client's leaving ends them. */
export function streamLoadTest(ports: LoadTestPorts, asking: IncomingMessage, response: ServerResponse, wish: LoadTest): void {
  const leaving = new AbortController();
  const count = new LoadTestCount();
  const agent = new Agent({ keepAlive: true, maxSockets: wish.parallel });
  const { localAddress: host = '127.0.0.1', localPort: port = 0 } = asking.socket;
  const headers = { host: asking.headers.host ?? '', 'content-type': 'application/json' };
  const ask: Ask = { agent, host, port, headers, signal: leaving.signal };
  const beganMs = ports.clock.now();
  response.writeHead(200, EVENT_STREAM_HEADERS);
  response.flushHeaders();
  ports.open.add(response);
  whenClosed(response, () => {
    ports.open.delete(response);
    leaving.abort();
    agent.destroy();
  });
  const tell = (isDone: boolean): void => {
    if (response.destroyed) return;
    response.write(`data: ${JSON.stringify(count.figures(ports.clock.now() - beganMs, isDone))}\n\n`);
  };
  const keepTelling = (): void => {
    if (leaving.signal.aborted) return;
    tell(false);
    stopTelling = ports.clock.after(TELL_MS, keepTelling);
  };
  let stopTelling = ports.clock.after(TELL_MS, keepTelling);
  void askAll(ask, wish, count).then(() => {
    stopTelling();
    tell(true);
    response.end();
  });
}

/** Never throws: what a request ends with is counted. */
async function askAll(ask: Ask, wish: LoadTest, count: LoadTestCount): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < wish.requests && !ask.signal.aborted) {
      next += 1;
      count.begin();
      count.end(await askOnce(ask, wish, next));
    }
  };
  await Promise.all(Array.from({ length: Math.min(wish.parallel, wish.requests) }, worker));
}

function askOnce({ signal, headers, ...at }: Ask, wish: LoadTest, number: number): Promise<Success | Failure> {
  // Another beginning each time: what a runtime keeps of former prompts is no help.
  const prompt = `${number}. ${WORD.repeat(wish.promptWords)}`.trim();
  const body = JSON.stringify({ prompt, max_tokens: wish.maxTokens, stream: true });
  return new Promise((resolve) => {
    const broken = (error: Error): void => resolve({ code: 'connection', message: error.message });
    const sent = request({ ...at, signal, method: 'POST', path: predictPath(wish.model), headers }, (answer) => {
      answer.once('error', broken);
      outcomeOf(answer).then(resolve, broken);
    });
    sent.once('error', broken);
    sent.end(body);
  });
}

interface LastEvent {
  readonly done?: true;
  readonly error?: { readonly code?: string; readonly message?: string };
  readonly usage?: { readonly prompt_tokens: number | null; readonly completion_tokens: number | null };
  readonly timings?: { readonly first_token_ms: number | null; readonly total_ms: number };
}

async function outcomeOf(answer: IncomingMessage): Promise<Success | Failure> {
  if (answer.statusCode !== 200) return failureOf((JSON.parse(await text(answer)) as LastEvent).error);
  const events = new EventsReader();
  let outcome: Success | Failure = { code: 'connection', message: 'The answer broke off.' };
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    for (const data of events.push(chunk)) {
      const { done, error, usage, timings } = JSON.parse(data) as LastEvent;
      if (error !== undefined) outcome = failureOf(error);
      if (done !== true || timings === undefined) continue;
      const tokens = { promptTokens: usage?.prompt_tokens ?? 0, completionTokens: usage?.completion_tokens ?? 0 };
      outcome = { ...tokens, firstTokenMs: timings.first_token_ms, totalMs: timings.total_ms };
    }
  }
  // Read to its end: then the connection serves the next one.
  return outcome;
}

function failureOf(error: LastEvent['error']): Failure {
  return { code: error?.code ?? 'unknown', message: error?.message ?? 'The request was refused.' };
}
