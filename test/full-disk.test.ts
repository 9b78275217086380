/**
 * An engine whose disk fills up under it: settings, state, watch folder and cache lie on a file
 * system of a few megabytes.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from './helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { writeTinyFolder } from './helpers/tiny-folder.ts';

const SIZE = '12m';
const temporary = tmpdir();
const disk = mkdtempSync(join(temporary, 'modelium-disk-'));

/** Only root may, and not in every container. */
function mounted(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', disk], { stdio: 'ignore' });
    return true;
  } catch {
    rmSync(disk, { recursive: true });
    return false;
  }
}

/** Takes every byte that is left. */
function fill(): void {
  const descriptor = openSync(join(disk, 'filler'), 'w');
  try {
    for (const size of [65_536, 1]) {
      const piece = Buffer.alloc(size);
      try {
        for (;;) writeSync(descriptor, piece);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'ENOSPC' });
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

describe.skipIf(!mounted())('a disk that is full: needs root, to mount a small one', () => {
  let live: LiveEngine;
  const config = () => join(live.folder, 'modelium.yaml');
  beforeAll(async () => {
    process.env['TMPDIR'] = disk;
    live = await startLiveEngine({ settings: { gpus: { use: 'none' }, host: { reserve_mb: 0 } } });
    await live.drop('tiny');
    await live.comesTo('tiny', 'ready', 60_000);
    await writeTinyFolder(join(live.watch, 'folder'));
    fill();
  });
  afterAll(async () => {
    await live?.close();
    process.env['TMPDIR'] = temporary;
    // A child that ends a moment later may still have a file open there.
    await eventually('nobody uses the disk', () => spawnSync('umount', [disk]).status === 0);
    rmSync(disk, { recursive: true });
  });

  async function edit(value: number) {
    const { json } = await live.control('GET', '/control/settings');
    const changes = [{ path: ['api', 'max_body_mb'], value }];
    return live.control('POST', '/control/settings', { revision: json.revision, changes });
  }
  const upload = () =>
    fetch(`${live.address}/control/library/upload?name=sent.gguf`, {
      method: 'POST',
      headers: { authorization: `Bearer ${live.engine.token}` },
      body: Buffer.alloc(100_000, 1),
    });

  test('what is loaded is served on, and loaded again', async () => {
    expect((await live.predict('tiny')).status).toBe(200);
    await live.control('POST', '/control/models/tiny/unload', {});
    expect((await live.predict('tiny')).status).toBe(200);
  });

  test('an edit of the settings is refused by name, and the file is as it was', async () => {
    const before = readFileSync(config(), 'utf8');
    const edited = await edit(32);
    expect([edited.status, edited.json.error.code]).toEqual([503, 'settings-unwritable']);
    expect(readFileSync(config(), 'utf8')).toBe(before);
    expect(readdirSync(live.folder).filter((name) => name.includes('yaml'))).toEqual(['modelium.yaml']);
  });

  test('an upload is refused by name, and leaves nothing', async () => {
    const answer = await upload();
    expect([answer.status, await answer.text()]).toEqual([507, expect.stringContaining('has no room for sent.gguf')]);
    expect(readdirSync(live.watch).toSorted()).toEqual(['folder', 'tiny.gguf']);
  });

  test('a conversion is refused by name, and leaves nothing', async () => {
    const { message } = await live.comesTo('folder', 'failed');
    expect(message).toContain('make room there, or set cache.folder to another disk');
    expect(readdirSync(join(live.folder, 'cache'), { recursive: true }).filter((name) => String(name).includes('.gguf'))).toEqual([]);
  });

  test('once there is room, all of it works', async () => {
    rmSync(join(disk, 'filler'));
    expect((await edit(32)).status).toBe(200);
    expect(readFileSync(config(), 'utf8')).toContain('32');
    expect((await upload()).status).toBe(200);
    const before = (await live.control('GET', '/control/decisions?limit=50')).json.decisions.length;
    await live.control('POST', '/control/models/tiny/unload', {});
    expect((await live.predict('tiny')).status).toBe(200);
    expect((await live.control('GET', '/control/decisions?limit=50')).json.decisions.length).toBeGreaterThan(before);
    expect((await live.ask('GET', '/health')).status).toBe(200);
  });
});
