/** Who holds a file open for writing, by the real /proc of this process. */
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writerFinder } from '../../main/io/files/writers.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelium-writers-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function made(name: string) {
  const path = join(folder, name);
  writeFileSync(path, 'x');
  const { dev: device, ino: inode } = statSync(path);
  return { path, id: { device, inode } };
}

/** A clock on which each search takes so long. */
function slowly(searchMs: number) {
  const clock = { nowMs: 0, isSearching: false };
  const nowMs = (): number => {
    clock.nowMs += clock.isSearching ? searchMs : 0;
    clock.isSearching = !clock.isSearching;
    return clock.nowMs;
  };
  return { clock, nowMs };
}

describe.runIf(process.platform === 'linux')('writers', () => {
  test('of whoever reads and whoever writes, the one who writes is named', () => {
    const [read, written] = [made('read'), made('written')];
    const descriptors = [openSync(read.path, 'r'), openSync(written.path, 'r+')];
    const find = writerFinder();
    expect(find([read.id])).toBeNull();
    expect(find([read.id, written.id])).toMatchObject({ pid: process.pid, command: expect.stringMatching(/./) });
    for (const descriptor of descriptors) closeSync(descriptor);
  });

  test('one search serves who asks soon after it, and names nobody who has closed the file since', () => {
    const [early, late] = [made('early'), made('late')];
    const descriptor = openSync(early.path, 'r+');
    const { clock, nowMs } = slowly(4);
    const find = writerFinder(nowMs);
    expect(find([early.id])).not.toBeNull();
    const later = openSync(late.path, 'r+');
    clock.isSearching = false;
    // Fifty times as long as the search took, and it ended at 4.
    clock.nowMs = 203;
    expect(find([late.id])).toBeNull();
    closeSync(descriptor);
    clock.isSearching = false;
    expect(find([early.id])).toBeNull();
    clock.isSearching = false;
    clock.nowMs = 204;
    expect(find([late.id])).not.toBeNull();
    closeSync(later);
  });

  test('a search that takes long is not reused for longer than a file must stand still', () => {
    const { clock, nowMs } = slowly(1_000);
    const find = writerFinder(nowMs);
    const file = made('file');
    expect(find([file.id])).toBeNull();
    const descriptor = openSync(file.path, 'r+');
    clock.isSearching = false;
    clock.nowMs = 1_000 + 250;
    expect(find([file.id])).not.toBeNull();
    closeSync(descriptor);
  });
});
