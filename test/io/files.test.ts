import { symlinkSync } from 'node:fs';
import { link, mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { blockingDisk, type Disk } from '../../main/io/files/disk.ts';
import { listCandidateFiles } from '../../main/io/files/files.ts';
import { mountOf, parseMounts, unmounted } from '../../main/io/files/mounts.ts';
import { rememberingNames } from '../../main/io/files/names-beside.ts';
import { folderScanner, scanPath, scanSmallFolder } from '../../main/io/files/scan.ts';

const scanFolder = folderScanner(blockingDisk);

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'modelium-files-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(path: string, content = 'x'): Promise<string> {
  const full = join(root, path);
  await mkdir(join(full, '..'), { recursive: true });
  await writeFile(full, content);
  return full;
}

async function names(): Promise<readonly string[]> {
  const { scan } = await scanFolder(root, null, new Set());
  return scan.ok ? scan.candidates.map((candidate) => candidate.name) : [scan.message];
}

test('nothing of the system is looked at: as a watch folder, as a path of its own, or through a link in a watch folder', async () => {
  await symlink('/', join(root, 'machine'));
  await symlink('/proc/version', join(root, 'version.gguf'));
  await put('a.gguf');
  for (const path of ['/', '/proc', '/dev', join(root, 'machine')]) {
    const message = expect.stringContaining('belongs to the system');
    expect((await scanFolder(path, null, new Set())).scan).toMatchObject({ ok: false, message });
    expect((await scanPath(path, null)).scan).toMatchObject({ ok: false, message });
  }
  expect(await names()).toEqual(['a.gguf', 'version.gguf', 'machine']);
  for (const [link, place] of [
    ['machine', '/'],
    ['version.gguf', '/proc/version'],
  ] as const) {
    const path = join(root, link);
    expect(await listCandidateFiles(path)).toMatchObject({
      files: [],
      unreadable: `${path} leads to ${place}, which belongs to the system.`,
    });
  }
});

