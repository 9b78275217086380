/** Writes an answer as OpenAI's server-sent events. Owns the stream's shapes and its ends. */
import type { ServerResponse } from 'node:http';
import type { FinishReason } from '../llama/generation.ts';
import type { TokenLikelihood } from '../llama/likelihoods.ts';
import type { Part } from '../tools/tool-reader.ts';
import { type AnswerHead, asLlamaError, logprobsOf, newCallId, openAiUsage, sendError, type Usage } from './openai-answer.ts';

/**
 * Everything of a text chunk in front of and behind the text itself: building the whole object for
 * each token costs more than the text.
 */
interface Frame {
  readonly before: string;
  readonly behind: string;
}

const PATIENCE_MS = 30_000;

/**
 * What is wrong with a request is known before `open`, and has a status of its own; from then on an
 * error is an event.
 */
export class AnswerStream {
  readonly #response: ServerResponse;
  readonly #head: AnswerHead;
  readonly #includeUsage: boolean;
  readonly #hasNullUsage: boolean;
  readonly #isWaitedFor: () => boolean;
  readonly #patienceMs: number;
  readonly #frames: (Frame | undefined)[] = [];
  /** The last ones told, if any were asked for. */
  #timings: object | undefined;

  /**
   * @param isWaitedFor whether others wait for the place of this answer.
   * @param patienceMs how long a client may read nothing while they do.
   */
  constructor(
    response: ServerResponse,
    head: AnswerHead,
    includeUsage: boolean,
    isWaitedFor: () => boolean = () => false,
    patienceMs = PATIENCE_MS,
  ) {
    this.#isWaitedFor = isWaitedFor;
    this.#patienceMs = patienceMs;
    this.#response = response;
    this.#head = head;
    this.#includeUsage = includeUsage;
    // The engine counts the tokens of those who did not ask: they are to see no trace of that.
    this.#hasNullUsage = includeUsage && response.req.headers['x-modelium-usage'] !== 'last';
  }

  /** The prompt is about to be read, which may take minutes: the head leaves now. */
  open(): void {
    if (this.#response.headersSent) return;
    this.#writeHead();
    this.#response.flushHeaders();
  }

  /**
   * @returns a promise when the client reads more slowly than we write: the next part waits for it.
   */
  part(index: number, part: Part, likelihoods: readonly TokenLikelihood[], timings?: object): Promise<void> | undefined {
    const { before, behind } = this.#begin(index);
    this.#timings = timings ?? this.#timings;
    const logprobs = likelihoods.length === 0 ? null : logprobsOf(this.#head.route, likelihoods);
    let chunk: string;
    if (part.kind === 'text' && logprobs === null && timings === undefined) chunk = before + JSON.stringify(part.text) + behind;
    else chunk = this.#chunk(index, this.#delta(part), null, logprobs, timings);
    return this.#response.write(chunk) ? undefined : this.#drained();
  }

  /** How far the prompt is read, in llama-server's words. */
  progress(index: number, total: number, known: number, kept: number): void {
    this.#writeHead();
    const progress = { index, total, cache: kept, processed: known };
    this.#response.write(event({ ...this.#common(), choices: [], prompt_progress: progress }));
  }

  /** A choice is complete; others may go on. */
  finish(index: number, finish: FinishReason): void {
    this.#begin(index);
    this.#response.write(this.#chunk(index, this.#head.route === 'chat' ? { delta: {} } : { text: '' }, finish, null));
  }

  end(usage: Usage): void {
    const extra = this.#timings === undefined ? {} : { timings: this.#timings };
    const last = this.#includeUsage ? event({ ...this.#common(), choices: [], usage: openAiUsage(usage), ...extra }) : '';
    this.#response.end(`${last}data: [DONE]\n\n`);
  }

  /**
   * An error in mid-stream: an event that says it, then a broken transfer, so that no client takes
   * the rest for the whole.
   */
  fail(thrown: unknown): void {
    if (!this.#response.headersSent) sendError(this.#response, thrown);
    else this.#response.write(event(asLlamaError(thrown).envelope()), () => this.#response.destroy());
  }

  #writeHead(): void {
    if (this.#response.headersSent) return;
    this.#response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  }

  #begin(index: number): Frame {
    const known = this.#frames[index];
    if (known !== undefined) return known;
    this.#writeHead();
    const isChat = this.#head.route === 'chat';
    if (isChat) this.#response.write(this.#chunk(index, { delta: { role: 'assistant', content: null } }, null, null));
    const mark = '\u0000';
    const whole = this.#chunk(index, isChat ? { delta: { content: mark } } : { text: mark }, null, null);
    const [before = '', behind = ''] = whole.split(JSON.stringify(mark));
    this.#frames[index] = { before, behind };
    return { before, behind };
  }

  #delta(part: Part): object {
    if (part.kind === 'text') return this.#head.route === 'chat' ? { delta: { content: part.text } } : { text: part.text };
    if (part.kind === 'reasoning') return { delta: { reasoning_content: part.text } };
    const { index, name } = part;
    const call =
      name === null
        ? { index, function: { arguments: part.arguments } }
        : { index, id: newCallId(), type: 'function', function: { name, arguments: part.arguments } };
    return { delta: { tool_calls: [call] } };
  }

  /**
   * Resolves when the client has read on, or is gone. One that reads nothing holds no place for
   * ever: it is cut where others wait for it.
   */
  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const patience = setInterval(() => {
        if (this.#isWaitedFor()) this.#response.destroy();
      }, this.#patienceMs);
      const done = () => {
        clearInterval(patience);
        this.#response.off('drain', done);
        this.#response.off('close', done);
        resolve();
      };
      this.#response.on('drain', done);
      this.#response.on('close', done);
      if (this.#response.destroyed) done();
    });
  }

  #common(): object {
    const { route, id, model, created } = this.#head;
    const object = route === 'chat' ? 'chat.completion.chunk' : 'text_completion';
    return { id, object, created, model, system_fingerprint: this.#head.fingerprint };
  }

  #chunk(index: number, choice: object, finish: FinishReason | null, logprobs: object | null, timings?: object): string {
    const usage = this.#hasNullUsage ? { usage: null } : {};
    const extra = timings === undefined ? {} : { timings };
    return event({ ...this.#common(), choices: [{ index, ...choice, logprobs, finish_reason: finish }], ...usage, ...extra });
  }
}

function event(body: object): string {
  return `data: ${JSON.stringify(body)}\n\n`;
}
