/**
 * Transforms the runtime's embeddings or classes into the answer of /predict to texts and images,
 * in their order.
 */
import type { Lease } from '../core/gateway.ts';
import { type AnswerBudget, type AnswerShare, SMALL_ANSWER_BYTES } from './answer-budget.ts';
import type { Exchange, Job } from './exchange.ts';
import { brokeOff } from './refusal.ts';
import { sendJson } from './respond.ts';
import type { UpstreamRequest } from './upstream.ts';
import { type TokenUsage, usageOf } from './usage.ts';

/** Some 20,000 embeddings of 1,024 numbers; more than that belongs into several requests (I10). */
const ANSWER_BYTES = 256 * 1024 * 1024;

/** The route by which runtimes answer with classes. */
export const CLASSES_PATH = '/classify';

interface Entry {
  readonly index?: number;
  readonly embedding?: readonly number[];
  readonly label?: string | null;
  readonly probs?: readonly number[];
}

interface InputsAnswer {
  readonly data?: readonly Entry[];
  readonly usage?: object | null;
}

export class PredictInputs implements Job {
  readonly modelId: string;
  readonly streams = false;
  readonly #budget: AnswerBudget;
  readonly #prepare: (lease: Lease) => UpstreamRequest;
  readonly #parts: Buffer[] = [];
  #share: AnswerShare | null = null;
  #bytes = 0;
  #classifies = false;

  constructor(modelId: string, budget: AnswerBudget, prepare: (lease: Lease) => UpstreamRequest) {
    this.modelId = modelId;
    this.#budget = budget;
    this.#prepare = prepare;
  }

  prepare(lease: Lease): UpstreamRequest {
    const request = this.#prepare(lease);
    this.#classifies = request.path === CLASSES_PATH;
    return request;
  }

  begin(): void {
    // Nothing goes out before the answer is whole.
  }

  data(exchange: Exchange, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > ANSWER_BYTES) throw brokeOff(exchange.runtime, this.modelId, 'its answer is larger than 256 MB');
    if (this.#bytes > SMALL_ANSWER_BYTES) {
      this.#share ??= this.#budget.open(exchange.caller);
      this.#share.take(chunk.length);
    }
    this.#parts.push(chunk);
  }

  end(exchange: Exchange): TokenUsage {
    const { data, usage } = this.#parsed(exchange.runtime);
    if (!Array.isArray(data) || !data.every((entry) => typeof entry === 'object' && entry !== null))
      throw brokeOff(exchange.runtime, this.modelId, `its answer has no ${this.#classifies ? 'classes' : 'embeddings'}`);
    const inOrder = (data as readonly Entry[]).toSorted((one, other) => (one.index ?? 0) - (other.index ?? 0));
    const { promptTokens } = usageOf(usage);
    const answer = {
      model: this.modelId,
      runtime: exchange.runtime,
      ...(this.#classifies ? { labels: inOrder.map(labelOf) } : { embeddings: inOrder.map((entry) => entry.embedding ?? []) }),
      usage: { prompt_tokens: promptTokens, completion_tokens: 0 },
      timings: exchange.timings(0),
    };
    sendJson(exchange.response, 200, answer, exchange.headers());
    return { promptTokens, completionTokens: 0 };
  }

  over(): void {
    this.#share?.release();
  }

  #parsed(runtime: string): InputsAnswer {
    try {
      return (JSON.parse(Buffer.concat(this.#parts).toString()) as InputsAnswer | null) ?? {};
    } catch {
      throw brokeOff(runtime, this.modelId, 'its answer is not JSON');
    }
  }
}

function labelOf({ label, probs }: Entry): { readonly label: string; readonly probability: number | null } {
  const likeliest = Array.isArray(probs) && probs.length > 0 ? probs.reduce((one, other) => Math.max(one, other)) : null;
  return { label: label ?? (likeliest === null ? '' : String(probs?.indexOf(likeliest))), probability: likeliest };
}
