/**
 * `/predict` with `input`: asks the runtime for embeddings or classes of texts and images. The
 * answer has them in their order.
 */
import type { Lease } from '../core/gateway.ts';
import type { Exchange, Job } from './exchange.ts';
import { sendJsonAround } from './respond.ts';
import type { UpstreamRequest } from './upstream.ts';
import type { TokenUsage } from './usage.ts';
import { type AnswerPorts, CollectedAnswer } from './whole-answer.ts';

/** The route by which runtimes answer with classes. */
export const CLASSES_PATH = '/classify';

export class PredictInputs implements Job {
  readonly modelId: string;
  readonly streams = false;
  readonly #answer: CollectedAnswer;
  readonly #prepare: (lease: Lease) => UpstreamRequest;
  #classifies = false;

  constructor(modelId: string, ports: AnswerPorts, prepare: (lease: Lease) => UpstreamRequest) {
    this.modelId = modelId;
    this.#answer = new CollectedAnswer(ports, modelId);
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
    this.#answer.push(exchange, chunk);
  }

  end(exchange: Exchange): TokenUsage | Promise<TokenUsage> {
    const kind = this.#classifies ? 'classes' : 'embeddings';
    return this.#answer.read(exchange, { kind, headerLength: null }, ({ json, promptTokens }) => {
      sendJsonAround(exchange.response, exchange.headers(), {
        before: { model: this.modelId, runtime: exchange.runtime },
        name: this.#classifies ? 'labels' : 'embeddings',
        json,
        after: { usage: { prompt_tokens: promptTokens, completion_tokens: 0 }, timings: exchange.timings(0) },
      });
      return { promptTokens, completionTokens: 0 };
    });
  }

  over({ response }: Exchange): void {
    this.#answer.release(response);
  }
}
