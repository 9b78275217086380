/** Reads and checks single fields of a request's body, and describes errors in them. Pure. */
import { ModeliumError } from '../../../shared/errors.ts';
import { IGNORED_FIELDS } from '../../../shared/ignored-fields.ts';
import { nearestNames } from '../../../shared/nearest.ts';

export type Body = Readonly<Record<string, unknown>>;

export function invalid(param: string | null, message: string): ModeliumError {
  return new ModeliumError('invalid-body', message, { origin: 'llama', ...(param === null ? {} : { param }) });
}

export const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null;
export const isObject = (value: unknown): value is Body => typeof value === 'object' && value !== null && !Array.isArray(value);
export const isEmpty = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/**
 * One text, in the ways in which llama-server takes it: as it is, or in pieces, some of which are
 * numbers of tokens.
 */
export type Pieces = string | readonly (number | string)[];

const isSequence = (value: unknown): value is readonly (number | string)[] =>
  // One that begins with a text is a list of texts, in which a number is a mistake.
  Array.isArray(value) && typeof value[0] === 'number' && value.every((item) => typeof item === 'string' || Number.isSafeInteger(item));

/** What `{"content": [{"type": "text", "text": ...}]}` holds; null: something else than texts. */
function partsText(parts: unknown): string | null {
  if (!Array.isArray(parts) || parts.length === 0) return null;
  const texts = parts.map((part: unknown) => (isObject(part) && part['type'] === 'text' ? part['text'] : null));
  return texts.every((text) => typeof text === 'string') ? texts.join('') : null;
}

/**
 * Null for what is no text. An object of llama-server's may bring a picture beside its text, which
 * nothing here reads.
 */
function piecesOf(value: unknown): Pieces | null {
  if (typeof value === 'string' || isSequence(value)) return value;
  if (!isObject(value) || !(isAbsent(value['multimodal_data']) || isEmpty(value['multimodal_data']))) return null;
  const text = value['prompt_string'] ?? partsText(value['content']);
  return typeof text === 'string' ? text : null;
}

/** One text or a list of them. @returns null in the place of what is none of it. */
export function readTexts(value: unknown): { readonly isList: boolean; readonly texts: readonly (Pieces | null)[] } {
  const isList = Array.isArray(value) && !isSequence(value);
  return { isList, texts: isList ? (value as readonly unknown[]).map(piecesOf) : [piecesOf(value)] };
}

export function number(body: Body, name: string, least: number, most: number, fallback: number): number {
  const value = body[name];
  if (isAbsent(value)) return fallback;
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw invalid(name, `"${name}" must be a number from ${least} to ${most}.`);
}

/** Null where it is absent. */
export function wholeNumber(body: Body, name: string, least: number, most = Number.POSITIVE_INFINITY): number | null {
  const value = body[name];
  if (isAbsent(value)) return null;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const range = Number.isFinite(most) ? ` from ${least} to ${most}` : Number.isFinite(least) ? ` of at least ${least}` : '';
  throw invalid(name, `"${name}" must be a whole number${range}.`);
}

export function flag(body: Body, name: string, fallback = false): boolean {
  const value = body[name];
  if (isAbsent(value)) return fallback;
  if (typeof value === 'boolean') return value;
  throw invalid(name, `"${name}" must be true or false.`);
}

/** What a route does with each parameter that it knows. */
export interface Parameters {
  /** Carried out, or without any effect on the answer. */
  readonly known: readonly string[];
  /** Not carried out: the values at which they ask for nothing. */
  readonly refused: Readonly<Record<string, (value: unknown) => boolean>>;
}

/** A value in a sentence; what is nested is not looked into. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return isObject(value) ? 'an object' : JSON.stringify(value).slice(0, 80);
}

/**
 * Refuses by name what would change the meaning of the answer and is not carried out, and what
 * nobody knows: a mistyped parameter that is ignored gives an answer to another question.
 * @throws ModeliumError invalid-body.
 */
export function checkParameters(body: Body, { known, refused }: Parameters): void {
  for (const [name, value] of Object.entries(body)) {
    if (isAbsent(value) || IGNORED_FIELDS.has(name) || known.includes(name)) continue;
    const asksForNothing = Object.hasOwn(refused, name) ? refused[name] : undefined;
    if (asksForNothing?.(value) === true) continue;
    if (asksForNothing !== undefined) {
      throw invalid(name, `The embedded llama.cpp does not support "${name}" = ${shown(value)}. Leave it out.`);
    }
    // Whatever an unknown name means: an empty object or list asks for nothing.
    if (isEmpty(value)) continue;
    const [nearest] = nearestNames(name, known, 1);
    const hint = nearest === undefined ? 'Leave it out.' : `Do you mean "${nearest}"?`;
    throw invalid(name.slice(0, 80), `The embedded llama.cpp does not know the parameter "${name.slice(0, 80)}". ${hint}`);
  }
}
