/** Files that a browser sends: where they may come to lie, and under which names. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Uploads } from '../../main/io/files/upload.ts';
import { ModeliumError } from '../../shared/errors.ts';

const BYTES = Buffer.from('GGUF');
const KEY = 'a key';
const keepUpload = (into: string | undefined, name: string, bytes: Uint8Array) => new Uploads(() => into).keep(name, bytes, KEY, pathOf);
const pathOf = async (path: string): Promise<string> => path;
let folder: string;
let uploads: Uploads;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelium-upload-'));
  uploads = new Uploads(() => folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a model file lies in the folder, whole, and an older one of its name is not touched', async () => {
  expect(await keepUpload(folder, 'Mein Modell-q4.GGUF', BYTES)).toBe(join(folder, 'Mein Modell-q4.GGUF'));
  expect(readFileSync(join(folder, 'Mein Modell-q4.GGUF'))).toEqual(BYTES);
  await expect(keepUpload(folder, 'Mein Modell-q4.GGUF', Buffer.from('other'))).rejects.toMatchObject({
    code: 'upload-refused',
    message: expect.stringContaining('has a file of that name already'),
  });
  expect(readFileSync(join(folder, 'Mein Modell-q4.GGUF'))).toEqual(BYTES);
});

test('a link that waits under the name is not written through', async () => {
  writeFileSync(join(folder, 'secret'), 'kept');
  symlinkSync('secret', join(folder, 'a.gguf'));
  symlinkSync('nowhere', join(folder, 'b.gguf'));
  for (const name of ['a.gguf', 'b.gguf']) await expect(keepUpload(folder, name, BYTES)).rejects.toThrow(/already/);
  expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe('kept');
  expect(readdirSync(folder).toSorted()).toEqual(['a.gguf', 'b.gguf', 'secret']);
});

test.each([
  ['out of the folder', '../a.gguf', /not a valid file name/],
  ['an absolute path', '/tmp/a.gguf', /not a valid file name/],
  ['a path of Windows', 'c:\\a.gguf', /not a valid file name/],
  ['a hidden file', '.a.gguf', /not a valid file name/],
  ['a line end', 'a\n.gguf', /not a valid file name/],
  ['a sign that turns the text around', 'a\u202efugg.gguf', /not a valid file name/],
  ['NUL', 'a\0.gguf', /not a valid file name/],
  ['a name that is too long', `${'a'.repeat(300)}.gguf`, /not a valid file name/],
  ['a name of too many bytes', `${'ä'.repeat(130)}.gguf`, /not a valid file name/],
  ['no model', 'notes.txt', /not a complete model in one file/],
  ['settings', 'modelium.yaml', /not a complete model in one file/],
  ['a part of a model that is a folder', 'config.json', /not a complete model in one file/],
])('%s is refused, and nothing is written', async (_what, name, words) => {
  await expect(keepUpload(folder, name, BYTES)).rejects.toThrow(words);
  expect(readdirSync(folder)).toEqual([]);
});

test('nothing to write, no folder, and one that is gone are told', async () => {
  await expect(keepUpload(folder, 'a.gguf', Buffer.alloc(0))).rejects.toThrow(/it is empty/);
  await expect(keepUpload(undefined, 'a.gguf', BYTES)).rejects.toThrow(/there is no watch folder/);
  await expect(keepUpload(join(folder, 'gone'), 'a.gguf', BYTES)).rejects.toThrow(/cannot be written to \(ENOENT\)/);
});

test('what is taken back while it is copied leaves no file, and can be sent again under another key', async () => {
  const kept = uploads.keep('a.gguf', Buffer.alloc(32 * 1024 * 1024), KEY, pathOf);
  const taken = uploads.takeBack(KEY);
  await expect(kept).rejects.toMatchObject({ code: 'cancelled' });
  await taken;
  await expect(uploads.keep('a.gguf', BYTES, KEY, pathOf)).rejects.toMatchObject({ code: 'cancelled' });
  expect(readdirSync(folder)).toEqual([]);
  await uploads.keep('a.gguf', BYTES, 'another', pathOf);
});

test('what is taken back while it is registered leaves no file, and neither does what cannot be registered', async () => {
  let taken: Promise<void> | null = null;
  const leave = async () => {
    taken = uploads.takeBack(KEY);
  };
  await expect(uploads.keep('a.gguf', BYTES, KEY, leave)).rejects.toMatchObject({ code: 'cancelled' });
  await taken;
  const refuse = () => Promise.reject(new ModeliumError('path-invalid', 'It is no model.'));
  await expect(uploads.keep('a.gguf', BYTES, 'another', refuse)).rejects.toMatchObject({ code: 'path-invalid' });
  expect(readdirSync(folder)).toEqual([]);
});

test('what is taken back after its end is removed, but no file that has taken its place and none of another upload', async () => {
  await uploads.keep('a.gguf', BYTES, KEY, pathOf);
  await uploads.keep('b.gguf', BYTES, 'another', pathOf);
  await uploads.takeBack(KEY);
  expect(readdirSync(folder)).toEqual(['b.gguf']);
  rmSync(join(folder, 'b.gguf'));
  writeFileSync(join(folder, 'b.gguf'), 'of a person');
  await uploads.takeBack('another');
  await uploads.takeBack('never heard of');
  expect(readFileSync(join(folder, 'b.gguf'), 'utf8')).toBe('of a person');
});

test('very many uploads are not remembered for ever, and one that runs always is', async () => {
  const registered = Promise.withResolvers<void>();
  const slow = uploads.keep('slow.gguf', BYTES, 'slow', () => registered.promise);
  for (let count = 0; count < 100; count += 1) await uploads.keep(`${count}.gguf`, BYTES, `key ${count}`, pathOf);
  for (const key of ['slow', 'key 0', 'key 99']) void uploads.takeBack(key);
  registered.resolve();
  await expect(slow).rejects.toMatchObject({ code: 'cancelled' });
  await uploads.takeBack('key 99');
  const left = readdirSync(folder);
  expect(['0.gguf', '99.gguf', 'slow.gguf'].filter((name) => left.includes(name))).toEqual(['0.gguf']);
});