describe('a scan', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['loose models, then other files', ['a.gguf', 'b.onnx', 'notes.txt', 'c.gguf.part', '.hidden.gguf'], ['a.gguf', 'b.onnx', 'notes.txt']],
    [
      'nothing that a system left',
      ['desktop.ini', 'Thumbs.db', '@eaDir/a.gguf', '$RECYCLE.BIN/a.gguf', 'System Volume Information/x', '__MACOSX/a'],
      [],
    ],
    [
      'one line for pieces of one file',
      ['m.gguf.part1of2', 'm.gguf.part2of2', 'n.gguf.part-aa', 'n.gguf.part-ab'],
      ['m.gguf.part1of2', 'n.gguf.part-aa'],
    ],
    ['a split model in upper case', ['M-00001-OF-00002.GGUF', 'M-00002-OF-00002.GGUF'], ['M-00001-OF-00002.GGUF']],
    ['a split model without its first part', ['m-00002-of-00003.gguf', 'm-00003-of-00003.gguf'], ['m-00002-of-00003.gguf']],
    [
      'what is by its name a part of no set',
      ['m-00000-of-00002.gguf', 'm-00001-of-00002.gguf', 'm-00003-of-00002.gguf'],
      ['m-00000-of-00002.gguf', 'm-00001-of-00002.gguf', 'm-00003-of-00002.gguf'],
    ],
    ['publisher/REPO/QUANT', ['p/R-GGUF/Q4_K_M/r.gguf', 'p/R-GGUF/Q8_0/r.gguf', 'p/S/config.json'], ['p/R-GGUF', 'p/S']],
    ['loose files beside repositories', ['p/A/a.gguf', 'p/B/config.json', 'p/desktop.ini', 'p/README.md', 'p/notes.png'], ['p/A', 'p/B']],
    ['loose models beside repositories', ['p/A/config.json', 'p/b-Q4_0.gguf', 'p/mmproj-b-f16.gguf'], ['p/A', 'p/b-Q4_0.gguf']],
    ['REPO/QUANT is one model', ['R/Q4_K_M/r.gguf', 'R/BF16/r-00001-of-00002.gguf', 'R/README.md'], ['R']],
    ['REPO/REPO-QUANT too', ['Deep-GGUF/Deep-Q4_K_M/d.gguf', 'Deep-GGUF/Deep-UD-IQ2_XXS/d.gguf'], ['Deep-GGUF']],
    ['quantisations of different models are models', ['p/A-Q4_K_M/a.gguf', 'p/B-Q4_K_M/b.gguf'], ['p/A-Q4_K_M', 'p/B-Q4_K_M']],
    ['a folder of publishers', ['hub/p/R/config.json', 'hub/q/S/Q4_0/s.gguf'], ['p/R', 'q/S']],
    ['components before what describes them', ['d/unet/config.json', 'd/vae/config.json'], ['d']],
    ['exports before what describes them', ['e/onnx/model.onnx'], ['e']],
    ['the first part of a split model for all', ['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf'], ['m-00001-of-00002.gguf']],
    ['a folder, whatever is in it', ['m/config.json', 'n/readme.txt'], ['m', 'n']],
    ['owner/model, one level of it', ['o/m/config.json', 'o/n/x.gguf', 'o/.cache/x'], ['o/m', 'o/n']],
    ['a Triton folder with versions', ['t/1/model.onnx'], ['t']],
    ['a folder with files of its own is no owner', ['d/model_index.json', 'd/unet/config.json'], ['d']],
    ['a repository in a Hugging Face cache is one, under its own name', ['models--o--m/snapshots/abcdef0/config.json'], ['o/m']],
  ])('%s', async (_what, paths, expected) => {
    for (const path of paths) await put(path);
    expect(await names()).toEqual(expected);
  });

  test('an empty folder, and one of links to nowhere, are told of', async () => {
    await mkdir(join(root, 'soon'));
    await mkdir(join(root, 'snapshot'));
    await symlink('../../blobs/0123', join(root, 'snapshot/config.json'));
    expect(await names()).toEqual(['snapshot', 'soon']);
  });

  test('a model whose file has a name that is not UTF-8 says so; other files of such names do not matter', async () => {
    await put('m/config.json');
    const misnamed = (name: string) => Buffer.concat([Buffer.from(`${root}/m/`), Buffer.from(name, 'latin1')]);
    await writeFile(misnamed('notes\xff.txt'), 'x');
    expect((await listCandidateFiles(join(root, 'm')))?.unreadable).toBeNull();
    await writeFile(misnamed('w\xff.safetensors'), 'x');
    const found = await listCandidateFiles(join(root, 'm'));
    for (const name of ['notes\xff.txt', 'w\xff.safetensors']) await rm(misnamed(name));
    expect(found?.unreadable).toBe(`${join(root, 'm')}/w\ufffd.safetensors cannot be read: its name is not UTF-8; rename it.`);
  });

  test('however many files there are, models are looked at first, and what was not looked at is named', async () => {
    for (let index = 0; index < 130; index += 1) await put(`a-note-${index}.txt`);
    await put('z.gguf');
    const { scan } = await scanFolder(root, null, new Set());
    expect(scan).toMatchObject({ ok: true, isCut: false, notScanned: [], otherFiles: 30 });
    expect(scan.ok && scan.candidates.length).toBe(101);
    expect(scan.ok && scan.candidates[0]?.name).toBe('z.gguf');
  });

  test.each([
    [10_000, 1],
    [10_001, 2],
  ])('the names of a folder that stays as it is are read once, if they are not too many: %i', async (count, times) => {
    for (let index = 1; index < count; index += 1) symlinkSync('nowhere', join(root, `${index}`));
    await put('z.gguf');
    // A change of a moment ago may not be the last one within a step of the file system's time.
    const before = new Date(Date.now() - 60_000);
    await utimes(root, before, before);
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000);
    const eachEntry = vi.fn<Disk['eachEntry']>(blockingDisk.eachEntry);
    const look = folderScanner({ ...blockingDisk, eachEntry });
    try {
      const [one, other] = [await look(root, null, new Set()), await look(root, null, new Set())];
      expect(eachEntry).toHaveBeenCalledTimes(times);
      expect(other).toEqual(one);
      await put('b.gguf');
      const { scan } = await look(root, null, new Set());
      expect(scan.ok && scan.candidates.slice(0, 2).map(({ name }) => name)).toEqual(['b.gguf', 'z.gguf']);
    } finally {
      vi.restoreAllMocks();
    }
  });

  test('of very many models some are named that were not looked at, and the others counted', async () => {
    const models = Array.from({ length: 5_200 }, (_, index) => `m${index}.gguf`);
    await put('first.gguf');
    for (const name of models) await link(join(root, 'first.gguf'), join(root, name));
    const { scan, leftOut } = await scanFolder(root, null, new Set());
    if (!scan.ok) throw new Error(scan.message);
    // More than are named: nothing counts as gone.
    expect([scan.candidates.length, scan.notScanned?.length, scan.leftOut, leftOut, scan.isCut]).toEqual([
      2_100,
      3_000,
      3_101,
      3_101,
      true,
    ]);
    for (const name of models.slice(0, 200)) await rm(join(root, name));
    const { scan: fewer } = await scanFolder(root, null, new Set());
    expect(fewer).toMatchObject({ leftOut: 2_901, isCut: false });
  });

  test('a folder that is much work is left to another process', async () => {
    await put('a.gguf');
    expect((await scanSmallFolder(root, null, new Set()))?.scan).toMatchObject({ candidates: [{ name: 'a.gguf' }] });
    await Promise.all(Array.from({ length: 250 }, (_, index) => put(`n-${index}`, '')));
    expect(await scanSmallFolder(root, null, new Set())).toBeNull();
  });

  test('a watch folder inside another is left to itself', async () => {
    await put('incoming/a.gguf');
    expect((await scanFolder(root, null, new Set([join(root, 'incoming')]))).scan).toMatchObject({ ok: true, candidates: [] });
  });

  test('a missing folder is away, with a sentence', async () => {
    expect((await scanFolder(join(root, 'gone'), null, new Set())).scan).toMatchObject({
      ok: false,
      message: expect.stringContaining('is not there'),
    });
  });

  test('a registered path: there, missing, or out of reach', async () => {
    const path = await put('m/a.gguf');
    expect((await scanPath(path, null)).scan).toMatchObject({ ok: true, candidates: [{ path, name: 'a.gguf', kind: 'file' }] });
    await rm(path);
    expect((await scanPath(path, null)).scan).toMatchObject({ ok: true, candidates: [] });
    await rm(join(root, 'm'), { recursive: true });
    expect((await scanPath(path, null)).scan.ok).toBe(false);
  });
});

