/**
 * Reads request bodies completely, with a size limit, and parses them as JSON for any content type,
 * because plain `curl -d` sends that of a form. Knows no route.
 */
import { isUtf8 } from 'node:buffer';
import type { Readable, Writable } from 'node:stream';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';
import { bytesInWords, MIB } from '../../shared/units.ts';
import { hasFewBrackets, outlineOf } from '../core/json-outline.ts';
import { type BodyBudget, FREE_BYTES, type Share } from './body-budget.ts';
import { whenClosed } from './leaving.ts';

export type BodyResult = { readonly body: Buffer } | { readonly error: ModeliumError };

/** The setting that bounds the bodies of inference. */
export const MAX_BODY = 'api.max_body_mb';
/** Arrays and objects inside each other: far more than any schema of a tool has. */
export const MOST_DEPTH = 128;
/** So much more at once. */
const STEP_BYTES = 512 * 1024;
/**
 * Node calls for each chunk that a client made: 64 KiB of the network are ten thousand calls where
 * each holds a byte. So many are borne with.
 */
const MOST_CRUMBS = 16_384;
/** Chunks that are larger on average cost next to nothing. */
const CRUMB_BYTES = 16;
const NOTHING = Buffer.alloc(0);
/** Editors and PowerShell put it in front of a file; to JSON it is no blank. */
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** What a body may be: at most so many bytes, out of a budget that all bodies share. */
export interface BodyBounds {
  readonly limitBytes: number;
  /** In whose name the limit stands, for the error: `api.max_body_mb`. */
  readonly limitName: string;
  /** Null: only small bodies are read. */
  readonly budget: BodyBudget | null;
  /** So many will come, by the head. Absent or null: nobody knows. */
  readonly announcedBytes?: number | null;
}

/**
 * Collects a body in one piece of memory. Once it is refused, nothing more of it is read: the
 * connection ends with the answer (`unread.ts`). What was read in the same turn is thrown away
 * first, rather than kept for a reader.
 * @param request the request, or the decoder of its body.
 * @param response its end gives the bytes back to the budget.
 * @param done called once, with the body, or with body-too-large, busy-with-bodies, request-timeout
 * or what the decoder met; never when the client
 *   leaves before the end.
 */
export function readBody(
  request: Readable,
  response: Writable,
  { limitBytes, limitName, budget, announcedBytes = null }: BodyBounds,
  done: (result: BodyResult) => void,
): void {
  let first: Buffer | null = null;
  let held: Buffer = NOTHING;
  let share: Share | null = null;
  let bytes = 0;
  let chunks = 0;
  let isOver = false;

  function fail(error: ModeliumError): void {
    if (isOver) return;
    setImmediate(() => request.pause());
    drop();
    done({ error });
  }

  /** It is not whole: nobody else has seen it. */
  function drop(): void {
    isOver = true;
    budget?.pace.left(request);
    first = null;
    held = NOTHING;
    share?.release(true);
  }

  /** A decoder goes on after its client has left: for nobody. */
  function leave(): void {
    drop();
    request.destroy();
  }

  /**
   * Grows in place: neither many small pieces nor a length that was only announced take memory. It
   * is shared memory because V8 does not count that: each 20 MB of the other kind make it search
   * the whole heap for garbage, which takes more processor time than the bodies. Who opened the
   * budget has it searched instead (body-budget.ts).
   */
  function keep(part: Buffer): void {
    const before = bytes - part.length;
    if (bytes > held.length) {
      const grown = bytes <= FREE_BYTES ? Buffer.allocUnsafe(FREE_BYTES) : grow();
      if (first !== null || held.buffer !== grown.buffer) (first ?? held).copy(grown, 0, 0, before);
      first = null;
      held = grown;
    }
    share?.received();
    part.copy(held, before);
  }

  function grow(): Buffer {
    const size = Math.floor(Math.min(limitBytes, Math.ceil(bytes / STEP_BYTES) * STEP_BYTES));
    if (budget === null) return Buffer.allocUnsafe(size);
    share ??= opened(budget);
    const memory = share.memory(size);
    return Buffer.from(memory, 0, memory.byteLength);
  }

  function opened(from: BodyBudget): Share {
    const taken = from.open(request, { mostBytes: Math.floor(limitBytes), announcedBytes }, fail);
    // After a whole answer nobody reads the body any more. Without one, a thread may, or a model.
    whenClosed(response, () => (isOver ? taken.release(response.writableFinished) : drop()));
    return taken;
  }

  request.on('data', (part: Buffer) => {
    if (isOver) return;
    if (response.destroyed) return leave();
    bytes += part.length;
    chunks += 1;
    if (bytes > limitBytes) return fail(bodyTooLarge(limitBytes, limitName));
    if (chunks > MOST_CRUMBS && bytes < chunks * CRUMB_BYTES) return fail(inCrumbs());
    // An ordinary body comes in one piece, and stays that.
    if (bytes === part.length && part.length <= FREE_BYTES) {
      first = part;
      return;
    }
    try {
      keep(part);
    } catch (thrown) {
      return fail(toModeliumError(thrown));
    }
    if (bytes > FREE_BYTES) budget?.pace.came(part.length, request);
  });
  request.on('end', () => {
    if (isOver) return;
    if (response.destroyed) return leave();
    isOver = true;
    share?.complete();
    done({ body: withoutMark(first ?? held.subarray(0, bytes)) });
  });
  // What the decoder of a compressed body says; a client that leaves is an error too, and needs no
  // answer.
  request.on('error', (error) => error instanceof ModeliumError && fail(error));
}

