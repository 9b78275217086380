/** Files that a browser sends: where they may come to lie, and under which names. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepUpload as keepUploadUntil } from '../../main/io/files/upload.ts';
import { ModeliumError } from '../../shared/errors.ts';

const BYTES = Buffer.from('GGUF');
const STAYS = new AbortController().signal;
const keepUpload = (into: string | undefined, name: string, bytes: Uint8Array) => keepUploadUntil(into, name, bytes, STAYS, pathOf);
const pathOf = async (path: string): Promise<string> => path;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelium-upload-'));
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

test('who leaves before the answer leaves no file, and can send it again', async () => {
  const leaves = new AbortController();
  const kept = keepUploadUntil(folder, 'a.gguf', Buffer.alloc(32 * 1024 * 1024), leaves.signal, pathOf);
  leaves.abort();
  await expect(kept).rejects.toMatchObject({ code: 'cancelled' });
  await expect(keepUploadUntil(folder, 'a.gguf', BYTES, leaves.signal, pathOf)).rejects.toMatchObject({ code: 'cancelled' });
  expect(readdirSync(folder)).toEqual([]);
  await keepUpload(folder, 'a.gguf', BYTES);
});

test('who leaves while the copy is being registered leaves no file, and neither does what cannot be registered', async () => {
  const leaves = new AbortController();
  const leave = async () => leaves.abort();
  await expect(keepUploadUntil(folder, 'a.gguf', BYTES, leaves.signal, leave)).rejects.toMatchObject({ code: 'cancelled' });
  const refuse = () => Promise.reject(new ModeliumError('path-invalid', 'It is no model.'));
  await expect(keepUploadUntil(folder, 'a.gguf', BYTES, STAYS, refuse)).rejects.toMatchObject({ code: 'path-invalid' });
  expect(readdirSync(folder)).toEqual([]);
});
