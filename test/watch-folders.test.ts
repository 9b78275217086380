/**
 * What people and machines do to watch folders, and what it means for the models in them. Real
 * files, real mounts where they are permitted. The tests mostly wait, so that those with a home of
 * their own run side by side.
 */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { tinyModel } from '../main/embedded/gguf/tiny-model.ts';
import { eventually } from './helpers/eventually.ts';
import { type Home, isAlive, makeHome, type Served, startServe } from './helpers/serve.ts';
import { writeTinyFolder } from './helpers/tiny-folder.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

const QUICK_SCANS = { orchestration: { model_discovery: { scan_interval_seconds: 1 } } };
function newHome({ onTestFinished }: TestContext, settings: Record<string, unknown> = QUICK_SCANS): Home {
  const home = makeHome(settings);
  onTestFinished(() => home.remove());
  return home;
}

/** Bytes of a tiny model; another seed, other bytes. */
function tinyBytes(seed = 1): Uint8Array {
  return tinyModel({ seed })[0]!.bytes;
}

function run(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/**
 * A folder that lies elsewhere, shown at `at`: its files keep their inodes over a remount, as those
 * of a disk do.
 */
function mount(disk: string, at: string): boolean {
  return run('mount', '--bind', disk, at);
}

/** Lazily: a server that holds a file open must not keep the test from taking the disk away. */
function unmount(at: string): void {
  expect(run('umount', '-l', at)).toBe(true);
}

function mayMount(): boolean {
  const probe = mkdtempSync(join(tmpdir(), 'modelium-mount-'));
  const may = run('mount', '--bind', probe, probe);
  if (may) run('umount', '-l', probe);
  rmSync(probe, { recursive: true, force: true });
  return may;
}

/** Without these root reads and writes everything, whatever the mode says. */
const UNPRIVILEGED = ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-dac_override,-dac_read_search'] as const;

/**
 * How an engine is started that minds file modes; null: this user and this machine have no such
 * way.
 */
function heedingModes(): readonly string[] | null {
  if (process.getuid?.() !== 0) return [];
  const probe = mkdtempSync(join(tmpdir(), 'modelium-mode-'));
  chmodSync(probe, 0);
  const [command, ...args] = UNPRIVILEGED;
  const starts = run(command, ...args, 'true');
  const heeds = starts && !run(command, ...args, 'ls', probe);
  rmSync(probe, { recursive: true, force: true });
  return heeds ? UNPRIVILEGED : null;
}

describe.concurrent('a watch folder that cannot be used is said and survived', () => {
  const through = heedingModes();
  const how = through === null ? 'a path under a file stands in for one without rights' : 'modes are heeded';

  test(`missing, unreadable, not a folder, the system's, read-only (${how})`, async (context) => {
    const home = newHome(context);
    const [good, missing, file, shut] = ['good', 'missing', 'file', 'shut'].map((name) => join(home.root, name)) as [
      string,
      string,
      string,
      string,
    ];
    await writeTinyGguf(good, { name: 'one' });
    writeFileSync(file, 'no folder');
    const unreadable = through === null ? join(file, 'below') : shut;
    await writeTinyGguf(shut, { name: 'hidden' });
    chmodSync(good, 0o555);
    chmodSync(join(good, 'one.gguf'), 0o444);
    if (through !== null) chmodSync(shut, 0);
    const before = [statSync(good).mtimeMs, statSync(join(good, 'one.gguf')).mtimeMs, readdirSync(good)];

    const watch = [good, missing, file, unreadable, '/'];
    const served = await startServe(home, { watch, ...(through === null ? {} : { through }) });
    await served.becomes('one', 'ready');
    expect((await served.predict('one')).status).toBe(200);
    const folders = Object.fromEntries((await served.snapshot()).watchFolders.map(({ path, ok, message }) => [path, { ok, message }]));
    expect(folders[good]?.ok).toBe(true);
    expect(folders[missing]).toEqual({ ok: false, message: `The folder ${missing} is not there.` });
    expect(folders[file]).toEqual({ ok: false, message: `${file} is not a folder.` });
    const noRight = `The folder ${shut} cannot be read: this user lacks the permission.`;
    expect(folders[unreadable]).toEqual({ ok: false, message: through === null ? `${unreadable} is not a folder.` : noRight });
    expect(folders['/']).toEqual({ ok: false, message: '/ belongs to the system: name the file or folder of your models.' });
    // Of those that are not watched nothing else is said.
    expect(served.story()).toContain(`Watching ${good}\n`);
    for (const path of [missing, file, unreadable, '/']) expect(timesIn(served.story(), folders[path]?.message ?? '?')).toBe(1);
    expect((await fetch(`${served.address}/health`)).status).toBe(200);

    // Each of them mended while the engine runs.
    await writeTinyGguf(missing, { name: 'two', seed: 2 });
    await served.becomes('two', 'ready');
    if (through !== null) {
      chmodSync(shut, 0o755);
      await served.becomes('hidden', 'ready');
    }
    expect((await served.snapshot()).watchFolders.find(({ path }) => path === missing)?.ok).toBe(true);
    expect([statSync(good).mtimeMs, statSync(join(good, 'one.gguf')).mtimeMs, readdirSync(good)]).toEqual(before);
    expect(await served.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});

describe.runIf(heedingModes() !== null)('the right to read a file', () => {
  const through = heedingModes() ?? [];

  test('that comes late makes a model of it; that goes is told with its remedy, and the next request has it back', async (context) => {
    const home = newHome(context, {});
    const path = await writeTinyGguf(home.watch, { name: 'm' });
    chmodSync(path, 0);
    const served = await startServe(home, { through });
    const words = `${path} cannot be read: this user lacks the permission (EACCES). \`chmod u+r ${path}\` gives it.`;
    expect((await served.becomes('m', 'blocked')).message).toBe(words);
    chmodSync(path, 0o600);
    await served.becomes('m', 'ready');

    await served.control('POST', '/control/models/m/unload', {});
    chmodSync(path, 0);
    for (const _time of [1, 2]) {
      const refused = await served.predict('m');
      expect(refused.status).toBe(503);
      expect(await refused.json()).toMatchObject({ error: { code: 'model-failed', message: `m could not be loaded: ${words}` } });
    }
    expect((await served.becomes('m', 'failed')).message).toContain(words);
    chmodSync(path, 0o600);
    expect((await served.predict('m')).status).toBe(200);

    // Nobody asks: the scan notices it.
    await served.control('POST', '/control/models/m/unload', {});
    chmodSync(path, 0);
    expect((await served.predict('m')).status).toBe(503);
    chmodSync(path, 0o600);
    await served.becomes('m', 'unloaded');
    expect(await served.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  test('a folder that is converted first names the file; a folder on the way that may not be entered is named', async (context) => {
    const home = newHome(context, { orchestration: { policies: { load: 'on_request' } } });
    const outer = join(home.root, 'outer');
    await writeTinyFolder(join(outer, 'inner', 'whole'));
    const weights = join(outer, 'inner', 'whole', 'model.safetensors');
    const served = await startServe(home, { through });
    await served.control('POST', '/control/library', { path: join(outer, 'inner', 'whole'), load: false });
    await served.becomes('whole', 'unloaded');
    chmodSync(weights, 0);
    expect(await (await served.predict('whole')).json()).toMatchObject({
      error: {
        message: expect.stringContaining(`${weights} cannot be read: this user lacks the permission (EACCES). \`chmod u+r ${weights}\``),
      },
    });
    chmodSync(weights, 0o600);
    chmodSync(join(outer, 'inner'), 0o600);
    await expect(served.control('POST', '/control/plan', { target: join(outer, 'inner', 'other') })).rejects.toThrow(
      `\`chmod u+x ${join(outer, 'inner')}\` gives it`,
    );
    chmodSync(join(outer, 'inner'), 0o700);
    expect(await served.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});

describe.concurrent('a watch folder that goes away and comes back', () => {
  const byMount = mayMount();

  test(`${byMount ? 'unmounted and mounted again' : 'renamed away and back'}: nothing loads, pins and ids stay`, async (context) => {
    const home = newHome(context);
    const disk = join(home.root, 'disk');
    await writeTinyGguf(disk, { name: 'serving' });
    await writeTinyGguf(disk, { name: 'resting', seed: 2 });
    if (!byMount) rmSync(home.watch, { recursive: true });
    const takeAway = () => (byMount ? unmount(home.watch) : renameSync(home.watch, disk));
    if (byMount) context.onTestFinished(() => void run('umount', '-l', home.watch));
    const bringBack = () => (byMount ? expect(mount(disk, home.watch)).toBe(true) : renameSync(disk, home.watch));
    bringBack();

    const first = await startServe(home);
    const { pids } = await first.becomes('serving', 'ready');
    await first.becomes('resting', 'ready');
    for (const name of ['serving', 'resting']) await first.control('POST', `/control/models/${name}/pin`, { pinned: true });
    await first.control('POST', '/control/models/resting/unload', {});
    await first.becomes('resting', 'unloaded');
    const loads = () => timesIn(first.story(), 'Loading ');
    const loadsBefore = loads();
    const asBefore = async (served: Served) =>
      (await served.models())
        .map(({ id, aliases, state, pinned }) => ({ id, aliases, state, pinned }))
        .toSorted((a, b) => (a.id < b.id ? 1 : -1));
    const both = [
      { id: 'serving', aliases: [], state: 'ready', pinned: true },
      { id: 'resting', aliases: [], state: 'unloaded', pinned: true },
    ];
    expect(await asBefore(first)).toEqual(both);

    takeAway();
    await first.says(/is no longer mounted|is not there/);
    expect(await asBefore(first)).toEqual(both);
    expect((await first.predict('serving')).status).toBe(200);
    // Longer than the time in which a vanished name may still turn out to be renamed.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(await asBefore(first)).toEqual(both);
    bringBack();
    await first.says(/is available again/);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await asBefore(first)).toEqual(both);
    expect((await first.model('serving'))?.pids).toEqual(pids);
    expect(loads()).toBe(loadsBefore);
    expect(first.story()).not.toMatch(/ is gone:| is now also called/);

    // The same with a restart in between: known content is not new, whenever its disk comes.
    expect(await first.end('SIGTERM')).toEqual({ code: 0, signal: null });
    takeAway();
    const second = await startServe(home);
    expect(await second.models()).toEqual([]);
    bringBack();
    await second.becomes('serving', 'unloaded');
    await second.becomes('resting', 'unloaded');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await asBefore(second)).toEqual(both.map((model) => ({ ...model, state: 'unloaded' })));
    expect(timesIn(second.story(), 'Loading ')).toBe(0);
    expect((await second.predict('resting')).status).toBe(200);
    expect(await second.end('SIGTERM')).toEqual({ code: 0, signal: null });
    if (byMount) unmount(home.watch);
  });
});

describe.concurrent('files that come, change and go under one engine', () => {
  let home: Home;
  let served: Served;
  const place = (name: string) => join(home.watch, name);

  beforeAll(async () => {
    home = makeHome(QUICK_SCANS);
    served = await startServe(home);
  });

  afterAll(async () => {
    expect(await served.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(home.processes()).toEqual([]);
    await home.remove();
  });

  test.sequential('a slow copy shows its progress, is answered with it, and settles', async () => {
    const bytes = tinyBytes(11);
    const seen: number[] = [];
    const pieces = 6;
    const size = Math.ceil(bytes.length / pieces);
    for (let piece = 0; piece < pieces; piece += 1) {
      appendFileSync(place('slow.gguf'), bytes.subarray(piece * size, (piece + 1) * size));
      if (piece === pieces - 1) break;
      const written = (piece + 1) * size;
      const view = await eventually(`${written} bytes are seen`, async () => {
        const model = await served.model('slow');
        return model?.copy?.bytesPresent === written ? model : null;
      });
      expect(view.state).toBe('settling');
      expect(view.copy?.bytesExpected === null || view.copy?.bytesExpected === bytes.length).toBe(true);
      seen.push(written);
    }
    expect(seen).toHaveLength(pieces - 1);
    await served.becomes('slow', 'ready');
    expect((await served.predict('slow')).status).toBe(200);
  });

  test.sequential('a request to a model that is being copied gets 503 with the percentage', async () => {
    const bytes = tinyBytes(12);
    const most = Math.floor(bytes.length * 0.75);
    writeFileSync(place('half.gguf'), bytes.subarray(0, most));
    await eventually('the size is known', async () => (await served.model('half'))?.copy?.bytesExpected === bytes.length);
    const answer = await served.predict('half');
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringMatching(/7\d %.*model-settling/)]);
    expect(answer.headers.get('retry-after')).not.toBeNull();
    appendFileSync(place('half.gguf'), bytes.subarray(most));
    await served.becomes('half', 'ready');
  });

  test.sequential("a ready model's file is renamed: the old name serves, the new one is an alias, nothing reloads", async () => {
    writeFileSync(place('before.gguf'), tinyBytes(13));
    const { pids } = await served.becomes('before', 'ready');
    renameSync(place('before.gguf'), place('after.gguf'));
    await served.says(/before is now also called after/);
    // An answer that took long to write is kept for a moment.
    await eventually('the new name is told', async () => (await served.model('before'))?.aliases.length === 1);
    const model = await served.model('before');
    expect([model?.id, model?.aliases, model?.state, model?.pids]).toEqual(['before', ['after'], 'ready', pids]);
    expect(model?.path).toBe(place('after.gguf'));
    for (const name of ['before', 'after']) expect((await served.predict(name)).status).toBe(200);
    // Beyond the time in which the old name could still come back.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect((await served.model('after'))?.pids).toEqual(pids);
    expect(timesIn(served.story(), 'Loading before')).toBe(1);
    expect(served.story()).not.toMatch(/(before|after) is gone/);
  });

  test.sequential('changed content under a known name is loaded anew', async () => {
    writeFileSync(place('changing.gguf'), tinyBytes(14));
    const { pids } = await served.becomes('changing', 'ready');
    const old = home.processes().filter(({ pid }) => pids.includes(pid));
    const ask = async () => {
      const answer = await served.predict('changing', { prompt: 'Hello', max_tokens: 12, temperature: 0 });
      return ((await answer.json()) as { text: string }).text;
    };
    const said = await ask();
    writeFileSync(place('new.tmp'), tinyBytes(15));
    renameSync(place('new.tmp'), place('changing.gguf'));
    await eventually('another process serves it', async () => {
      const model = await served.model('changing');
      return model?.state === 'ready' && !pids.some((pid) => model.pids.includes(pid));
    });
    expect(old.filter(isAlive)).toEqual([]);
    expect(await ask()).not.toBe(said);
    expect((await served.models()).filter(({ path }) => path === place('changing.gguf')).map(({ id }) => id)).toEqual(['changing']);
  });

  test.sequential("a ready model's file is removed: it drains, its process ends, its name is unknown", async () => {
    writeFileSync(place('leaving.gguf'), tinyBytes(16));
    const { pids } = await served.becomes('leaving', 'ready');
    const old = home.processes().filter(({ pid }) => pids.includes(pid));
    expect(old).toHaveLength(pids.length);
    rmSync(place('leaving.gguf'));
    await eventually('it is forgotten', async () => (await served.model('leaving')) === undefined);
    expect(old.filter(isAlive)).toEqual([]);
    expect(served.story()).toContain(`leaving is gone: ${place('leaving.gguf')} was removed`);
    expect((await served.predict('leaving')).status).toBe(404);
  });

  test.sequential('partial downloads, Git-LFS pointers and empty files are no models until they are whole', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 123456\n';
    const partial = ['a.gguf.part', 'b.gguf.incomplete', 'c.gguf.tmp', 'd.gguf.aria2', 'e.gguf.crdownload'];
    for (const name of partial) writeFileSync(place(name), tinyBytes(17));
    writeFileSync(place('pointer.gguf'), pointer);
    writeFileSync(place('empty.gguf'), '');
    writeFileSync(place('beside.gguf'), tinyBytes(18));
    // By the time that a file dropped with them is ready, they have been looked at as well.
    await served.becomes('beside', 'ready');
    await eventually('both are looked at', async () => {
      const views = [await served.model('pointer'), await served.model('empty')];
      return views.every((view) => view !== undefined && (view.copy?.missing.length ?? 0) > 0);
    });
    const models = await served.models();
    expect(models.filter(({ id }) => /^[a-e](\.|$)/.test(id)).map(({ id }) => id)).toEqual([]);
    for (const [name, word] of [
      ['pointer', /Git-LFS pointer/],
      ['empty', /still empty/],
    ] as const) {
      const model = models.find(({ id }) => id === name);
      expect(model?.state).toBe('settling');
      expect(model?.copy?.missing.join()).toMatch(word);
      expect((await served.predict(name)).status).toBe(503);
    }
    const { data } = (await (await fetch(`${served.address}/v1/models`)).json()) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toContain('beside');
    expect(data.map(({ id }) => id)).not.toContain('empty');

    renameSync(place('a.gguf.part'), place('a.gguf'));
    writeFileSync(place('pointer.gguf'), tinyBytes(19));
    appendFileSync(place('empty.gguf'), tinyBytes(20));
    for (const name of ['a', 'pointer', 'empty']) await served.becomes(name, 'ready');
    for (const name of partial.slice(1)) rmSync(place(name));
  });

  test.sequential('files that change under an unloaded and a blocked model are new content: it loads', async () => {
    for (const [name, seed] of [
      ['resting', 21],
      ['twice', 22],
    ] as const) {
      writeFileSync(place(`${name}.gguf`), tinyBytes(seed));
      await served.becomes(name, 'ready');
      await served.control('POST', `/control/models/${name}/unload`, {});
      await served.becomes(name, 'unloaded');
    }
    writeFileSync(place('damaged.gguf'), 'GGUF, or so it says');
    await served.becomes('damaged', 'blocked');
    // By design 4 content is known by inode, size and time: another time is other content.
    const later = Date.now() / 1000;
    utimesSync(place('resting.gguf'), later, later);
    writeFileSync(place('twice.gguf'), tinyBytes(23));
    writeFileSync(place('damaged.gguf'), tinyBytes(24));
    for (const name of ['resting', 'twice', 'damaged']) {
      await served.becomes(name, 'ready');
      expect((await served.predict(name)).status).toBe(200);
    }
  });
});

describe.concurrent('a path added by hand', () => {
  test('is served where it lies, remembered over a restart, and forgotten on request', async (context) => {
    const home = newHome(context);
    const elsewhere = join(home.root, 'elsewhere');
    const path = await writeTinyGguf(elsewhere, { name: 'own' });
    const bytes = readFileSync(path);
    const first = await startServe(home);
    await expect(first.control('POST', '/control/library', { path: join(elsewhere, 'nothing.gguf') })).rejects.toThrow(/path-invalid/);
    await expect(first.control('POST', '/control/library', { path: 'own.gguf' })).rejects.toThrow(/path-invalid/);
    for (const system of ['/', '//', '/proc', '/proc/self', '/sys/', '/dev', '/dev/']) {
      await expect(first.control('POST', '/control/library', { path: system })).rejects.toThrow(/belongs to the system/);
      await expect(first.control('POST', '/control/plan', { target: system })).rejects.toThrow(
        /belongs to the system: name .*path-invalid/,
      );
    }
    const leading = join(home.root, 'leading');
    symlinkSync('/', leading);
    await expect(first.control('POST', '/control/library', { path: leading })).rejects.toThrow(/leads to \/, which belongs to the system/);
    await expect(first.control('POST', '/control/plan', { target: leading })).rejects.toThrow(/leads to \/, which belongs to the system/);
    await expect(first.control('POST', '/control/library', { path: '/tmp/a\0b' })).rejects.toThrow(/NUL/);
    expect(await first.control('POST', '/control/library', { path })).toMatchObject({ id: 'own' });
    expect((await first.becomes('own', 'ready')).path).toBe(path);
    expect((await first.predict('own')).status).toBe(200);
    expect([readdirSync(elsewhere), readdirSync(home.watch)]).toEqual([['own.gguf'], []]);
    expect(await first.end('SIGTERM')).toEqual({ code: 0, signal: null });

    const second = await startServe(home);
    expect((await second.becomes('own', 'unloaded')).path).toBe(path);
    expect(timesIn(second.story(), 'Loading ')).toBe(0);
    expect((await second.predict('own')).status).toBe(200);
    expect(await second.control('DELETE', '/control/library/own')).toEqual({ id: 'own' });
    expect(await second.models()).toEqual([]);
    expect(existsSync(path) && readFileSync(path).equals(bytes)).toBe(true);
    expect(await second.end('SIGTERM')).toEqual({ code: 0, signal: null });

    const third = await startServe(home);
    expect(await third.models()).toEqual([]);
    expect(await third.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  test('is still wanted after a restart in the middle of its copy', async (context) => {
    const home = newHome(context);
    const path = join(home.root, 'copied.gguf');
    const bytes = tinyBytes(21);
    const first = await startServe(home);
    writeFileSync(path, bytes.subarray(0, 1000));
    await first.control('POST', '/control/library', { path });
    await first.becomes('copied', 'settling');
    await first.end('SIGKILL');
    const second = await startServe(home);
    await second.becomes('copied', 'settling');
    appendFileSync(path, bytes.subarray(1000));
    await second.becomes('copied', 'ready');
    await second.end('SIGKILL');
    // And it stays so where the copy came to its end while no engine ran.
    writeFileSync(join(home.root, 'late.gguf'), bytes.subarray(0, 1000));
    const third = await startServe(home);
    await third.control('POST', '/control/library', { path: join(home.root, 'late.gguf') });
    await third.becomes('late', 'settling');
    await third.end('SIGKILL');
    writeFileSync(join(home.root, 'late.gguf'), tinyBytes(22));
    const fourth = await startServe(home);
    await fourth.becomes('late', 'ready');
    expect((await fourth.model('copied'))?.state).toBe('unloaded');
    expect(await fourth.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});

function timesIn(text: string, part: string): number {
  return text.split(part).length - 1;
}

test.concurrent('an engine that knows 500 models ends in order when it is told to', async (context) => {
  const home = newHome(context, { orchestration: { policies: { load: 'on_request' } } });
  const bytes = tinyBytes();
  for (let index = 0; index < 500; index += 1) writeFileSync(join(home.watch, `m${index}.gguf`), bytes);
  const served = await startServe(home);
  await eventually('all models are listed', async () => (await served.models()).length === 500);
  expect(existsSync(join(home.state, 'engine.json'))).toBe(true);
  expect(await served.end('SIGTERM')).toEqual({ code: 0, signal: null });
  expect([existsSync(join(home.state, 'engine.json')), home.processes()]).toEqual([false, []]);
});
