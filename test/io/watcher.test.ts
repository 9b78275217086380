import { createHook } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FolderScan, Log } from '../../main/core/ports.ts';
import { createClock } from '../../main/io/clock.ts';
import { blockingDisk } from '../../main/io/files/disk.ts';
import { folderScanner } from '../../main/io/files/scan.ts';
import { createWatcher, type FileWatcher } from '../../main/io/files/watcher.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

let root: string;
let folder: string;
let scans: FolderScan[];
let words: string[];
/** How often a scan is said to have more in it. */
let parts: number;
/** Scans that were left to another process. */
let largeScans: number;
/** How often it was asked whether a request is under way. */
let gapsSought: number;
let watcher: FileWatcher | null;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'modelium-watcher-'));
  folder = join(root, 'incoming');
  await mkdir(folder);
  scans = [];
  words = [];
  parts = 0;
  largeScans = 0;
  gapsSought = 0;
  watcher = null;
});
afterEach(async () => {
  await watcher?.close();
  await rm(root, { recursive: true, force: true });
});

const scanLarge = folderScanner(blockingDisk);

function make(clock = createClock()): FileWatcher {
  const say = (sentence: string): void => void words.push(sentence);
  const log: Log = { say, warn: say, error: say, debug: () => {} };
  watcher = createWatcher({
    folders: [folder],
    scanIntervalMs: 30_000,
    clock,
    log,
    onScan(scan) {
      scans.push(scan);
      parts -= 1;
      return parts > 0;
    },
    scanLarge(...asked) {
      largeScans += 1;
      return scanLarge(...asked);
    },
    isBusy() {
      gapsSought += 1;
      return false;
    },
  });
  return watcher;
}

function names(path = folder): readonly string[] | string {
  const last = scans.findLast((scan) => scan.folder === path);
  if (last === undefined) return 'never looked at';
  return last.ok ? last.candidates.map((candidate) => candidate.name) : last.message;
}

/** Questions to the disk that this thread waits for. */
async function askedDuring(work: () => Promise<unknown>): Promise<number> {
  let asked = 0;
  const hook = createHook({
    init(_id, type) {
      if (type === 'FSREQPROMISE') asked += 1;
    },
  }).enable();
  await work();
  hook.disable();
  return asked;
}

