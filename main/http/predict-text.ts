/**
 * Transforms the runtime's event stream into the text answer of /predict: one JSON answer or our
 * own events.
 */
import type { Lease } from '../core/gateway.ts';
import { EventsReader } from './events-reader.ts';
import type { Exchange, Job } from './exchange.ts';
import { withoutKey } from './quoted-key.ts';
import { brokeOff } from './refusal.ts';
import { sendJson } from './respond.ts';
import type { UpstreamRequest } from './upstream.ts';
import { NO_USAGE, type TokenUsage, usageOf } from './usage.ts';

/**
 * More than models answer with; a runtime that never stops must not fill the memory (I10), and what
 * is written or read at once on the engine's thread must not hold up other requests (I12).
 */
const ANSWER_CHARACTERS = 8 * 1024 * 1024;
const EVENT_CHARACTERS = 1024 * 1024;

/** The part of a chunk of OpenAI's that we read; everything may be absent, or something else. */
interface Chunk {
  readonly choices?: readonly {
    readonly text?: string | null;
    /** Thoughts have two names: `reasoning` is the newer one. */
    readonly delta?: { readonly content?: string | null; readonly reasoning_content?: string | null; readonly reasoning?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: object | null;
  /** Of servers with a `generate` of their own. */
  readonly text_output?: string | readonly string[] | null;
  readonly error?: { readonly message?: unknown } | string | null;
}

export class PredictText implements Job {
  readonly modelId: string;
  readonly streams: boolean;
  readonly #prepare: (lease: Lease) => UpstreamRequest;
  readonly #reader = new EventsReader();
  #text = '';
  #reasoning = '';
  #finishReason: string | null = null;
  #usage: TokenUsage = NO_USAGE;
  #whole = false;
  #key: string | null = null;

  constructor(modelId: string, streams: boolean, prepare: (lease: Lease) => UpstreamRequest) {
    this.modelId = modelId;
    this.streams = streams;
    this.#prepare = prepare;
  }

  prepare(lease: Lease): UpstreamRequest {
    // Its stream has no last word: where it ends it is whole.
    this.#whole = lease.endpoint.protocol === 'v2';
    this.#key = lease.endpoint.key;
    return this.#prepare(lease);
  }

  begin(exchange: Exchange): void {
    if (this.streams) exchange.beginEvents();
  }

  data(exchange: Exchange, chunk: Buffer): void {
    let events = '';
    for (const data of this.#reader.push(chunk)) {
      if (data === '[DONE]') {
        this.#whole = true;
        continue;
      }
      const { text, reasoning } = this.#read(data, exchange);
      if (text === '' && reasoning === '') continue;
      exchange.markFirstToken();
      if (!this.streams) {
        this.#text += text;
        this.#reasoning += reasoning;
        continue;
      }
      if (reasoning !== '') events += `data: ${JSON.stringify({ reasoning })}\n\n`;
      if (text !== '') events += `data: ${JSON.stringify({ text })}\n\n`;
    }
    if (this.#text.length + this.#reasoning.length > ANSWER_CHARACTERS)
      throw brokeOff(exchange.runtime, this.modelId, 'its answer has no end');
    if (events !== '') exchange.write(events);
  }

  end(exchange: Exchange): TokenUsage {
    if (!this.#whole) throw brokeOff(exchange.runtime, this.modelId, 'its answer ended early');
    const rest = {
      finish_reason: this.#finishReason,
      usage: { prompt_tokens: this.#usage.promptTokens, completion_tokens: this.#usage.completionTokens },
      timings: exchange.timings(this.#usage.completionTokens),
    };
    const who = { model: this.modelId, runtime: exchange.runtime };
    if (this.streams) exchange.response.end(`data: ${JSON.stringify({ done: true, ...who, ...rest })}\n\n`);
    else
      sendJson(
        exchange.response,
        200,
        { ...who, text: this.#text, ...(this.#reasoning === '' ? {} : { reasoning: this.#reasoning }), ...rest },
        exchange.headers(),
      );
    return this.#usage;
  }

  #read(data: string, exchange: Exchange): { readonly text: string; readonly reasoning: string } {
    const { runtime } = exchange;
    if (data.length > EVENT_CHARACTERS) throw brokeOff(runtime, this.modelId, 'it sent an event that is too large');
    let chunk: Chunk;
    try {
      chunk = (JSON.parse(data) as Chunk | null) ?? {};
    } catch {
      throw brokeOff(runtime, this.modelId, 'it sent an event that is not JSON');
    }
    const { error, usage, choices, text_output } = chunk;
    if (error !== undefined && error !== null) {
      exchange.doubt();
      const said = typeof error === 'string' ? error : error.message;
      throw brokeOff(runtime, this.modelId, typeof said === 'string' ? withoutKey(said, this.#key) : 'without a reason');
    }
    if (usage) this.#usage = usageOf(usage);
    const choice = choices?.[0];
    const reason = choice?.finish_reason;
    if (typeof reason === 'string') this.#finishReason = reason;
    const delta = choice?.delta;
    const own = Array.isArray(text_output) ? text_output.join('') : text_output;
    return { text: textIn(delta?.content, choice?.text, own), reasoning: textIn(delta?.reasoning_content, delta?.reasoning) };
  }
}

/** The first of these that is a text. */
function textIn(...values: readonly unknown[]): string {
  return values.find((value) => typeof value === 'string') ?? '';
}
