/**
 * Reading the code of a candidate: what is hashed, what is shown, and that nothing outside of it is
 * ever opened.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { array, assert, asyncProperty, constantFrom, record } from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { listCandidateFiles } from '../../main/io/files/files.ts';
import { openListed } from '../../main/io/files/open-file.ts';
import { readCode } from '../../main/io/reader/code-files.ts';
import { inspectCandidate } from '../../main/io/reader/inspect.ts';
import { createCodeReader } from '../../main/io/reader/ports.ts';
import { Reader } from '../../main/io/reader/reader.ts';
import { nodeProgram } from '../../main/packaged.ts';
import { BUILT_READER } from '../helpers/built-app.ts';
import { FULL } from '../helpers/full.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

/** Every file that was opened for reading, as the kernel names it. */
const opened = vi.hoisted((): string[] => []);
vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const openSync: typeof real.openSync = (...args) => {
    const descriptor = real.openSync(...args);
    opened.push(process.platform === 'linux' ? real.readlinkSync(`/proc/self/fd/${descriptor}`) : String(args[0]));
    return descriptor;
  };
  return { ...real, openSync };
});

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'modelium-code-'));
  mkdirSync(join(root, 'm'));
  opened.length = 0;
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (path: string, content: string | Buffer) => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), content);
};
const read = (...names: string[]) => readCode(join(root, 'm'), names, () => {});

describe('the hash', () => {
  test('is over path, size and bytes of each, in whatever order they are named', async () => {
    put('m/a.py', 'one');
    put('m/b.py', 'two');
    const { hash } = await read('a.py', 'b.py');
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect((await read('b.py', 'a.py', 'a.py')).hash).toBe(hash);
    expect((await read('a.py')).hash).not.toBe(hash);
    renameSync(join(root, 'm/b.py'), join(root, 'm/c.py'));
    expect((await read('a.py', 'c.py')).hash).not.toBe(hash);
    renameSync(join(root, 'm/c.py'), join(root, 'm/b.py'));
    put('m/a.py', 'onetwo');
    put('m/b.py', '');
    expect((await read('a.py', 'b.py')).hash).not.toBe(hash);
  });

  test('of files beyond one chunk is over all of them', async () => {
    const big = Buffer.alloc(3 * 1024 * 1024 + 5, 7);
    put('m/w.bin', big);
    const { hash, files } = await read('w.bin');
    big[big.length - 1] = 8;
    put('m/w.bin', big);
    expect((await read('w.bin')).hash).not.toBe(hash);
    expect(files).toMatchObject([{ path: 'w.bin', bytes: big.length }]);
  });
});

describe('the preview', () => {
  test('is the beginning of a text, whole characters only, and nothing of what is no text', async () => {
    put('m/a.py', 'x');
    put('m/empty.py', '');
    put('m/long.py', `${'a'.repeat(64 * 1024 - 1)}é and more`);
    put('m/w.bin', Buffer.from([0x80, 0x02, 0x00, 0x7d]));
    put('m/broken.py', Buffer.from([0x61, 0xff]));
    const { files } = await read('a.py', 'empty.py', 'long.py', 'w.bin', 'broken.py');
    const shown = Object.fromEntries(files.map(({ path, preview, isCut }) => [path, [preview?.length ?? null, isCut]]));
    expect(shown).toEqual({
      'a.py': [1, false],
      'empty.py': [0, false],
      'long.py': [64 * 1024 - 1, true],
      'w.bin': [null, false],
      'broken.py': [null, false],
    });
  });

  test('of all files together is bounded', async () => {
    for (let file = 0; file < 40; file += 1) put(`m/${file}.py`, 'a'.repeat(64 * 1024));
    const { files } = await read(...Array.from({ length: 40 }, (_, file) => `${file}.py`));
    expect(files.reduce((sum, { preview }) => sum + (preview?.length ?? 0), 0)).toBe(1024 * 1024);
    // What found no room says so, and does not look like what is no text.
    expect(files.filter(({ preview, isCut }) => preview === null && isCut)).toHaveLength(24);
  });
});

