/**
 * A copy of Hugging Face's cache in a watch folder, with files in place of its links: each
 * repository is one model.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blockingDisk } from '../../main/io/files/disk.ts';
import { folderScanner } from '../../main/io/files/scan.ts';

const COMMIT = 'd149729398750b98c0af14eb82c78cfe92750796';
const BLOB = 'a'.repeat(64);
let root: string;

function put(path: string, text = 'x'): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** As huggingface_hub keeps it: blobs, links to them, and the branch. */
function cache(hub: string): void {
  for (const repository of ['models--Qwen--Qwen2.5-7B', 'models--gpt2']) {
    const at = join(hub, repository);
    put(join(at, 'blobs', BLOB));
    put(join(at, 'refs', 'main'), COMMIT);
    mkdirSync(join(at, 'snapshots', COMMIT), { recursive: true });
    for (const name of ['config.json', 'model.safetensors']) symlinkSync(`../../blobs/${BLOB}`, join(at, 'snapshots', COMMIT, name));
  }
  put(join(hub, 'version.txt'), '1');
  put(join(hub, 'datasets--squad', 'refs', 'main'), COMMIT);
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'modelium-hub-'));
  cache(join(root, 'cache'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each<[what: string, make: (watch: string) => void]>([
  ['links copied as files', (watch) => cpSync(join(root, 'cache'), join(watch, 'hub'), { recursive: true, dereference: true })],
  [
    'the folder around it',
    (watch) => cpSync(join(root, 'cache'), join(watch, 'huggingface', 'hub'), { recursive: true, dereference: true }),
  ],
  ['links kept', (watch) => cpSync(join(root, 'cache'), join(watch, 'hub'), { recursive: true, verbatimSymlinks: true })],
  [
    'snapshots alone, under another name',
    (watch) => {
      cpSync(join(root, 'cache'), join(watch, 'old disk'), { recursive: true, dereference: true });
      for (const each of ['models--Qwen--Qwen2.5-7B', 'models--gpt2']) {
        for (const part of ['blobs', 'refs']) rmSync(join(watch, 'old disk', each, part), { recursive: true });
      }
    },
  ],
])('%s', async (what, make) => {
  const watch = join(root, `watch ${what}`);
  mkdirSync(watch);
  make(watch);
  const { scan } = await folderScanner(blockingDisk)(watch, null, new Set());
  if (!scan.ok) throw new Error(scan.message);
  expect(scan.candidates.map(({ name }) => name)).toEqual(['Qwen/Qwen2.5-7B', 'gpt2']);
  for (const { files, realPath } of scan.candidates) {
    expect(files.map(({ path }) => path).toSorted()).toEqual(['config.json', 'model.safetensors']);
    expect(realPath.endsWith(`/snapshots/${COMMIT}`)).toBe(true);
  }
});