describe('links', () => {
  test('the candidate itself may be one', async () => {
    const path = await put('elsewhere/a.gguf');
    await symlink(path, join(root, 'b.gguf'));
    expect((await listCandidateFiles(join(root, 'b.gguf')))?.files).toMatchObject([{ path: 'b.gguf', bytes: 1 }]);
  });

  test('inside it one is followed to a file of the folder or to the blobs of a store, and no further', async () => {
    const blob = await put(`hub/models--o--m/blobs/${'ab'.repeat(32)}`, 'blob');
    await put('m/real.gguf');
    await put('outside.gguf');
    await symlink('real.gguf', join(root, 'm/inside.gguf'));
    await symlink(blob, join(root, 'm/stored.safetensors'));
    await symlink('../outside.gguf', join(root, 'm/notes.txt'));
    const found = await listCandidateFiles(join(root, 'm'));
    expect(found?.files.map((file) => file.path)).toEqual(['inside.gguf', 'real.gguf', 'stored.safetensors']);
    expect(found?.refused).toEqual([expect.stringContaining('notes.txt leads out of the folder')]);
    expect(found?.unreadable).toBeNull();
  });

  test.each([
    ['a file outside', '../outside.gguf', 'leads out of the folder'],
    ['a link to a link', 'second.txt', 'does not lead to a regular file'],
    ['a folder', '..', 'does not lead to a regular file'],
  ])('a weights file that is a link to %s is refused by name', async (_what, target, words) => {
    await put('outside.gguf');
    await put('m/readme.txt');
    await symlink('readme.txt', join(root, 'm/second.txt'));
    await symlink(target, join(root, 'm/w.gguf'));
    const found = await listCandidateFiles(join(root, 'm'));
    expect(found?.unreadable).toContain('w.gguf');
    expect(found?.unreadable).toContain(words);
  });

  test('what is looked at is bounded, whatever it is: folders and links count as files do, refusals are named up to a few', async () => {
    await put('m/model.gguf');
    await symlink('/etc/hostname', join(root, 'm', 'out-0'));
    for (let index = 1; index < 40; index += 1) await symlink('/etc/hostname', join(root, 'm', `out-${index}`));
    const some = await listCandidateFiles(join(root, 'm'));
    expect(some?.refused).toHaveLength(17);
    expect(some?.refused.at(-1)).toBe('24 more links are not followed.');
    expect(some?.unreadable).toBeNull();
    for (let index = 0; index < 16_400; index += 1) symlinkSync('nowhere', join(root, 'm', `away-${index}`));
    const many = await listCandidateFiles(join(root, 'm'));
    expect(many?.unreadable).toContain('more than 16384 files and folders');
  });

  test('a folder of more files than any model has is somebody’s home, which is said', async () => {
    await mkdir(join(root, 'm'));
    for (let index = 0; index < 4_097; index += 1) await writeFile(join(root, 'm', `${index}.bin`), '');
    expect((await listCandidateFiles(join(root, 'm')))?.unreadable).toBe(
      `${join(root, 'm')} holds more than 4096 files: that is not a model folder.`,
    );
  });

  test('what is not listed and may be code is told of: a hidden one, and folders beyond the depth', async () => {
    await put('m/config.json');
    await put('m/.git/hooks/x.py');
    await put('m/.gitattributes');
    expect((await listCandidateFiles(join(root, 'm')))?.unlisted).toBeNull();
    await put('m/a/b/c/d/e/deep.py');
    expect((await listCandidateFiles(join(root, 'm')))?.unlisted).toBe('a/b/c/d/e lies more than 4 folders deep');
    await put('n/.secret.py');
    expect((await listCandidateFiles(join(root, 'n')))?.unlisted).toBe('.secret.py is hidden');
  });

  test('a link to nowhere is a file that is not there yet', async () => {
    await put('m/readme.txt');
    await symlink('soon.gguf', join(root, 'm/w.gguf'));
    expect(await listCandidateFiles(join(root, 'm'))).toMatchObject({ unreadable: null, refused: [], files: [{ path: 'readme.txt' }] });
  });
});

