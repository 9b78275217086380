/**
 * One inference request, from its body to the last byte of the answer: it waits for the model, asks
 * its runtime, passes the answer on and reports the result. The differences between routes (how to
 * ask the runtime, how to transform the answer) come in as a Job. It parses no answer itself.
 */
import type { ServerResponse } from 'node:http';
import type { Timings } from '../../shared/api-predict.ts';
import { type ErrorEnvelope, ModeliumError, toModeliumError } from '../../shared/errors.ts';
import type { Departure, Lease } from '../core/gateway.ts';
import { Comments, SILENT_HEAD_MS, WAITING_HEAD_MS } from './comments.ts';
import { HeldBack } from './held-back.ts';
import { callerOf, Leaving, whenClosed } from './leaving.ts';
import type { ProxyPorts } from './proxy-ports.ts';
import { brokeOff, isOurs, type Refusal, refusalEnvelope, refusalHeaders, refusalStatus } from './refusal.ts';
import { beginEventStream, cutStream, errorEvent, errorHeaders, type Headers, isEventStream, modelHeaders, sendJson } from './respond.ts';
import type { UpstreamController, UpstreamHandler, UpstreamHeaders, UpstreamRequest } from './upstream.ts';
import { NO_USAGE, type TokenUsage, timingsOf } from './usage.ts';

/** Error bodies of runtimes are a few hundred bytes; what is longer is cut (I10). */
const REFUSAL_BYTES = 64 * 1024;
const NONE_IGNORED: readonly string[] = [];
/**
 * So long after the end of a process its news have come, grandchildren that hold its pipes open
 * included.
 */
const NEWS_MS = 300;

/**
 * What a route does with a request and with the runtime's good answer. Only the functions of the
 * job may throw ModeliumError.
 */
export interface Job {
  readonly modelId: string;
  /** The client asked for server-sent events. */
  readonly streams: boolean;
  /** Fields of the request that change nothing here, told in a header and counted. */
  readonly ignoredFields?: readonly string[];
  /** An answer that is no success is passed on as it is, too. */
  readonly passesRefusals?: boolean;
  /**
   * Later where something of the request has to be read first. @throws ModeliumError
   * not-supported-by-model.
   */
  prepare(lease: Lease, exchange: Exchange): UpstreamRequest | Promise<UpstreamRequest>;
  begin(exchange: Exchange, status: number, headers: UpstreamHeaders): void;
  data(exchange: Exchange, chunk: Buffer): void;
  /**
   * Ends the response, and says what the request used; later where the answer is made elsewhere.
   */
  end(exchange: Exchange): TokenUsage | Promise<TokenUsage>;
  /** The request has ended, in whatever way: what was held for it is given back. */
  over?(exchange: Exchange): void;
}

export class Exchange implements UpstreamHandler {
  readonly response: ServerResponse;
  readonly #ports: ProxyPorts;
  readonly #job: Job;
  readonly #startedMs: number;
  #leaving: Leaving | null = null;
  #lease: Lease | null = null;
  #controller: UpstreamController | null = null;
  #refusal: Refusal | null = null;
  #comments: Comments | null = null;
  #heldBack: HeldBack | null = null;
  #retried = false;
  #done = false;
  #firstTokenMs: number | null = null;

  constructor(ports: ProxyPorts, response: ServerResponse, job: Job, startedMs: number) {
    this.#ports = ports;
    this.response = response;
    this.#job = job;
    this.#startedMs = startedMs;
  }

