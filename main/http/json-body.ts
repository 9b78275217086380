/**
 * JSON bodies of inference requests: small ones are parsed at once, large ones are looked into
 * elsewhere, and what is too deep or too much is refused before memory is spent on it. Knows no
 * route.
 */
import { isInexact } from '../core/jinja/exact-json.ts';
import { hasFewBrackets } from '../core/json-outline.ts';
import { MOST_DEPTH, parseObject, toJson } from './body.ts';

export interface JsonBody {
  readonly bytes: Buffer;
  readonly value: Readonly<Record<string, unknown>>;
  /** False: only what is short at the top was parsed, and the rest is in the bytes alone. */
  readonly isWhole: boolean;
}

/** Parses elsewhere than on this thread. */
export interface LargeJson {
  /**
   * @param bytes alone in its memory; not to be read until the answer is there. @throws
   * ModeliumError invalid-json.
   */
  read(
    bytes: Buffer,
    options: { readonly whole: boolean; readonly bounds: { readonly depth: number; readonly values: number } },
  ): Promise<{ readonly bytes: Buffer; readonly value: Readonly<Record<string, unknown>> }>;
}

/** Parsed here whatever it holds: at worst this takes two milliseconds. */
const SMALL_BYTES = 64 * 1024;
/** Parsed here when it is text for the most part, which takes no longer. */
const TEXT_BYTES = 1024 * 1024;
const FEW_BRACKETS = 256;
/** Tokens in place of texts, for a few hundred long ones, stay below it. */
const MOST_PASSED_VALUES = 2_000_000;
/** What comes back to this thread is built here again. */
const MOST_PARSED_VALUES = 50_000;

/**
 * @param whole the route reads all of it; else the bytes are passed on, and only the short members
 * at the top are read.
 * @returns at once for an ordinary body. @throws ModeliumError invalid-json.
 */
export function readJson(bytes: Buffer, large: LargeJson, whole: boolean): JsonBody | Promise<JsonBody> {
  if (bytes.length <= SMALL_BYTES || (bytes.length <= TEXT_BYTES && hasFewBrackets(bytes, FEW_BRACKETS))) {
    return { bytes, value: parseObject(bytes), isWhole: true };
  }
  const bounds = { depth: MOST_DEPTH, values: whole ? MOST_PARSED_VALUES : MOST_PASSED_VALUES };
  return large.read(aloneInMemory(bytes), { whole, bounds }).then((read) => ({ ...read, isWhole: whole }));
}

/**
 * The body with these members in place of its own. Of two members of the same name the later
 * counts, as everywhere.
 */
export function withMembers({ bytes, value, isWhole }: JsonBody, members: Readonly<Record<string, unknown>>): Buffer | string {
  if (isWhole) return toJson({ ...value, ...members });
  return withLater(bytes, members);
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

/** The same without parsing it. @param bytes an object with at least one member. */
export function withLater(bytes: Buffer, members: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.concat([bytes.subarray(0, bytes.lastIndexOf('}')), Buffer.from(`,${toJson(members).slice(1)}`)]);
}

function aloneInMemory(bytes: Buffer): Buffer {
  if ((bytes.buffer as ArrayBuffer).resizable || bytes.buffer.byteLength === bytes.length) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}
