/**
 * All errors that Modelium shows to users: one class and one table. The table gives each code its
 * HTTP status and a hint what to do. The sentence is written where the error is thrown, because
 * only that place knows the figures.
 */

interface ErrorFacts {
  readonly status: number;
  /** OpenAI's `type` in the error envelope. */
  readonly type:
    | 'invalid_request_error'
    | 'not_found_error'
    | 'permission_error'
    | 'rate_limit_error'
    | 'unavailable_error'
    | 'server_error';
  readonly hint: string;
}

export const ERRORS = {
  // Requests
  'malformed-http': {
    status: 400,
    type: 'invalid_request_error',
    hint: 'Use HTTP/1.1 without TLS, with one Host header and no transfer-encoding except chunked.',
  },
  'head-too-large': { status: 431, type: 'invalid_request_error', hint: 'Send fewer or shorter headers: cookies are the usual cause.' },
  'request-timeout': { status: 408, type: 'invalid_request_error', hint: 'Send the whole request without long pauses.' },
  'invalid-json': { status: 400, type: 'invalid_request_error', hint: 'Send one JSON object as the body.' },
  'invalid-body': { status: 400, type: 'invalid_request_error', hint: 'See /openapi.json for the fields of this route.' },
  'body-too-large': { status: 413, type: 'invalid_request_error', hint: 'Send less, or raise api.max_body_mb.' },
  'encoding-not-supported': {
    status: 415,
    type: 'invalid_request_error',
    hint: 'Send the body as it is, or as gzip, deflate, br or zstd.',
  },
  'busy-with-bodies': { status: 503, type: 'unavailable_error', hint: 'Ask again in a moment, or raise api.max_buffered_mb.' },
  'busy-with-images': { status: 503, type: 'unavailable_error', hint: 'Ask again in a moment, with fewer images at once.' },
  'busy-with-connections': {
    status: 503,
    type: 'unavailable_error',
    hint: 'Ask again in a moment, close connections that nobody uses, or allow the engine more open files (ulimit -n).',
  },
  'route-not-found': { status: 404, type: 'not_found_error', hint: 'GET / lists the routes.' },
  'method-not-allowed': { status: 405, type: 'invalid_request_error', hint: 'GET / lists the routes and their methods.' },
  'model-required': { status: 400, type: 'invalid_request_error', hint: 'Name a model: GET /v1/models lists them.' },
  'model-not-found': { status: 404, type: 'not_found_error', hint: 'GET /v1/models lists the models.' },
  // OpenAI's own name: agents and chat programs know it, and shorten their history when they see
  // it.
  context_length_exceeded: { status: 400, type: 'invalid_request_error', hint: 'Shorten the request, or raise models.NAME.context.' },
  'not-supported-by-model': {
    status: 400,
    type: 'invalid_request_error',
    hint: 'Choose a model of the right kind: GET /models lists the kinds.',
  },
  // Guard
  'host-not-allowed': { status: 403, type: 'permission_error', hint: 'Add the name to api.allowed_hosts.' },
  'origin-not-allowed': { status: 403, type: 'permission_error', hint: 'Add the origin to api.cors_origins.' },
  'token-required': {
    status: 401,
    type: 'permission_error',
    hint: 'Send the control token: it is in the state folder, which only its owner can read.',
  },
  'proof-refused': {
    status: 401,
    type: 'permission_error',
    hint: 'Ask /control/prove again, and sign each request with the answer of this run of the engine.',
  },
  // Models that cannot answer now
  'model-settling': { status: 503, type: 'unavailable_error', hint: 'Ask again when the copy is complete.' },
  'model-blocked': { status: 503, type: 'unavailable_error', hint: '`modelium why MODEL` says what would help.' },
  'model-failed': { status: 503, type: 'unavailable_error', hint: "`modelium logs MODEL` shows the runtime's output." },
  'model-gone': { status: 410, type: 'not_found_error', hint: 'Its files were removed. Put them back to serve it again.' },
  'queue-full': {
    status: 429,
    type: 'rate_limit_error',
    hint: "Ask again later. If the model's queue is full, raise orchestration.policies.max_queue.",
  },
  'queue-timeout': {
    status: 503,
    type: 'unavailable_error',
    hint: 'Ask again later, or raise orchestration.policies.queue_timeout_seconds.',
  },
  cancelled: { status: 499, type: 'unavailable_error', hint: 'The request or load was cancelled.' },
  'shutting-down': { status: 503, type: 'unavailable_error', hint: 'The engine is ending. Ask again when it is back.' },
  // The runtime's side
  'upstream-failed': { status: 502, type: 'server_error', hint: 'The runtime failed. `modelium logs MODEL` shows its output.' },
  // Loading
  'runtime-exited': { status: 503, type: 'unavailable_error', hint: "`modelium logs MODEL` shows the runtime's output." },
  'load-stalled': {
    status: 503,
    type: 'unavailable_error',
    hint: 'Raise orchestration.policies.load_stall_seconds if this model only loads slowly.',
  },
  'load-too-long': { status: 503, type: 'unavailable_error', hint: 'Raise orchestration.policies.load_max_seconds.' },
  'out-of-memory': {
    status: 503,
    type: 'unavailable_error',
    hint: 'Free memory, or give the model a smaller context (models.NAME.context).',
  },
  'file-unreadable': {
    status: 503,
    type: 'unavailable_error',
    hint: 'Give the user that runs Modelium the right to read it. The next request after that loads the model.',
  },
  'not-convertible': {
    status: 503,
    type: 'unavailable_error',
    hint: 'Drop a GGUF of the same model, or use a runtime that takes the folder.',
  },
  'room-did-not-come': { status: 503, type: 'unavailable_error', hint: '`modelium why MODEL` shows what holds the memory.' },
  'still-alive': { status: 503, type: 'server_error', hint: 'A process of the model could not be ended. End it by hand.' },
  // Engine
  'settings-invalid': {
    status: 400,
    type: 'invalid_request_error',
    hint: 'Correct the file; a running engine keeps its old settings until then.',
  },
  'settings-refused': {
    status: 400,
    type: 'invalid_request_error',
    hint: 'Nothing was written. Change the named settings, and save again.',
  },
  'settings-changed': { status: 409, type: 'invalid_request_error', hint: 'Read the settings again, then repeat the edit.' },
  'settings-unwritable': { status: 503, type: 'server_error', hint: 'Free some disk space, or make the file writable, and save again.' },
  'file-exists': { status: 409, type: 'invalid_request_error', hint: 'Choose another path, or overwrite the file with --force.' },
  'not-importable': {
    status: 400,
    type: 'invalid_request_error',
    hint: 'Correct the file, or name another one: modelium import config.yaml',
  },
  'no-settings-file': {
    status: 409,
    type: 'invalid_request_error',
    hint: 'Start Modelium with a settings file: modelium serve --config FILE',
  },
  'port-taken': { status: 503, type: 'server_error', hint: 'Set api.port to a free one.' },
  'already-running': { status: 503, type: 'server_error', hint: 'Use that engine, or stop it first.' },
  'host-needs-key': { status: 400, type: 'invalid_request_error', hint: 'Set api.host to 127.0.0.1.' },
  'not-running': { status: 503, type: 'unavailable_error', hint: 'Start it: modelium serve' },
  'no-free-port': {
    status: 503,
    type: 'server_error',
    hint: 'Widen the port_range of the runtime, or end the programs that use these ports.',
  },
  'state-unusable': {
    status: 503,
    type: 'server_error',
    hint: 'Use another state folder, or a version of Modelium that can read this one.',
  },
  'path-invalid': { status: 400, type: 'invalid_request_error', hint: 'Give the absolute path of a model file or folder.' },
  'sample-unavailable': {
    status: 502,
    type: 'server_error',
    hint: 'Add any GGUF file or model folder of your own by its path instead.',
  },
  'confirmation-needed': {
    status: 400,
    type: 'invalid_request_error',
    hint: 'Read the files with --show, then agree with --yes.',
  },
  'content-changed': {
    status: 409,
    type: 'invalid_request_error',
    hint: 'Read the present files (`modelium trust MODEL`), then decide again.',
  },
  'upload-refused': {
    status: 400,
    type: 'invalid_request_error',
    hint: "Rename the file, or copy it to the engine's machine yourself and give its path.",
  },
  'disk-full': { status: 507, type: 'server_error', hint: 'Free some space on that disk.' },
  internal: { status: 500, type: 'server_error', hint: 'This is a bug in Modelium. The log has the details.' },
} as const satisfies Record<string, ErrorFacts>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * The body of every error answer: OpenAI's envelope, and who is at fault. `origin` is `modelium` or
 * the id of the runtime.
 */
