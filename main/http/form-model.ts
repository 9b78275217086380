/**
 * The field `model` of a multipart form, found without parsing the rest: sounds are megabytes, and
 * go on to the runtime as they came. Pure.
 */
import { ModeliumError } from '../../shared/errors.ts';

export interface FormField {
  readonly value: string;
  /** Where the value stands in the body. */
  readonly start: number;
  readonly end: number;
}

/** More fields than any client sends before its last (I10). */
const MOST_PARTS = 64;
const LONGEST_HEAD = 2_048;
const LONGEST_VALUE = 1_024;
const BLANK_LINE = '\r\n\r\n';

/**
 * @throws ModeliumError invalid-body for what is no form, model-required where the form names none.
 */
export function modelField(body: Buffer, contentType: string | undefined): FormField {
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)"?/i.exec(contentType ?? '')?.[1];
  if (boundary === undefined) throw new ModeliumError('invalid-body', 'Send a form (multipart/form-data) with the fields file and model.');
  const mark = `--${boundary}`;
  let at = body.indexOf(mark);
  for (let part = 0; part < MOST_PARTS && at >= 0; part += 1) {
    const blank = body.indexOf(BLANK_LINE, at);
    if (blank < 0 || blank - at > LONGEST_HEAD) break;
    const head = body.toString('latin1', at + mark.length, blank);
    const start = blank + BLANK_LINE.length;
    const end = body.indexOf(`\r\n${mark}`, start);
    if (end < 0) break;
    if (/;\s*name="?model"?(?:;|\s|$)/i.test(head)) {
      const value = end - start > LONGEST_VALUE ? '' : body.toString('utf8', start, end).trim();
      if (value !== '') return { value, start, end };
    }
    at = end + 2;
  }
  throw new ModeliumError('model-required', 'The form must have a field "model" that names a model.', { param: 'model' });
}

/** The form with another value in that place. */
export function withModel(body: Buffer, { start, end }: FormField, model: string): Buffer {
  return Buffer.concat([body.subarray(0, start), Buffer.from(model), body.subarray(end)]);
}
