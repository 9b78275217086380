/** The cache of what was made of models, on a real disk. */
import {
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPreparedFiles } from '../../main/io/prepared-files.ts';
import { ownMark } from '../../main/io/processes/proc.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelium-prepared-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const said: string[] = [];
const log = { say: (line: string) => void said.push(line), warn: () => {}, error: () => {}, debug: () => {} };
const cacheOf = (max_gb = 200, at = folder) => createPreparedFiles({ settings: () => ({ folder: at, max_gb }), log });

const FILE = { path: 'model.safetensors', bytes: 10, mtimeMs: 5, device: 1, inode: 7 };

/** So many bytes that were used so many seconds ago. */
function put(path: string, bytes: number, secondsAgo: number): void {
  mkdirSync(join(folder, 'converted'), { recursive: true });
  writeFileSync(path, new Uint8Array(bytes));
  const at = new Date(Date.now() - secondsAgo * 1000);
  utimesSync(path, at, at);
}

describe('the name', () => {
  test('is of the files and the type: what differs in either is another file, and a remount changes nothing', () => {
    const cache = cacheOf();
    const path = cache.pathOf([FILE], { type: 'BF16' });
    expect(path.startsWith(join(folder, 'converted'))).toBe(true);
    expect(cache.pathOf([{ ...FILE, device: 2 }], { type: 'BF16' })).toBe(path);
    const others = [
      cache.pathOf([FILE], { type: 'Q8_0' }),
      cache.pathOf([{ ...FILE, bytes: 11 }], { type: 'BF16' }),
      cache.pathOf([{ ...FILE, mtimeMs: 6 }], { type: 'BF16' }),
      cache.pathOf([{ ...FILE, inode: 8 }], { type: 'BF16' }),
      // The next owner of the inode, with size and time of the last.
      cache.pathOf([{ ...FILE, bornMs: 9 }], { type: 'BF16' }),
      cache.pathOf([{ ...FILE, ctimeMs: 8 }], { type: 'BF16' }),
      // Written over in place, its time set back: same size, time, inode and birth.
      cache.pathOf([{ ...FILE, bornMs: 9, ctimeMs: 10 }], { type: 'BF16' }),
      cache.pathOf([{ ...FILE, path: 'other.safetensors' }], { type: 'BF16' }),
      cache.pathOf([FILE, { ...FILE, path: 'config.json' }], { type: 'BF16' }),
    ];
    expect(new Set([path, ...others]).size).toBe(others.length + 1);
  });

  test('does not depend on the order of the listing', () => {
    const [one, two] = [FILE, { ...FILE, path: 'config.json', inode: 9 }];
    const cache = cacheOf();
    expect(cache.pathOf([one, two], { type: 'F16' })).toBe(cache.pathOf([two, one], { type: 'F16' }));
  });
});

test('what was made of the same files before their times changed is found, and not cleaned away while it is in use', async () => {
  const cache = cacheOf(1000 / 1e9);
  const pathOf = (change: object) => cache.pathOf([{ ...FILE, ...change }], { type: 'BF16' });
  put(pathOf({}), 900, 10);
  for (const touched of [{ ctimeMs: 8 }, { mtimeMs: 6 }]) expect(cache.earlier(pathOf(touched))).toBe(pathOf({}));
  for (const other of [{ bytes: 11 }, { inode: 8 }, { bornMs: 9 }, { path: 'other.safetensors' }])
    expect(cache.earlier(pathOf(other))).toBeNull();
  expect(cache.earlier(cache.pathOf([FILE], { type: 'Q8_0' }))).toBeNull();
  await expect(cache.makeRoom(900, new Set([pathOf({ ctimeMs: 8 })]))).rejects.toMatchObject({ code: 'disk-full' });
  expect(existsSync(pathOf({}))).toBe(true);
  await cache.makeRoom(900, new Set());
  expect(existsSync(pathOf({}))).toBe(false);
});

test('cache.folder is where it lies, and cache.max_gb bounds it: the least recently used go first, and nothing in use', async () => {
  const cache = cacheOf(3000 / 1e9);
  const [oldest, inUse, usedAgain] = [1, 2, 3].map((inode) => cache.pathOf([{ ...FILE, inode }], { type: 'BF16' })) as [
    string,
    string,
    string,
  ];
  put(oldest, 1000, 300);
  put(inUse, 1000, 400);
  put(usedAgain, 1000, 500);
  cache.used(usedAgain);
  await cache.makeRoom(1000, new Set([inUse]));
  expect([oldest, inUse, usedAgain].map((path) => existsSync(path))).toEqual([false, true, true]);
  expect(said.at(-1)).toContain('removed');
});

