/**
 * Turns a runtime's failures into Modelium's error format, marked with the runtime as their source.
 * Pure.
 */
import { type ErrorEnvelope, ModeliumError } from '../../shared/errors.ts';
import { withoutKey } from './quoted-key.ts';
import type { UpstreamHeaders } from './upstream.ts';

/** What came so far of an answer that is no success. */
export interface Refusal {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  readonly parts: Buffer[];
  bytes: number;
}

/** A body that is no JSON (a proxy's page, plain text) is quoted up to here. */
const QUOTED_CHARACTERS = 500;

/**
 * The runtime answered nothing that can be used, or not to the end. @param why a clause:
 * `its answer ended early`.
 */
export function brokeOff(runtime: string, modelId: string, why: string): ModeliumError {
  return new ModeliumError('upstream-failed', `${runtime} failed while it answered a request to ${modelId}: ${why}`, { origin: runtime });
}

/**
 * The client's status. Redirects, and refusals of the key that only we know, are our trouble with
 * the runtime: 502.
 */
export function refusalStatus({ status }: Refusal): number {
  return status < 400 || status === 401 || status === 403 ? 502 : status;
}

/** When to ask again, where the runtime says it. */
export function refusalHeaders({ headers }: Refusal): Readonly<Record<string, string>> {
  const { 'retry-after': retryAfter } = headers;
  return typeof retryAfter === 'string' ? { 'retry-after': retryAfter } : {};
}

/** Does it speak of what only we can mend: the key, or that the model is not there? */
export function isOurs({ status }: Refusal): boolean {
  return status === 401 || status === 403 || status === 404;
}

interface Refused {
  readonly modelId: string;
  readonly runtime: string;
  /** Ours: servers quote keys that they refuse. */
  readonly key: string | null;
}

export function refusalEnvelope(refusal: Refusal, { modelId, runtime, key }: Refused): ErrorEnvelope {
  if (refusal.status === 401 || refusal.status === 403) {
    const message = `${runtime} refuses the key that Modelium sends for ${modelId} (status ${refusal.status}).`;
    return { error: { message, type: 'server_error', code: 'upstream-failed', param: null, origin: runtime } };
  }
  const text = withoutKey(Buffer.concat(refusal.parts).toString(), key);
  // Once more where the escapes of its JSON hid it.
  const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? withoutKey(value, key) : null);
  const body = objectOf(parsed(text));
  // OpenAI's `error` object, an `error` that is only a string, FastAPI's `detail`, or a bare
  // `message`.
  const error = objectOf(body['error']);
  const message = textOf(error['message']) ?? textOf(body['error']) ?? textOf(body['detail']) ?? textOf(body['message']) ?? quoted(text);
  return {
    error: {
      message: message === '' ? `${runtime} refused a request for ${modelId} with status ${refusal.status}.` : message,
      type: textOf(error['type']) ?? (refusalStatus(refusal) < 500 ? 'invalid_request_error' : 'server_error'),
      code: isTooLong(error, body, message) ? 'context_length_exceeded' : (textOf(error['code']) ?? 'upstream-failed'),
      param: textOf(error['param']),
      origin: runtime,
    },
  };
}

/**
 * Did the runtime refuse a prompt that is longer than the context? Some have a type for it, others
 * only words: "maximum context length is", "longer than the maximum model length".
 */
function isTooLong(error: Readonly<Record<string, unknown>>, body: Readonly<Record<string, unknown>>, message: string): boolean {
  if ((error['type'] ?? body['type']) === 'exceed_context_size_error') return true;
  return /maximum\s+(?:context|model)\s+length|exceeds? the (?:available )?context/i.test(message);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function quoted(text: string): string {
  return text.trim().slice(0, QUOTED_CHARACTERS);
}