describe('mounts', () => {
  test('mountinfo is read with its escapes', () => {
    const text = '36 35 98:0 / /mnt/my\\040disk rw - ext3 /dev/root rw\n37 35 0:5 /x /n rw shared:1 - nfs4 host:/x rw\nrubbish\n';
    expect(parseMounts(text)).toEqual([
      { point: '/mnt/my disk', type: 'ext3' },
      { point: '/n', type: 'nfs4' },
    ]);
  });

  test('an ordinary folder is no mount point', async () => {
    expect(await mountOf(root)).toMatchObject({ isMountPoint: false, typeWithoutEvents: null });
  });

  const mount = (device: number, isMountPoint: boolean) => ({ device, isMountPoint, typeWithoutEvents: null });
  test.each<[string, ReturnType<typeof mount>, ReturnType<typeof mount>, boolean]>([
    ['the same', mount(1, false), mount(1, false), false],
    ['unmounted', mount(2, true), mount(1, false), true],
    ['remounted with another number', mount(2, true), mount(3, true), false],
    ['mounted over', mount(1, false), mount(2, true), false],
    ['a disk further up went away', mount(2, false), mount(1, false), true],
  ])('%s', (_what, before, now, lost) => {
    expect(unmounted(before, now, '/m') !== null).toBe(lost);
  });
});

