/**
 * The model of a multipart body: found wherever it stands, in whatever the client sends, and in
 * nothing that only looks like it.
 */
import { expect, test } from 'vitest';
import { SLICE_BYTES } from '../../main/http/in-slices.ts';
import { type MultipartField, modelField, withModel } from '../../main/http/multipart-model.ts';

const TYPE = 'multipart/form-data; boundary=----x';

function multipart(...fields: readonly (readonly [head: string, value: string])[]): Buffer {
  const parts = fields.map(([head, value]) => `------x\r\nContent-Disposition: form-data; ${head}\r\n\r\n${value}\r\n`);
  return Buffer.from(`${parts.join('')}------x--\r\n`);
}

/** The field, and in how many slices it was looked for. */
function found(body: Buffer, contentType: string | undefined): MultipartField & { readonly slices: number } {
  const search = modelField(body, contentType);
  for (let slices = 1; ; slices += 1) {
    const next = search.next();
    if (next.done === true) return { ...next.value, slices };
  }
}

test('is found behind a sound that holds lines like those of multipart, and replaced in its place', () => {
  const sound = 'RIFF\r\nContent-Disposition: form-data; name="model"\r\n\r\nother\r\n--not-the-boundary';
  const body = multipart(
    ['name="file"; filename="model.wav"\r\nContent-Type: audio/wav', sound],
    ['name="model"', 'whisper-1'],
    ['name="language"', 'de'],
  );
  const field = found(body, TYPE);
  expect(field.value).toBe('whisper-1');
  const changed = Buffer.concat(withModel(body, field, 'ear'));
  expect(found(changed, TYPE).value).toBe('ear');
  expect(changed.toString()).toBe(body.toString().replace('whisper-1', 'ear'));
});

test.each([
  ['not multipart', Buffer.from('{}'), 'application/json', /multipart/],
  ['no content type', multipart(['name="model"', 'm']), undefined, /multipart/],
  ['no such field', multipart(['name="models"', 'm'], ['name="file"; filename="name=model"', 'x']), TYPE, /field "model"/],
  ['an empty one', multipart(['name="model"', ' ']), TYPE, /field "model"/],
  ['one without an end', Buffer.from('------x\r\nContent-Disposition: form-data; name="model"\r\n\r\nm'), TYPE, /field "model"/],
  ['a value of a megabyte', multipart(['name="model"', 'm'.repeat(1_000_000)]), TYPE, /field "model"/],
  ['an endless head', Buffer.from(`------x\r\n${'a'.repeat(100_000)}`), TYPE, /field "model"/],
] as const)('%s is refused', (_what, body, type, sentence) => {
  expect(() => found(body, type)).toThrow(sentence);
});

test('a boundary is as long as the standard allows, so that looking for it is quick', () => {
  const field = (length: number) => {
    const mark = 'b'.repeat(length);
    const body = Buffer.from(`--${mark}\r\nContent-Disposition: form-data; name="model"\r\n\r\near\r\n--${mark}--\r\n`);
    return found(body, `multipart/form-data; boundary=${mark}`).value;
  };
  expect(field(70)).toBe('ear');
  expect(() => field(71)).toThrow('at most 70 characters');
  // In 60 MB of dashes such a boundary would be looked for during minutes.
  const beganMs = performance.now();
  expect(() => found(Buffer.alloc(60_000_000, '-'), `multipart/form-data; boundary=b${'-'.repeat(14_000)}`)).toThrow('boundary');
  expect(performance.now() - beganMs).toBeLessThan(1_000);
});

test('is looked for in slices, and found wherever one of them ends', () => {
  for (let bytes = SLICE_BYTES - 200; bytes < SLICE_BYTES; bytes += 1) {
    const body = multipart(['name="file"', '-'.repeat(bytes)], ['name="model"', 'ear']);
    expect(found(body, TYPE).value).toBe('ear');
  }
  const sound = multipart(['name="file"', '-'.repeat(4 * SLICE_BYTES)], ['name="model"', 'ear']);
  expect(found(sound, TYPE).slices).toBe(5);
  // All of it looks like the beginning of this boundary.
  const search = modelField(Buffer.alloc(8 * SLICE_BYTES, '-'), `multipart/form-data; boundary=${'-'.repeat(69)}b`);
  for (let slices = 1; slices < 8; slices += 1) expect(search.next().done).toBe(false);
  expect(() => search.next()).toThrow('field "model"');
});