export interface ErrorEnvelope {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly code: string;
    readonly param: string | null;
    readonly origin: string;
    readonly hint?: string;
    /** The runtime's last lines, where it spoke any. */
    readonly last_words?: readonly string[];
  };
}

export interface ErrorDetails {
  readonly param?: string;
  readonly origin?: string;
  readonly lastOutput?: readonly string[];
  /** Whole seconds after which asking again makes sense; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/**
 * An expected failure, told in a sentence that names what, where and the figures. Anything else
 * that is thrown is a bug.
 */
export class ModeliumError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ModeliumError';
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  /** What to do about it. */
  get hint(): string {
    return ERRORS[this.code].hint;
  }

  envelope(): ErrorEnvelope {
    const { type, hint } = ERRORS[this.code];
    const { param, origin, lastOutput } = this.details;
    return {
      error: {
        message: this.message,
        type,
        code: this.code,
        param: param ?? null,
        origin: origin ?? 'modelium',
        hint,
        ...(lastOutput === undefined ? {} : { last_words: lastOutput }),
      },
    };
  }
}

/**
 * Wraps whatever was thrown: a ModeliumError stays itself, the rest becomes `internal` without its
 * stack.
 */
export function toModeliumError(thrown: unknown): ModeliumError {
  if (thrown instanceof ModeliumError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ModeliumError('internal', `Unexpected error: ${message}`, { cause: thrown });
}

/**
 * The engine's own error again, on the other side of HTTP, so that its code, hint and last words
 * reach the person. A code that is not ours is the runtime's.
 * @param answer the body, if it was JSON.
 */
export function errorFromAnswer(status: number, answer: unknown): ModeliumError {
  const { error } = (answer ?? {}) as { readonly error?: Partial<ErrorEnvelope['error']> };
  if (error?.message === undefined) return new ModeliumError('internal', `The engine answered with status ${status} and no reason.`);
  const { message, code, param, origin, last_words: lastOutput } = error;
  const isOurs = code !== undefined && Object.hasOwn(ERRORS, code);
  const foreign: ErrorCode = origin === undefined || origin === 'modelium' ? 'internal' : 'upstream-failed';
  return new ModeliumError(isOurs ? (code as ErrorCode) : foreign, message, {
    ...(param == null ? {} : { param }),
    ...(origin === undefined ? {} : { origin }),
    ...(lastOutput === undefined ? {} : { lastOutput }),
  });
}

/** For the `default` of a switch over a union: does not compile when a case is missing. */
export function assertNever(value: never): never {
  throw new Error(`Unhandled case: ${JSON.stringify(value)}`);
}