  /** Asks for the model; a ready one is asked in this very turn. */
  start(): void {
    whenClosed(this.response, this.#onClientGone);
    if (!this.#done) this.#begin();
  }

  #begin(): void {
    try {
      const lease = this.#ports.inference.ensureReady(this.#job.modelId, this);
      if (!(lease instanceof Promise)) {
        this.#ask(lease);
        return;
      }
      this.#comment(WAITING_HEAD_MS);
      lease.then(
        (ready) => this.#ask(ready),
        (thrown: unknown) => this.fail(toModeliumError(thrown)),
      );
    } catch (thrown) {
      this.fail(toModeliumError(thrown));
    }
  }

  /**
   * Aborts when the client leaves. Made only for a request that has to wait: most never ask for it.
   */
  get signal(): Departure {
    this.#leaving ??= new Leaving();
    return this.#leaving;
  }

  get caller(): string {
    return callerOf(this.response);
  }

  /**
   * The head of the stream went out before the runtime answered: comments keep the connection
   * alive.
   */
  get headersSent(): boolean {
    return this.response.headersSent;
  }

  get runtime(): string {
    return this.#lease?.runtime ?? '';
  }

  /** X-Modelium-*, for the head. */
  headers(): Headers {
    return modelHeaders(this.#job.modelId, this.#lease, this.#job.ignoredFields ?? NONE_IGNORED);
  }

  /**
   * Sends the head of an event stream, unless it went out already. @param passed what the runtime's
   * own head says.
   */
  beginEvents(passed: Headers = {}): void {
    beginEventStream(this.response, { ...passed, ...this.headers() });
  }

  /** Passes bytes on; the runtime is held back while the client is slow. */
  write(chunk: Buffer | string): void {
    if (this.response.write(chunk)) return;
    const { clock, inference, isMemoryShort } = this.#ports;
    const isWaitedFor = () => inference.isWaitedFor(this.#job.modelId) || isMemoryShort();
    this.#heldBack ??= new HeldBack(this.response, { clock, isWaitedFor, fail: (error) => this.fail(error) });
    this.#heldBack.hold(this.#controller);
  }

  /** The first token is there; later calls count for nothing. */
  markFirstToken(): void {
    this.#firstTokenMs ??= this.#elapsedMs();
  }

  timings(completionTokens: number | null): Timings {
    return timingsOf(this.#lease, this.#firstTokenMs, this.#elapsedMs(), completionTokens);
  }

  /**
   * Ends the request with an error: as the answer while nothing went out, else as the stream's last
   * event.
   */
  fail(error: ModeliumError): void {
    if (error.code === 'internal') this.#ports.log.error(`A request for ${this.#job.modelId} hit a bug.`, error);
    this.#failWith(error.status, error.envelope(), errorHeaders(error));
  }

  /** Its server answered as one that is broken does: whoever knows looks whether it is. */
  doubt(): void {
    this.#ports.inference.doubt?.(this.#job.modelId);
  }

  onRequestStart(controller: UpstreamController): void {
    this.#controller = controller;
    if (this.#done) controller.abort(new Error('The request ended before it was sent.'));
  }

  onResponseStart(_controller: UpstreamController, status: number, headers: UpstreamHeaders): void {
    if (this.#done || status < 200) return;
    this.#lease?.countChunk();
    if (status >= 300 && this.#job.passesRefusals !== true) {
      this.#refusal = { status, headers, parts: [], bytes: 0 };
      return;
    }
    // Comments belong into event streams only.
    if (!isEventStream(headers)) this.#comments?.end();
    this.#guarded(() => this.#job.begin(this, status, headers));
  }

  onResponseData(_controller: UpstreamController, chunk: Buffer): void {
    if (this.#done) return;
    this.#lease?.countChunk();
    const refusal = this.#refusal;
    if (refusal === null) {
      // From here on a comment could stand in the middle of an event.
      this.#comments?.end();
      this.#guarded(() => this.#job.data(this, chunk));
    } else if (refusal.bytes < REFUSAL_BYTES) {
      refusal.parts.push(chunk);
      refusal.bytes += chunk.length;
    }
  }

  onResponseEnd(): void {
    if (this.#done) return;
    const refusal = this.#refusal;
    if (refusal !== null) {
      // Of a server of tensors nobody knows whose fault a refusal is.
      if (isOurs(refusal) || this.#lease?.endpoint.protocol === 'v2') this.doubt();
      const of = { modelId: this.#job.modelId, runtime: this.runtime, key: this.#lease?.endpoint.key ?? null };
      this.#failWith(refusalStatus(refusal), refusalEnvelope(refusal, of), refusalHeaders(refusal));
      return;
    }
    this.#guarded(() => this.#soon(this.#job.end(this), (used) => this.#finish(this.response.statusCode, used)));
  }

  onResponseError(_controller: UpstreamController, error: Error): void {
    if (this.#done) return;
    if (this.#controller === null && !this.#retried) {
      // No connection came about, so that no byte went out and asking twice cannot run the prompt
      // twice. Its process has ended, and the news of that is on its way: by then this request
      // waits like any other until the model is loaded again.
      this.#retried = true;
      this.#ports.inference.doubt?.(this.#job.modelId);
      this.#giveBack();
      this.#lease = null;
      this.#ports.clock.after(NEWS_MS, () => {
        if (!this.#done) this.#begin();
      });
      return;
    }
    this.fail(brokeOff(this.runtime, this.#job.modelId, error.message));
  }

  #ask(lease: Lease): void {
    if (this.#done) {
      lease.release();
      return;
    }
    this.#lease = lease;
    if (!this.response.headersSent) this.#comment(SILENT_HEAD_MS);
    if (lease.cut.aborted) {
      this.#onCut();
      return;
    }
    lease.cut.addEventListener('abort', this.#onCut);
    this.#guarded(() => this.#soon(this.#job.prepare(lease, this), (request) => this.#ports.dispatch(lease.endpoint, request, this)));
  }

  /** Now or later; not where something else has ended the request meanwhile. */
  #soon<Value>(value: Value | Promise<Value>, act: (value: Value) => void): void {
    if (!(value instanceof Promise)) return act(value);
    void value.then((later) => (this.#done ? undefined : act(later))).catch((thrown: unknown) => this.fail(toModeliumError(thrown)));
  }

  /**
   * Whatever a job throws becomes the answer; nothing escapes into the client library's callbacks.
   */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      this.fail(toModeliumError(thrown));
    }
  }

  /** Nothing is said in an answer that is no stream. @param headMs after which the head leaves. */
  #comment(headMs: number): void {
    if (!this.#job.streams) return;
    const { clock, inference } = this.#ports;
    const says = () => (this.#lease === null ? inference.waitingFor(this.#job.modelId) : 'waiting for the first token');
    this.#comments ??= new Comments(clock, this.response, () => this.beginEvents(), says);
    this.#comments.startIn(headMs);
  }

  #onClientGone = (): void => {
    if (this.#done) return;
    this.#finish(499, NO_USAGE);
    this.#controller?.abort(new ModeliumError('cancelled', 'The client left.'));
  };

  #onCut = (): void => {
    const reason: unknown = this.#lease?.cut.reason;
    this.fail(reason instanceof ModeliumError ? reason : brokeOff(this.runtime, this.#job.modelId, 'it was stopped'));
  };

  #failWith(status: number, envelope: ErrorEnvelope, headers: Headers): void {
    if (this.#done) return;
    const { response } = this;
    const allHeaders = { ...headers, ...this.headers() };
    this.#finish(status, NO_USAGE);
    this.#controller?.abort(new Error(envelope.error.message));
    if (!response.headersSent) sendJson(response, status, envelope, allHeaders);
    else if (!this.#job.streams) response.destroy();
    else if (this.#controller === null || this.#refusal !== null) response.end(errorEvent(envelope));
    else cutStream(response, envelope, this.#ports.clock);
  }

  #finish(status: number, usage: TokenUsage): void {
    this.#done = true;
    this.#leaving?.abort();
    this.#job.over?.(this);
    this.#comments?.end();
    this.#heldBack?.end();
    const lease = this.#lease;
    this.#giveBack();
    const totalMs = this.#elapsedMs();
    this.#ports.inference.report({
      modelId: this.#job.modelId,
      runtime: lease?.runtime ?? null,
      status,
      totalMs,
      firstTokenMs: this.#firstTokenMs,
      queueMs: lease?.queueMs ?? totalMs,
      queueCause: lease?.queueCause ?? null,
      promptTokens: usage.promptTokens,
      completionTokens: usage.completionTokens,
      ignoredFields: this.#job.ignoredFields ?? NONE_IGNORED,
    });
  }

  #giveBack(): void {
    this.#lease?.cut.removeEventListener('abort', this.#onCut);
    this.#lease?.release();
  }

  #elapsedMs(): number {
    return this.#ports.clock.now() - this.#startedMs;
  }
}