test('a projector beside its model is one candidate with it, and stands for itself where there is no model', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelium-projector-'));
  try {
    await writeFile(join(folder, 'mmproj-F16.gguf'), 'x');
    const alone = await scanFolder(folder, null, new Set());
    expect(alone.scan).toMatchObject({ candidates: [{ name: 'mmproj-F16.gguf' }] });
    await writeFile(join(folder, 'see-Q4_0.gguf'), 'y');
    const both = await scanFolder(folder, null, new Set());
    expect(both.scan.ok && both.scan.candidates.map(({ name, files }) => [name, files.map(({ path }) => path)])).toEqual([
      ['see-Q4_0.gguf', ['see-Q4_0.gguf', 'mmproj-F16.gguf']],
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.each([
  [1, 50],
  [7, 100],
])('while files arrive, the names in a folder that took %i ms to read serve for %i ms', async (tookMs, forMs) => {
  const folder = await mkdtemp(join(tmpdir(), 'modelium-arriving-'));
  try {
    let nowMs = 1_000;
    const eachEntry: Disk['eachEntry'] = (...asked) => {
      nowMs += tookMs;
      return blockingDisk.eachEntry(...asked);
    };
    const namesBeside = rememberingNames({ ...blockingDisk, eachEntry }, () => nowMs);
    const first = await namesBeside(folder);
    await writeFile(join(folder, 'a.gguf'), '');
    nowMs += forMs - 1;
    expect(await namesBeside(folder)).toBe(first);
    nowMs += 1;
    expect((await namesBeside(folder)).names).toEqual(new Set(['a.gguf']));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('what lies beside loose files is read once for all of them, and again when the folder may be other than it was', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelium-beside-'));
  const wallTime = vi.spyOn(Date, 'now');
  try {
    await writeFile(join(folder, 'a.gguf'), '');
    const { mtimeMs, ctimeMs } = await stat(folder);
    const changedMs = Math.max(mtimeMs, ctimeMs);
    /** Are the names kept that are read so long after the folder changed? */
    const isKept = async (ms: number): Promise<boolean> => {
      wallTime.mockReturnValue(changedMs + ms);
      const read = rememberingNames(blockingDisk, () => 0);
      const names = await read(folder);
      return (await read(folder)) === names;
    };
    expect([await isKept(5), await isKept(changedMs % 1_000 === 0 ? 3_000 : 50)]).toEqual([false, true]);
    // FAT counts in steps of two seconds.
    const wholeSecond = new Date(Math.ceil(changedMs / 1_000) * 1_000 + 5_000);
    await utimes(folder, wholeSecond, wholeSecond);
    const beyondMs = wholeSecond.getTime() - changedMs;
    expect([await isKept(beyondMs + 1_500), await isKept(beyondMs + 2_500)]).toEqual([false, true]);
    wallTime.mockReturnValue(changedMs + 60_000);
    const namesBeside = rememberingNames(blockingDisk, () => 0);
    await namesBeside(folder);
    await writeFile(join(folder, 'b.gguf'), '');
    expect([...(await namesBeside(folder)).names]).toEqual(['a.gguf', 'b.gguf']);
  } finally {
    wallTime.mockRestore();
    await rm(folder, { recursive: true });
  }
});