function withoutMark(body: Buffer): Buffer {
  return body[0] === BYTE_ORDER_MARK[0] && body.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)
    ? body.subarray(BYTE_ORDER_MARK.length)
    : body;
}

/** Is the announced length too long already? Null when it is not, or not announced. */
export function refuseLength(contentLength: string | undefined, limitMb: number): ModeliumError | null {
  const limitBytes = limitMb * MIB;
  return contentLength !== undefined && Number(contentLength) > limitBytes ? bodyTooLarge(limitBytes, MAX_BODY) : null;
}

function inCrumbs(): ModeliumError {
  return new ModeliumError('invalid-body', `The body comes in chunks of less than ${CRUMB_BYTES} bytes: send it in larger ones.`);
}

function bodyTooLarge(limitBytes: number, limitName: string): ModeliumError {
  return new ModeliumError('body-too-large', `The body is larger than the ${bytesInWords(limitBytes)} that ${limitName} allows.`);
}

/**
 * @throws ModeliumError invalid-json, also for what is not UTF-8, and for JSON that is no object.
 * `__proto__` comes out as an ordinary key of its own.
 */
export function parseObject(body: Buffer): Record<string, unknown> {
  if (body.length === 0) throw new ModeliumError('invalid-json', 'The body is empty.');
  // Decoded all the same, foreign letters would become U+FFFD, and the model would be asked
  // something else.
  if (!isUtf8(body)) throw new ModeliumError('invalid-json', 'The body is not UTF-8: encode it as UTF-8, not as Latin-1, UTF-16 or GBK.');
  const outline = hasFewBrackets(body, MOST_DEPTH) ? null : outlineOf(body, { depth: MOST_DEPTH, values: body.length });
  if (outline?.kind === 'too-deep') throw tooDeep(outline.at);
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (thrown) {
    throw new ModeliumError('invalid-json', `The body is not JSON: ${toModeliumError(thrown).message.replace('Unexpected error: ', '')}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ModeliumError('invalid-json', 'The body is JSON, but not an object in braces.');
  }
  return value as Record<string, unknown>;
}

/** @param at the field, as in `messages.0`. */
function tooDeep(at: string): ModeliumError {
  return new ModeliumError('invalid-body', `${at}: nested more than ${MOST_DEPTH} deep.`, { param: at });
}

/** @throws ModeliumError invalid-json for what is nested deeper than JSON.stringify's stack. */
export function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (thrown) {
    if (thrown instanceof RangeError) throw new ModeliumError('invalid-json', 'The body is nested too deeply.');
    throw thrown;
  }
}
