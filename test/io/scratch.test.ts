/** The folders of launches, and Python's shared memory: what is noted goes, and nothing else. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createScratchFolders } from '../../main/io/processes/scratch.ts';

let temporary = '';
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'ms-'));
});
afterEach(() => rmSync(temporary, { recursive: true, force: true }));

/** A process that has a file in shared memory mapped, as Python's has. */
async function holder(name: string): Promise<{ readonly pid: number; end(): void }> {
  const code = `import mmap, sys; f = open('/dev/shm/${name}', 'w+b'); f.truncate(4096); m = mmap.mmap(f.fileno(), 4096); print('held', flush=True); sys.stdin.read()`;
  const child = spawn('python3', ['-c', code], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return { pid: child.pid ?? 0, end: () => child.kill('SIGKILL') };
}

test('a folder for its owner alone, and gone with all that lies in it', () => {
  const scratch = createScratchFolders('/state', temporary);
  const folder = scratch.make('launch-1');
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  writeFileSync(join(folder, 'vllm_dist_1'), '');
  expect(scratch.left()).toEqual(['launch-1']);
  scratch.remove('launch-1');
  expect([existsSync(folder), scratch.left()]).toEqual([false, []]);
});

test('an entry comes whole, takes the place of the one before, and goes; no name in it leads out', () => {
  const scratch = createScratchFolders('/state', temporary);
  const folder = scratch.make('launch-1');
  const entry = scratch.write('launch-1', 'bert', {
    'config.pbtxt': { text: 'backend: "onnxruntime"' },
    '1/model.onnx': { linkTo: '/models/bert/model.onnx' },
  });
  expect([entry, readlinkSync(join(entry, '1/model.onnx'))]).toEqual([join(folder, 'bert'), '/models/bert/model.onnx']);
  expect(readFileSync(join(entry, 'config.pbtxt'), 'utf8')).toBe('backend: "onnxruntime"');
  scratch.write('launch-1', 'bert', { 'config.pbtxt': { text: 'other' } });
  expect([readdirSync(folder), readdirSync(entry)]).toEqual([['bert'], ['config.pbtxt']]);
  for (const [name, path] of [
    ['../bert', 'a'],
    ['a/b', 'a'],
    ['', 'a'],
    ['bert', '../../escaped'],
    ['bert', '/etc/escaped'],
  ] as const) {
    expect(() => scratch.write('launch-1', name, { [path]: { text: '' } })).toThrow(/could not be written to/);
  }
  // What failed took nothing away.
  expect(readdirSync(entry)).toEqual(['config.pbtxt']);
  scratch.write('launch-1', 'bert', null);
  expect(readdirSync(folder).filter((name) => !name.startsWith('.'))).toEqual([]);
});

const hasPython = spawnSync('python3', ['--version']).status === 0;

test.skipIf(!hasPython || !existsSync('/dev/shm'))(
  'shared memory that was noted goes, by the next engine too; what is not ours stays',
  async () => {
    const [ours, stranger] = ['psm_0123abcd', 'psm_9876fedc'];
    writeFileSync(`/dev/shm/${stranger}`, '');
    const held = await holder(ours);
    try {
      const scratch = createScratchFolders('/state', temporary);
      scratch.make('launch-1');
      scratch.note('launch-1', [held.pid]);
      held.end();
      // The engine was killed: another one begins.
      createScratchFolders('/state', temporary).remove('launch-1');
      expect([existsSync(`/dev/shm/${ours}`), existsSync(`/dev/shm/${stranger}`)]).toEqual([false, true]);
    } finally {
      held.end();
      for (const name of [ours, stranger]) rmSync(`/dev/shm/${name}`, { force: true });
    }
  },
);

test('a name in the notes leads nowhere else', () => {
  const scratch = createScratchFolders('/state', temporary);
  const folder = scratch.make('launch-1');
  const precious = join(temporary, 'precious');
  writeFileSync(precious, '');
  writeFileSync(join(folder, 'shared-memory'), `../..${precious}\n${precious}\n`);
  scratch.remove('launch-1');
  expect(existsSync(precious)).toBe(true);
});

test('a link in its place is not followed, and each state folder has its own', () => {
  const elsewhere = join(temporary, 'elsewhere');
  mkdirSync(elsewhere);
  const first = createScratchFolders('/state', temporary);
  const parent = join(first.make('launch-1'), '..');
  const second = createScratchFolders('/other', temporary);
  expect(second.left()).toEqual([]);
  rmSync(parent, { recursive: true });
  symlinkSync(elsewhere, parent);
  expect(first.make('launch-2').startsWith(`${parent}-`)).toBe(true);
  expect(readdirSync(elsewhere)).toEqual([]);
  expect(first.left()).toEqual(['launch-2']);
});

test('a folder, link or file that lies there under its name first is left alone, and another one is made', () => {
  const usual = join(temporary, dirname(createScratchFolders('/state', temporary).make('first')).split('/').at(-1) ?? '');
  const takers: readonly (() => void)[] = [
    () => writeFileSync(usual, ''),
    () => symlinkSync('/nowhere', usual),
    () => symlinkSync('/etc', usual),
  ];
  for (const [index, take] of takers.entries()) {
    rmSync(usual, { recursive: true, force: true });
    take();
    const scratch = createScratchFolders('/state', temporary);
    const folder = scratch.make(`launch-${index}`);
    expect(folder.startsWith(`${usual}-`)).toBe(true);
    expect([statSync(folder).mode & 0o777, statSync(dirname(folder)).mode & 0o777]).toEqual([0o700, 0o700]);
    // The next engine finds it, after this one was killed.
    const next = createScratchFolders('/state', temporary);
    expect(next.left()).toEqual([`launch-${index}`]);
    next.remove(`launch-${index}`);
    expect(existsSync(folder)).toBe(false);
    expect(existsSync(dirname(folder))).toBe(false);
  }
});

test.runIf(process.getuid?.() === 0)("another user's folder is sidestepped too", () => {
  const usual = dirname(createScratchFolders('/state', temporary).make('first'));
  rmSync(usual, { recursive: true });
  mkdirSync(usual);
  chownSync(usual, 12_345, 12_345);
  const folder = createScratchFolders('/state', temporary).make('second');
  expect(folder.startsWith(`${usual}-`)).toBe(true);
  expect(readdirSync(usual)).toEqual([]);
});