describe('what is not there, or not to be read', () => {
  test('a name that is not listed is refused, wherever it leads', async () => {
    put('secret.py', 'secret');
    put('m/a.py', 'x');
    for (const name of ['../secret.py', join(root, 'secret.py'), 'gone.py', '', '.']) {
      await expect(read(name)).rejects.toMatchObject({ code: 'content-changed' });
    }
    expect(opened).toEqual([]);
  });

  test('a link that takes the place of a listed file is not followed', async () => {
    put('secret.py', 'secret');
    put('m/a.py', 'x');
    const [file] = (await listCandidateFiles(join(root, 'm')))?.files ?? [];
    renameSync(join(root, 'm/a.py'), join(root, 'm/kept.py'));
    symlinkSync('../secret.py', join(root, 'm/a.py'));
    expect(() => openListed(file!)).toThrow(/ELOOP/);
    // A folder on its way that becomes a link; the old file stays, or its inode might be given to
    // the new one.
    renameSync(join(root, 'm'), join(root, 'aside'));
    put('other/a.py', 'y');
    symlinkSync('other', join(root, 'm'));
    expect(() => openListed(file!)).toThrow(expect.objectContaining({ code: 'content-changed' }));
    // It became one while the folder was listed: the number of the file is that of the other one.
    const { ino: inode } = statSync(join(root, 'm/a.py'));
    expect(() => openListed({ ...file!, inode })).toThrow(expect.objectContaining({ code: 'content-changed' }));
  });

  test('whatever links lie in it: nothing outside of the folder and of the blobs of a store is opened', async () => {
    const blob = `hub/models--o--n/blobs/${'ab'.repeat(32)}`;
    const targets = {
      outside: '../secret/s.py',
      absolute: '/etc/hostname',
      blob: `../${blob}`,
      folder: '../secret',
      inside: 'real.py',
      chain: 'link-0.py',
      up: '..',
      looks: `../secret/models--o--n/blobs/short`,
      nowhere: 'nothing.py',
    };
    const names = constantFrom('a.py', 'config.json', 'w.bin', 'model.safetensors', 'x.gguf', 'sub/b.py', 'sub/model.py', 'm.pkl');
    const link = record({ name: names, to: constantFrom(...(Object.keys(targets) as (keyof typeof targets)[])) });
    await assert(
      asyncProperty(array(link, { maxLength: 8 }), async (links) => {
        rmSync(root, { recursive: true, force: true });
        put('secret/s.py', 'secret');
        put(`secret/models--o--n/blobs/short`, 'secret');
        put(blob, 'blob');
        put('m/real.py', 'x');
        put('m/sub/real.py', 'x');
        for (const [at, { name, to }] of links.entries()) {
          rmSync(join(root, 'm', name), { force: true });
          const target = name.startsWith('sub/') && !targets[to].startsWith('/') ? `../${targets[to]}` : targets[to];
          symlinkSync(target, join(root, 'm', name));
          if (at === 0) symlinkSync('../secret/s.py', join(root, 'm/link-0.py'));
        }
        opened.length = 0;
        await inspectCandidate(join(root, 'm'), false);
        for (const { name } of links) await read(name, 'real.py', `../secret/s.py`).catch(() => undefined);
        await read('real.py').catch(() => undefined);
        for (const path of opened) expect(path.startsWith(join(root, 'm/')) || path === join(root, blob), path).toBe(true);
      }),
      { numRuns: FULL ? 200 : 60 },
    );
  });
});

test('beside code that nobody would see nothing can be trusted', async () => {
  put('m/a.py', 'import helper');
  await read('a.py');
  put('m/.helper.py', 'x');
  await expect(read('a.py')).rejects.toMatchObject({ code: 'path-invalid', message: expect.stringContaining('.helper.py is hidden') });
});

describe('the reader', () => {
  const program = BUILT_READER;

  test('reads in a process; one that is called off ends its reading', async () => {
    put('m/a.py', 'x');
    const clock = createVirtualClock();
    const process = new Reader({ node: nodeProgram(), program, clock, isBusy: () => false });
    const reader = createCodeReader(process);
    const { hash, files } = await reader.read(join(root, 'm'), ['a.py'], new AbortController().signal);
    expect(hash).toBe((await read('a.py')).hash);
    const listed = await reader.identities(join(root, 'm'));
    expect(listed).toEqual(files.map(({ preview: _, isCut: __, ...identity }) => identity));
    const abort = new AbortController();
    const first = reader.read(join(root, 'm'), ['a.py'], abort.signal);
    const second = reader.read(join(root, 'm'), ['a.py'], new AbortController().signal);
    abort.abort();
    await expect(first).rejects.toMatchObject({ code: 'cancelled' });
    expect((await second).hash).toBe(hash);
    await expect(reader.read(join(root, 'gone'), ['a.py'], new AbortController().signal)).rejects.toMatchObject({
      code: 'content-changed',
    });
    // It idles: its end is the only thing that waits.
    expect(clock.pending).toBe(1);
    await process.close();
    expect(clock.pending).toBe(0);
    await expect(reader.read(join(root, 'm'), ['a.py'], new AbortController().signal)).rejects.toMatchObject({ code: 'cancelled' });
  });
});
