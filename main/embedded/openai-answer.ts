/** Writes answers in OpenAI's shapes, whole or as server-sent events. Owns the shapes; knows nothing of llama.cpp. */
import type { ServerResponse } from 'node:http';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';

export type Route = 'chat' | 'completion';
export type FinishReason = 'stop' | 'length';

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(bytes);
}

/** Never a stack trace: the envelope with origin `llama`. */
export function sendError(response: ServerResponse, thrown: unknown): void {
  const error = asLlamaError(thrown);
  sendJson(response, error.status, error.envelope());
}

function asLlamaError(thrown: unknown): ModeliumError {
  const error = toModeliumError(thrown);
  return error.details.origin === 'llama' ? error : new ModeliumError(error.code, error.message, { ...error.details, origin: 'llama' });
}

function openAiUsage({ promptTokens, completionTokens }: Usage): object {
  return { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: promptTokens + completionTokens };
}

export interface AnswerHead {
  readonly route: Route;
  readonly id: string;
  readonly model: string;
  /** Seconds since 1970. */
  readonly created: number;
}

/** The whole answer at once. */
export function wholeAnswer(head: AnswerHead, text: string, finish: FinishReason, usage: Usage): object {
  const { route, id, model, created } = head;
  const choice = route === 'chat' ? { message: { role: 'assistant', content: text, refusal: null } } : { text };
  return {
    id,
    object: route === 'chat' ? 'chat.completion' : 'text_completion',
    created,
    model,
    choices: [{ index: 0, ...choice, logprobs: null, finish_reason: finish }],
    usage: openAiUsage(usage),
  };
}

/** A stream of chunks. Nothing is sent before the first text, so that an error in front of it can still have its own status. */
export class AnswerStream {
  readonly #response: ServerResponse;
  readonly #head: AnswerHead;
  readonly #includeUsage: boolean;
  /** Everything of a text chunk in front of and behind the text itself: building the whole object for each token costs more than the text. */
  readonly #before: string;
  readonly #behind: string;

  constructor(response: ServerResponse, head: AnswerHead, includeUsage: boolean) {
    this.#response = response;
    this.#head = head;
    this.#includeUsage = includeUsage;
    const mark = '\u0000';
    const [before = '', behind = ''] = this.#chunk(head.route === 'chat' ? { delta: { content: mark } } : { text: mark }, null).split(
      JSON.stringify(mark),
    );
    this.#before = before;
    this.#behind = behind;
  }

  /** @returns false when the client reads more slowly than we write: wait for `drained` before the next text. */
  text(text: string): boolean {
    this.#begin();
    return this.#response.write(this.#before + JSON.stringify(text) + this.#behind);
  }

  /** Resolves when the client has read on, or is gone. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#response.off('drain', done);
        this.#response.off('close', done);
        resolve();
      };
      this.#response.on('drain', done);
      this.#response.on('close', done);
      if (this.#response.destroyed) done();
    });
  }

  end(finish: FinishReason, usage: Usage): void {
    this.#begin();
    let last = this.#chunk(this.#head.route === 'chat' ? { delta: {} } : { text: '' }, finish);
    if (this.#includeUsage) last += this.#event({ ...this.#common(), choices: [], usage: openAiUsage(usage) });
    this.#response.end(`${last}data: [DONE]\n\n`);
  }

  /** An error in mid-stream: an event that says it, then a broken transfer, so that no client takes the rest for the whole. */
  fail(thrown: unknown): void {
    if (!this.#response.headersSent) sendError(this.#response, thrown);
    else this.#response.write(this.#event(asLlamaError(thrown).envelope()), () => this.#response.destroy());
  }

  #begin(): void {
    if (this.#response.headersSent) return;
    this.#response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
    if (this.#head.route === 'chat') this.#response.write(this.#chunk({ delta: { role: 'assistant', content: '' } }, null));
  }

  #common(): object {
    const { route, id, model, created } = this.#head;
    return { id, object: route === 'chat' ? 'chat.completion.chunk' : 'text_completion', created, model };
  }

  #chunk(choice: object, finish: FinishReason | null): string {
    const usage = this.#includeUsage ? { usage: null } : {};
    return this.#event({ ...this.#common(), choices: [{ index: 0, ...choice, logprobs: null, finish_reason: finish }], ...usage });
  }

  #event(body: object): string {
    return `data: ${JSON.stringify(body)}\n\n`;
  }
}

/** An embeddings answer. `base64` is little-endian 32-bit floats, as OpenAI's clients ask for by themselves. */
export function embeddingAnswer(model: string, vectors: readonly (readonly number[])[], base64: boolean, promptTokens: number): object {
  const encode = (vector: readonly number[]) => (base64 ? Buffer.from(new Float32Array(vector).buffer).toString('base64') : vector);
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encode(vector) })),
    model,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
}