test('a model that a person keeps in a folder of that name is not removed, and does not count', async () => {
  const cache = cacheOf(1000 / 1e9);
  const own = join(folder, 'converted', 'llama-3-8b-q4_k_m.gguf');
  put(own, 5000, 900);
  await cache.makeRoom(1000, new Set());
  expect(existsSync(own)).toBe(true);
});

test('what can never fit is refused with the figures before anything is removed', async () => {
  const cache = cacheOf(3000 / 1e9);
  const path = cache.pathOf([FILE], { type: 'BF16' });
  put(path, 1000, 10);
  await expect(cache.makeRoom(4000, new Set())).rejects.toMatchObject({
    code: 'disk-full',
    message: expect.stringContaining('cache.max_gb'),
  });
  await expect(cache.makeRoom(2500, new Set([path]))).rejects.toMatchObject({ code: 'disk-full' });
  expect(existsSync(path)).toBe(true);
});

test('a disk without room says what is needed and what is there', async () => {
  await expect(cacheOf(1e9).makeRoom(2 ** 60 / 8, new Set())).rejects.toMatchObject({
    code: 'disk-full',
    message: expect.stringMatching(/takes .* and .* has .* free: make room there, or set cache.folder/),
  });
});

test('a folder that cannot be made is named', async () => {
  writeFileSync(join(folder, 'file'), '');
  await expect(cacheOf(200, join(folder, 'file')).makeRoom(1, new Set())).rejects.toMatchObject({
    message: expect.stringContaining('cache.folder'),
  });
});

test.runIf(process.getuid?.() === 0)('a folder that another user made is not used: what lies in it may be anything', async () => {
  const cache = cacheOf();
  const path = cache.pathOf([FILE], { type: 'F16' });
  put(path, 10, 1);
  const touched = cache.pathOf([{ ...FILE, mtimeMs: 6 }], { type: 'F16' });
  expect([cache.bytesOf(path), cache.earlier(touched)]).toEqual([10, path]);
  chownSync(join(folder, 'converted'), 12_345, 12_345);
  expect([cache.bytesOf(path), cache.earlier(touched)]).toEqual([null, null]);
  await expect(cache.makeRoom(1, new Set())).rejects.toThrow(
    /converted cannot be used: it belongs to another user \(number 12345\); `chown 0 .*` would make it yours. Or set cache.folder/,
  );
});

test.runIf(process.getuid?.() === 0)(
  "a file that another user put there is none of ours, nor is a link, nor what another user's link leads to",
  () => {
    const cache = cacheOf();
    const path = cache.pathOf([FILE], { type: 'F16' });
    const converted = join(folder, 'converted');
    put(path, 10, 1);
    chownSync(path, 12_345, 12_345);
    expect(cache.bytesOf(path)).toBeNull();
    chownSync(path, 0, 0);
    expect(cache.bytesOf(path)).toBe(10);
    renameSync(path, join(folder, 'elsewhere'));
    symlinkSync(join(folder, 'elsewhere'), path);
    expect(cache.bytesOf(path)).toBeNull();
    renameSync(join(folder, 'elsewhere'), path);
    renameSync(converted, join(folder, 'behind'));
    symlinkSync(join(folder, 'behind'), converted);
    expect(cache.bytesOf(path)).toBe(10);
    lchownSync(converted, 12_345, 12_345);
    expect(cache.bytesOf(path)).toBeNull();
  },
);

test('what a killed engine left half done is gone at the next start; whole files, and what another engine writes, stay', () => {
  // The number of the killed one has been given to this process since.
  const own = `${'a'.repeat(40)}-${'b'.repeat(24)}.gguf`;
  const [half, ours, whole, theirs] = [`${own}.${process.pid}-1.part`, `${own}.${ownMark()}.part`, 'b.gguf', 'b.gguf.001.part'].map(
    (name) => join(folder, 'converted', name),
  );
  for (const path of [half!, ours!, whole!, theirs!]) put(path, 10, 0);
  const cache = cacheOf();
  expect([existsSync(half!), existsSync(ours!), cache.bytesOf(whole!)]).toEqual([false, true, 10]);
  put(half!, 10, 0);
  cache.discard(join(folder, 'converted', own));
  // A person's own download in pieces stays, too.
  expect([half!, ours!, whole!, theirs!].map((path) => existsSync(path))).toEqual([false, false, true, true]);
});

test('what was made gets its place in one move; nothing else has its name', async () => {
  const cache = cacheOf();
  const path = join(folder, 'converted', 'a.gguf');
  put(cache.partOf(path), 10, 0);
  expect(cache.bytesOf(path)).toBeNull();
  await cache.commit(path);
  expect([cache.bytesOf(path), existsSync(cache.partOf(path))]).toEqual([10, false]);
  await expect(cache.commit(path)).rejects.toThrow();
});
