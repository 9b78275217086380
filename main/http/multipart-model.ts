/**
 * Finds the field `model` of a multipart body without parsing the rest, because audio files are
 * large and go to the runtime unchanged. Pure.
 */
import { ModeliumError } from '../../shared/errors.ts';
import { SLICE_BYTES, type Sliced } from './in-slices.ts';

export interface MultipartField {
  readonly value: string;
  /** Where the value stands in the body. */
  readonly start: number;
  readonly end: number;
}

/** More fields than any client sends before its last (I10). */
const MOST_PARTS = 64;
const LONGEST_HEAD = 2_048;
const LONGEST_VALUE = 1_024;
/** By RFC 2046, section 5.1.1. Searching for a longer one can take minutes. */
const LONGEST_BOUNDARY = 70;
const BLANK_LINE = '\r\n\r\n';

/** @throws ModeliumError invalid-body where it is not multipart, model-required without a model. */
export function* modelField(body: Buffer, contentType: string | undefined): Sliced<MultipartField> {
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)"?/i.exec(contentType ?? '')?.[1];
  if (boundary === undefined) throw new ModeliumError('invalid-body', 'Send multipart/form-data with the fields file and model.');
  if (boundary.length > LONGEST_BOUNDARY)
    throw new ModeliumError('invalid-body', `The boundary of a multipart body has at most ${LONGEST_BOUNDARY} characters.`);
  const mark = `--${boundary}`;
  let at = yield* placeOf(body, mark, 0);
  for (let part = 0; part < MOST_PARTS && at >= 0; part += 1) {
    const blank = body.subarray(0, at + LONGEST_HEAD + BLANK_LINE.length).indexOf(BLANK_LINE, at);
    if (blank < 0) break;
    const head = body.toString('latin1', at + mark.length, blank);
    const start = blank + BLANK_LINE.length;
    const end = yield* placeOf(body, `\r\n${mark}`, start);
    if (end < 0) break;
    if (/;\s*name="?model"?(?:;|\s|$)/i.test(head)) {
      const value = end - start > LONGEST_VALUE ? '' : body.toString('utf8', start, end).trim();
      if (value !== '') return { value, start, end };
    }
    at = end + 2;
  }
  throw new ModeliumError('model-required', 'The multipart body must have a field "model" that names a model.', { param: 'model' });
}

/** The body with another value in that place; nothing of it is copied. */
export function withModel(body: Buffer, { start, end }: MultipartField, model: string): readonly Buffer[] {
  return [body.subarray(0, start), Buffer.from(model), body.subarray(end)];
}

/** As indexOf, which takes a fifth of a second where much looks like the text almost. */
function* placeOf(body: Buffer, text: string, from: number): Sliced<number> {
  const sought = Buffer.from(text);
  for (let at = from; at < body.length; at += SLICE_BYTES) {
    if (at > from) yield;
    // One that begins at the end of a slice ends in the next one.
    const found = body.subarray(at, at + SLICE_BYTES + sought.length - 1).indexOf(sought);
    if (found >= 0) return at + found;
  }
  return -1;
}