/** Of this process; null where the system does not tell. */
function inotifyWatches(): number | null {
  if (!existsSync('/proc/self/fdinfo')) return null;
  const texts = readdirSync('/proc/self/fdinfo').map((name) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${name}`, 'utf8');
    } catch {
      // Closed since, as that of the listing itself is.
      return '';
    }
  });
  return texts.join('').match(/^inotify wd:/gm)?.length ?? 0;
}

const until = (expected: unknown, path = folder) =>
  vi.waitFor(() => expect(names(path)).toEqual(expected), { timeout: 60_000, interval: 20 });

describe('watcher', () => {
  test('a name that is not UTF-8 is said, once, and more of them are counted', async () => {
    const misnamed = (name: string) => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]);
    const made = ['inv\xff.gguf', 'link\xff.gguf', 'notes\xfc.txt', 'owner/b\xff.gguf', 'owner\xff', '\xff.gguf.part'].map(misnamed);
    const [file, link, notes, nested, owner, part] = made as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
    const sentence = `${folder}/inv\ufffd.gguf cannot be read: its name is not UTF-8; rename it.`;
    await writeFile(join(folder, 'a.gguf'), 'a');
    // This is a name like any.
    await writeFile(join(folder, 'odd\ufffd.gguf'), 'a');
    await writeFile(file, 'a');
    await writeFile(part, 'a');
    const started = make();
    try {
      await started.start();
      expect([names(), words]).toEqual([['a.gguf', 'odd\ufffd.gguf'], [sentence]]);
      await started.rescan(folder);
      expect(words).toEqual([sentence]);
      await mkdir(join(folder, 'owner', 'model'), { recursive: true });
      await writeFile(join(folder, 'owner', 'model', 'config.json'), '{}');
      await writeFile(nested, 'a');
      await writeFile(notes, 'a');
      await symlink('a.gguf', link);
      await mkdir(owner);
      await until(['a.gguf', 'odd\ufffd.gguf', 'owner/model']);
      const all = `${folder}/inv\ufffd.gguf and 4 more cannot be read: their names are not UTF-8; rename them.`;
      await vi.waitFor(() => expect(words.at(-1)).toBe(all), { timeout: 60_000, interval: 20 });
    } finally {
      // Under the names that Node would list nothing could be taken away.
      for (const path of made) await rm(path, { recursive: true, force: true });
    }
    await started.rescan(folder);
    const said = words.length;
    await writeFile(file, 'a');
    await started.rescan(folder);
    await rm(file);
    expect(words.slice(said)).toEqual([sentence]);
  });

  test('a flood of events is not listened to until the next look, and what came in it is seen', async () => {
    const started = make();
    const owners = Array.from({ length: 20 }, (_, index) => join(folder, `owner-${index}`));
    for (const owner of owners) await mkdir(owner);
    await writeFile(join(folder, 'a.gguf'), 'a');
    await started.start();
    const empty = owners.map((owner) => basename(owner)).toSorted();
    await until(['a.gguf', ...empty]);
    const emit = vi.spyOn(EventEmitter.prototype, 'emit');
    const events = () => emit.mock.calls.filter(([name]) => name === 'raw').length;
    // 8,000 at once: the system keeps 16,384 of them.
    for (let times = 0; times < 2_000; times += 1) {
      const owner = owners[times % owners.length] ?? folder;
      renameSync(join(folder, 'a.gguf'), join(owner, 'a.gguf'));
      renameSync(join(owner, 'a.gguf'), join(folder, 'a.gguf'));
    }
    renameSync(join(folder, 'a.gguf'), join(folder, 'b.gguf'));
    await until(['b.gguf', ...empty]);
    expect(events()).toBeLessThan(3_000);
    emit.mockRestore();
    await writeFile(join(folder, 'c.gguf'), 'c');
    await until(['b.gguf', 'c.gguf', ...empty]);
  });

  test('what lies there at the start, and what comes, grows and goes later, is seen without waiting for the interval', async () => {
    await writeFile(join(folder, 'a.gguf'), 'a');
    await make().start();
    expect(names()).toEqual(['a.gguf']);
    await mkdir(join(folder, 'owner/model'), { recursive: true });
    await writeFile(join(folder, 'owner/model/config.json'), '{}');
    await until(['a.gguf', 'owner/model']);
    await writeFile(join(folder, 'a.gguf'), 'more');
    await vi.waitFor(() => expect(scans.at(-1)).toMatchObject({ candidates: [{ files: [{ bytes: 4 }] }, {}] }), { timeout: 60_000 });
    await rename(join(folder, 'owner/model'), join(folder, 'owner/other'));
    await until(['a.gguf', 'owner/other']);
    await rm(join(folder, 'a.gguf'));
    await until(['owner/other']);
  });

  test('files are not watched one by one, and a folder of very many is only looked at', async () => {
    const before = inotifyWatches();
    for (const name of ['a', 'b']) {
      await mkdir(join(folder, name));
      for (let index = 0; index < 50; index += 1) await writeFile(join(folder, name, `${index}.safetensors`), '');
    }
    await make().start();
    // The folder itself and its two models.
    if (before !== null) expect(inotifyWatches()).toBe(before + 3);
    await Promise.all(Array.from({ length: 2_001 }, (_, index) => writeFile(join(folder, `note-${index}`), '')));
    await watcher!.rescan(folder);
    if (before !== null) expect(inotifyWatches()).toBe(before + 2);
  });

  test('no more than 1,024 folders are listened to; what changes in the others is seen at the next look', async () => {
    const before = inotifyWatches();
    const folders = Array.from({ length: 1_100 }, (_, index) => join(folder, `m${index}`));
    for (const each of folders) {
      await mkdir(each);
      await writeFile(join(each, 'model.safetensors'), '');
    }
    await make().start();
    if (before !== null) expect(inotifyWatches()).toBe(before + 1_024);
    for (const each of folders) await writeFile(join(each, 'more.safetensors'), '');
    const scan = await watcher!.rescan(folder);
    expect(scan?.ok === true && scan.candidates.map(({ files }) => files.length)).toEqual(folders.map(() => 2));
  });

  test('a model folder of too many files is looked at, and not listened to', async () => {
    const before = inotifyWatches();
    await mkdir(join(folder, 'home', 'deep'), { recursive: true });
    for (let index = 0; index < 4_097; index += 1)
      await writeFile(join(folder, 'home', index % 2 === 0 ? 'deep' : '', `${index}.safetensors`), '');
    await make().start();
    expect(names()).toEqual(['home']);
    if (before !== null) expect(inotifyWatches()).toBe(before + 1);
  });

  test('a change in a large folder costs one look at its files, by the scan', async () => {
    const clock = createVirtualClock();
    await Promise.all(Array.from({ length: 500 }, (_, index) => writeFile(join(folder, `${index}.gguf`), '')));
    await make(clock).start();
    const byScan = await askedDuring(() => watcher!.rescan(folder));
    const byChange = await askedDuring(async () => {
      await writeFile(join(folder, 'new.gguf'), '');
      await vi.waitFor(
        async () => {
          await clock.advance(1000);
          expect(names()).toHaveLength(501);
        },
        { timeout: 60_000, interval: 20 },
      );
    });
    expect(byChange).toBeLessThan(byScan + 250);
  });

  test('a folder that is too much for this thread is left to another process at once, until it is small again', async () => {
    const models = Array.from({ length: 60 }, (_, index) => join(folder, `m${index}`));
    for (const model of models) {
      await mkdir(model);
      for (let index = 0; index < 20; index += 1) await writeFile(join(model, `${index}.safetensors`), '');
    }
    await make(createVirtualClock()).start();
    // Of the folders that it listens to, and of none of the 1,200 files.
    expect(await askedDuring(() => watcher!.rescan(folder))).toBeLessThan(200);
    expect(largeScans).toBe(2);
    for (const model of models.slice(1)) await rm(model, { recursive: true });
    await watcher!.rescan(folder);
    await watcher!.rescan(folder);
    expect([largeScans, names()]).toEqual([3, ['m0']]);
  });

  test('a folder that goes away is said once and is watched again when it is back', async () => {
    const clock = createVirtualClock();
    await make(clock).start();
    await rename(folder, join(root, 'away'));
    await watcher!.rescan(folder);
    await watcher!.rescan(folder);
    expect(names()).toBe(`The folder ${folder} is not there.`);
    expect(words.filter((sentence) => sentence.includes('is not there'))).toHaveLength(1);
    await rename(join(root, 'away'), folder);
    await clock.advance(30_000);
    await until([]);
    await writeFile(join(folder, 'a.gguf'), 'a');
    await vi.waitFor(
      async () => {
        await clock.advance(1000);
        expect(names()).toEqual(['a.gguf']);
      },
      { timeout: 60_000, interval: 20 },
    );
  });

  test('a registered path is followed by itself until it is let go', async () => {
    const path = join(root, 'x.gguf');
    await writeFile(path, 'x');
    make();
    expect(await watcher!.track(path)).toMatchObject({ ok: true, candidates: [{ path }] });
    await rm(path);
    await watcher!.rescan(path);
    expect(names(path)).toEqual([]);
    await watcher!.untrack(path);
    expect(await watcher!.rescan(path)).toBeNull();
  });

  test('a scan that takes more than one turn is told again, with time for others in between', async () => {
    parts = 3;
    make();
    let others = 0;
    const timer = setInterval(() => {
      others += 1;
    }, 0);
    await watcher!.start();
    clearInterval(timer);
    expect(scans).toHaveLength(3);
    expect(new Set(scans).size).toBe(1);
    expect(others).toBeGreaterThan(0);
    // Between the three.
    expect(gapsSought).toBe(2);
  });

  test('who stops watching ends a scan that takes many turns', async () => {
    parts = 1_000_000;
    make();
    const started = watcher!.start();
    await vi.waitFor(() => expect(scans.length).toBeGreaterThan(2), { timeout: 60_000, interval: 1 });
    await watcher!.close();
    await started;
    const told = scans.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(scans).toHaveLength(told);
  });
});
