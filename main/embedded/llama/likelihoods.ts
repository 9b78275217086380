/**
 * Log-probabilities in OpenAI's two formats, released together with the text of their tokens. No
 * I/O.
 */
import type { Chosen } from './sampling.ts';

export interface TokenText {
  readonly text: string;
  /** What the token stands for: a character may be spread over several tokens. */
  readonly bytes: readonly number[];
}

export interface TokenLikelihood extends TokenText {
  readonly logprob: number;
  readonly rivals: readonly (TokenText & { readonly logprob: number })[];
  /** Characters of the answer in front of it. */
  readonly offset: number;
}

/**
 * Keeps each token's log-probabilities until its text goes out; what a stop string cuts off never
 * does.
 */
export class LikelihoodLog {
  readonly #textOf: (token: number) => TokenText;
  #waiting: TokenLikelihood[] = [];

  constructor(textOf: (token: number) => TokenText) {
    this.#textOf = textOf;
  }

  /** @param offset characters that the tokens before it made. */
  add({ token, likelihood }: Chosen, offset: number): void {
    if (likelihood === null) return;
    const rivals = likelihood.rivals.map((rival) => ({ ...this.#textOf(rival.token), logprob: rival.logprob }));
    this.#waiting.push({ ...this.#textOf(token), logprob: likelihood.logprob, rivals, offset });
  }

  /** Those whose text begins in front of this character. */
  take(end: number): readonly TokenLikelihood[] {
    const first = this.#waiting.findIndex((each) => each.offset >= end);
    return this.#waiting.splice(0, first < 0 ? this.#waiting.length : first);
  }
}

/** The `logprobs` of a chat's choice. */
export function chatLogprobs(tokens: readonly TokenLikelihood[]): object {
  const content = tokens.map(({ text, bytes, logprob, rivals }) => ({
    token: text,
    logprob,
    bytes,
    top_logprobs: rivals.map((rival) => ({ token: rival.text, logprob: rival.logprob, bytes: rival.bytes })),
  }));
  return { content, refusal: null };
}

/** The `logprobs` of a completion's choice. */
export function completionLogprobs(tokens: readonly TokenLikelihood[]): object {
  return {
    tokens: tokens.map(({ text }) => text),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ rivals }) => Object.fromEntries(rivals.map(({ text, logprob }) => [text, logprob]))),
    text_offset: tokens.map(({ offset }) => offset),
  };
}
