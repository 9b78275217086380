/**
 * What an earlier conversion made of the same files: taken over where they hold what they held,
 * however their times changed, and removed where they do not.
 */
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { convert } from '../../../main/embedded/convert/convert.ts';
import { writeTinyFolder } from '../../helpers/tiny-folder.ts';

let folder: string;
let source: string;
let earlier: string;
let output: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'modelium-earlier-'));
  source = await writeTinyFolder(join(folder, 'model'));
  [earlier, output] = [join(folder, 'earlier.gguf'), join(folder, 'output.gguf')];
  make(earlier, null);
});
afterEach(() => rmSync(folder, { recursive: true }));

function make(path: string, from: string | null): number {
  const files = Object.fromEntries(readdirSync(source).map((name) => [name, join(source, name)]));
  return convert({ files, output: path, earlier: from, type: 'BF16' }, () => {});
}

/** Changes one byte of the file and leaves its size as it is. */
function damage(path: string, at: number): void {
  const descriptor = openSync(path, 'r+');
  writeSync(descriptor, Uint8Array.of((readFileSync(path)[at] ?? 0) ^ 1), 0, 1, at);
  closeSync(descriptor);
}

test('the same bytes: it is moved, and nothing is written', () => {
  const { ino, size } = statSync(earlier);
  expect(make(output, earlier)).toBe(size);
  expect([statSync(output).ino, readdirSync(folder).toSorted()]).toEqual([ino, ['model', 'output.gguf']]);
});

test.each([
  [
    'the last weight of its source is another one',
    () => damage(join(source, 'model.safetensors'), statSync(join(source, 'model.safetensors')).size - 1),
  ],
  ['it was damaged itself', () => damage(earlier, statSync(earlier).size - 100)],
  ['it is longer', () => writeFileSync(earlier, 'x', { flag: 'a' })],
  ['it is gone', () => rmSync(earlier)],
])('%s: it is removed, and another one is made', (_what, change) => {
  change();
  make(output, earlier);
  expect(readdirSync(folder).toSorted()).toEqual(['model', 'output.gguf']);
  make(join(folder, 'fresh.gguf'), null);
  expect(readFileSync(output)).toEqual(readFileSync(join(folder, 'fresh.gguf')));
});
