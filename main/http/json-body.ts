/**
 * Parses JSON bodies of inference requests: small ones at once, large ones on another thread. A
 * body that is too deep or has too many values is refused before memory is spent on it. Knows no
 * route.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ModeliumError } from '../../shared/errors.ts';
import { isInexact } from '../core/jinja/exact-json.ts';
import { hasFewBrackets, hasFewKeys, type MemberSize } from '../core/json-outline.ts';
import { MOST_DEPTH, parseObject, toJson } from './body.ts';
import type { Asking } from './leaving.ts';
import type { UpstreamBody, UpstreamRequest } from './upstream.ts';

export interface JsonBody {
  readonly bytes: Buffer;
  readonly value: Readonly<Record<string, unknown>>;
  /** False: only what is short at the top was parsed, and the rest is in the bytes alone. */
  readonly isWhole: boolean;
  /** Of the members at the top that were not parsed, by name. */
  readonly sizes?: Readonly<Record<string, MemberSize>>;
  /** Long texts of it, which stay bytes. */
  readonly texts?: LongTexts;
}

/** Where a value holds this word, a dash and a number, that text is meant. */
export interface LongTexts {
  readonly word: string;
  /** As JSON, quotes included. */
  readonly texts: readonly Uint8Array[];
}

/** Parses elsewhere than on this thread. */
export interface LargeJson {
  /**
   * @param bytes in shared memory, or alone in its own; not to be read until the answer is there.
   * @throws ModeliumError invalid-json, invalid-body, cancelled.
   */
  read(
    bytes: Buffer,
    options: { readonly whole: boolean; readonly bounds: { readonly depth: number; readonly values: number } } & Asking,
  ): Promise<{
    readonly bytes: Buffer;
    readonly value: Readonly<Record<string, unknown>>;
    readonly sizes: Readonly<Record<string, MemberSize>>;
    readonly texts: LongTexts;
  }>;
}

/** Parsed at once whatever it holds: at worst this takes half a millisecond. */
const AT_ONCE_BYTES = 16 * 1024;
/** Parsed here whatever it holds, in a turn of its own: at worst this takes two milliseconds. */
const SMALL_BYTES = 64 * 1024;
/** The same when it is text for the most part. */
const TEXT_BYTES = 1024 * 1024;
const FEW_BRACKETS = 256;
/** An object of a hundred thousand keys, which fit in there, takes a quarter of a second. */
const FEW_KEYS = 4096;
/** Tokens in place of texts, for a few hundred long ones, stay below it. */
const MOST_PASSED_VALUES = 2_000_000;
const NOTHING = Buffer.alloc(0);
/** What comes back to this thread is built here again. */
const MOST_PARSED_VALUES = 50_000;

export class JsonReader {
  readonly #large: LargeJson;
  /** The turn of the last text that waits for one. */
  #lastTurn: Promise<void> = Promise.resolve();

  constructor(large: LargeJson) {
    this.#large = large;
  }

  /**
   * @param whole the route reads all of it; else the bytes are passed on, and only the short
   * members at the top are read.
   * @param asking called only for a body that is not parsed at once.
   * @returns at once for an ordinary body. @throws ModeliumError invalid-json, invalid-body,
   * cancelled.
   */
  read(bytes: Buffer, whole: boolean, asking: () => Asking): JsonBody | Promise<JsonBody> {
    if (bytes.length <= AT_ONCE_BYTES) return parsed(bytes);
    if (bytes.length <= SMALL_BYTES || isMostlyText(bytes)) return this.#inTurn(bytes, asking());
    const bounds = { depth: MOST_DEPTH, values: whole ? MOST_PARSED_VALUES : MOST_PASSED_VALUES };
    return this.#large.read(sharedOrAlone(bytes), { whole, bounds, ...asking() }).then((read) => ({ ...read, isWhole: whole }));
  }

