/**
 * Extracts token usage and times from the end of a runtime's answer, in the form that our answers
 * have. No I/O.
 */
import type { Timings } from '../../shared/api-predict.ts';
import type { Lease } from '../core/gateway.ts';

export interface TokenUsage {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
}

export const NO_USAGE: TokenUsage = { promptTokens: null, completionTokens: null };

/**
 * The last chunks of an answer hold the usage: it comes after the choices, or in the last event
 * before [DONE].
 */
const TAIL_CHUNKS = 3;
const TAIL_BYTES = 4_096;
const PROMPT_TOKENS = /"prompt_tokens"\s*:\s*(\d+)/;
const COMPLETION_TOKENS = /"completion_tokens"\s*:\s*(\d+)/;

/** Keeps hold of the end of an answer without copying or parsing what passes. */
export class Tail {
  readonly #chunks: Buffer[] = [];

  push(chunk: Buffer): void {
    if (this.#chunks.length === TAIL_CHUNKS) this.#chunks.shift();
    this.#chunks.push(chunk);
  }

  usage(): TokenUsage {
    const end = Buffer.concat(this.#chunks.map((chunk) => chunk.subarray(-TAIL_BYTES)))
      .subarray(-TAIL_BYTES)
      .toString('latin1');
    // Inside a string of the answer the quotes would be escaped, so that this finds the field
    // alone.
    const at = end.lastIndexOf('"usage"');
    if (at === -1) return NO_USAGE;
    const usage = end.slice(at);
    return { promptTokens: numberIn(usage, PROMPT_TOKENS), completionTokens: numberIn(usage, COMPLETION_TOKENS) };
  }
}

/** What a runtime says that it used, as far as those are counts: they are added up. */
export function usageOf(usage: { readonly prompt_tokens?: unknown; readonly completion_tokens?: unknown } | null | undefined): TokenUsage {
  return { promptTokens: countIn(usage?.prompt_tokens), completionTokens: countIn(usage?.completion_tokens) };
}

function countIn(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;
}

function numberIn(text: string, field: RegExp): number | null {
  const digits = field.exec(text)?.[1];
  return digits === undefined ? null : Number(digits);
}

/**
 * @param lease null: the model never became ready. Times in milliseconds since the request came.
 */
export function timingsOf(lease: Lease | null, firstTokenMs: number | null, totalMs: number, completionTokens: number | null): Timings {
  // The first token's time is the prompt's: speed is counted over the tokens after it.
  const known = firstTokenMs !== null && completionTokens !== null && completionTokens > 1 && totalMs > firstTokenMs;
  return {
    queue_ms: rounded(lease?.queueMs ?? totalMs),
    load_ms: rounded(lease?.loadMs ?? 0),
    first_token_ms: firstTokenMs === null ? null : rounded(firstTokenMs),
    total_ms: rounded(totalMs),
    tokens_per_second: known ? rounded(((completionTokens - 1) * 1000) / (totalMs - firstTokenMs)) : null,
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
