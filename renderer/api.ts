/**
 * The page's side of the HTTP contract: JSON requests and event streams, signed where the route
 * needs it. Knows no route's meaning. It uses the types of shared/api.ts without the schemas,
 * because the answers come from our own engine.
 */
import type { Answer, API } from '../shared/api.ts';
import { errorFromAnswer, ModeliumError } from '../shared/errors.ts';
import { distrust, provenSession, sign } from './session.ts';
import * as texts from './texts.ts';

export type RouteName = keyof typeof API;
export type AnswerOf<Name extends RouteName> = Answer<(typeof API)[Name]>;

/** Routes that change something, or tell more than anybody may know. */
const SIGNED = '/control/';

interface Init {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | FormData | ArrayBuffer;
  readonly signal?: AbortSignal;
}

export interface AskOptions {
  /** Sent as JSON, but for a form or the bytes of a file. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/**
 * @throws ModeliumError: the engine's own, or `not-running` when nobody answers. An abort throws
 * the signal's reason.
 */
export async function ask<Name extends RouteName>(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { body, signal }: AskOptions = {},
): Promise<AnswerOf<Name>> {
  const response = await send(path, {
    method,
    ...(body instanceof FormData || body instanceof ArrayBuffer ? { body } : {}),
    ...(body === undefined || body instanceof FormData || body instanceof ArrayBuffer
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  return (await response.json()) as AnswerOf<Name>;
}

export interface ServerEvent {
  readonly id: string | null;
  /** Null for a comment: a sign of life, or a sentence of a load's progress. */
  readonly data: string | null;
  readonly comment: string | null;
}

/**
 * Opens an event stream; by fetch, because an EventSource can send no token.
 * @throws ModeliumError as `ask` does, before the first event.
 */
export async function open(path: string, init: Init, onOpen: () => void = () => {}): Promise<AsyncGenerator<ServerEvent>> {
  const response = await send(path, { ...init, headers: { accept: 'text/event-stream', ...init.headers } });
  onOpen();
  return eventsOf(response);
}

async function send(path: string, init: Init): Promise<Response> {
  const response = path.startsWith(SIGNED) ? await sendSigned(path, init) : await provenSession().then(() => fetched(path, init));
  if (response.ok) return response;
  throw refusal(response, await response.json().catch(() => ({})));
}

/**
 * What answers without its own proof is refused: an engine that was restarted gets a new one
 * once, anybody else nothing.
 */
async function sendSigned(path: string, init: Init): Promise<Response> {
  for (let attempt = 0; ; attempt += 1) {
    const session = await provenSession();
    const { authorization, isAnsweredBy } = await sign(session, {
      method: init.method ?? 'GET',
      path,
      body: typeof init.body === 'string' || init.body instanceof ArrayBuffer ? init.body : '',
    });
    const response = await fetched(path, { ...init, headers: { ...init.headers, authorization } });
    if (await isAnsweredBy(response)) return response;
    await response.body?.cancel().catch(() => {});
    distrust();
    if (attempt > 0) throw new ModeliumError('not-running', texts.link.notTheEngine);
  }
}

async function fetched(path: string, init: Init): Promise<Response> {
  return await fetch(path, { ...init, cache: 'no-store', redirect: 'error' }).catch((thrown: unknown) => {
    if (init.signal?.aborted === true) throw thrown;
    distrust();
    throw new ModeliumError('not-running', texts.common.engineDoesNotAnswer, { cause: thrown });
  });
}

/**
 * The engine's own error, with the time after which asking again makes sense: a header, not a part
 * of the body.
 */
function refusal({ status, headers }: Response, answer: unknown): ModeliumError {
  const error = errorFromAnswer(status, answer);
  const retryAfterSeconds = Number(headers.get('retry-after') ?? Number.NaN);
  if (!Number.isFinite(retryAfterSeconds)) return error;
  return new ModeliumError(error.code, error.message, { ...error.details, retryAfterSeconds });
}

const COMMENT = /^:.*\n/;

async function* eventsOf(response: Response): AsyncGenerator<ServerEvent> {
  // Not through a TextDecoderStream: when the connection breaks, it throws away what it has, and
  // the last event tells why.
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  if (reader === undefined) return;
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) if (block.trim() !== '') yield parsed(block);
      // A comment says something now: the event behind it may take a minute.
      for (let line = COMMENT.exec(rest); line !== null; line = COMMENT.exec(rest)) {
        rest = rest.slice(line[0].length);
        yield parsed(line[0]);
      }
    }
  } finally {
    // Leaving the loop ends the connection.
    await reader.cancel().catch(() => {});
  }
}

function parsed(block: string): ServerEvent {
  let id: string | null = null;
  let comment: string | null = null;
  const data: string[] = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
    else if (line.startsWith('id:')) id = line.slice(3).trim();
    else if (line.startsWith(':')) comment = line.slice(1).trim();
  }
  return { id, data: data.length === 0 ? null : data.join('\n'), comment };
}