  /**
   * One in each turn of the event loop: sixteen at once, of 20 ms each, would hold everybody up for
   * a third of a second (I12).
   */
  async #inTurn(bytes: Buffer, { signal }: Asking): Promise<JsonBody> {
    this.#lastTurn = this.#lastTurn.then(() => nextTurn());
    await this.#lastTurn;
    if (signal.aborted) throw new ModeliumError('cancelled', 'The client left.');
    return parsed(bytes);
  }
}

function parsed(bytes: Buffer): JsonBody {
  return { bytes, value: parseObject(bytes), isWhole: true };
}

function isMostlyText(bytes: Buffer): boolean {
  return bytes.length <= TEXT_BYTES && hasFewBrackets(bytes, FEW_BRACKETS) && hasFewKeys(bytes, FEW_KEYS);
}

/**
 * The body with these members in place of its own. Of two members of the same name the later
 * counts, as everywhere.
 */
export function withMembers({ bytes, value, isWhole }: JsonBody, members: Readonly<Record<string, unknown>>): UpstreamBody {
  if (isWhole) return toJson({ ...value, ...members });
  return withLater(bytes, members);
}

/** The same request with the long texts that its words stand for. */
export function withTexts(request: UpstreamRequest, long: LongTexts | undefined): UpstreamRequest {
  return typeof request.body === 'string' ? { ...request, body: textsPut(request.body, long) } : request;
}

/** JSON with the long texts that its words stand for; as it is where there are none. */
export function textsPut(json: string, long: LongTexts | undefined): string | readonly Buffer[] {
  if (long === undefined || long.texts.length === 0) return json;
  const [first = '', ...more] = json.split(`"${long.word}-`);
  const parts = more.flatMap((piece) => {
    const end = piece.indexOf('"');
    const text = long.texts[Number(piece.slice(0, end))] ?? NOTHING;
    return [Buffer.from(text.buffer, text.byteOffset, text.byteLength), Buffer.from(piece.slice(end + 1))];
  });
  return [Buffer.from(first), ...parts];
}

/** The text that this word stands for, as JSON, quotes included; null: it stands for none. */
export function longText(word: string, long: LongTexts | undefined): Uint8Array | null {
  if (long === undefined || !word.startsWith(`${long.word}-`)) return null;
  return long.texts[Number(word.slice(long.word.length + 1))] ?? null;
}

/** Not yet among the types: what is written as it stands. */
const { rawJSON } = JSON as unknown as { readonly rawJSON?: (text: string) => unknown };

/**
 * A member of the body, with its numbers as they were written when it is written again: 1.0 stays a
 * float, and many digits stay.
 * @returns undefined where nothing is lost without it, and for large bodies: they are not parsed on
 * this thread (I12).
 */
export function exactMember({ bytes }: JsonBody, name: string): unknown {
  if (bytes.length > SMALL_BYTES) return undefined;
  const text = bytes.toString();
  if (rawJSON === undefined || !isInexact(text)) return undefined;
  const keep = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' && context?.source !== undefined ? rawJSON(context.source) : value;
  return (JSON.parse(text.replace(/^\uFEFF/, ''), keep) as Readonly<Record<string, unknown>>)[name];
}

/** The same without parsing it. @param body an object with at least one member. */
export function withLater(body: UpstreamBody, members: Readonly<Record<string, unknown>>): UpstreamBody {
  const parts = typeof body === 'string' ? [Buffer.from(body)] : Buffer.isBuffer(body) ? [body] : body;
  const last = parts.at(-1) ?? NOTHING;
  const open = [...parts.slice(0, -1), last.subarray(0, last.lastIndexOf('}')), Buffer.from(`,${toJson(members).slice(1)}`)];
  return parts.length === 1 && last.length <= SMALL_BYTES ? Buffer.concat(open) : open;
}

function sharedOrAlone(bytes: Buffer): Buffer {
  if (bytes.buffer instanceof SharedArrayBuffer || bytes.buffer.byteLength === bytes.length) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}
