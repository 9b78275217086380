import { appendFile, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Library } from '../../main/core/ports.ts';
import { createInspector } from '../../main/io/inspector.ts';
import { llama, writeGguf } from '../core/analyzer/synthetic-gguf.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const workerProgram = new URL('../../main/io/inspect-worker.ts', import.meta.url);
const clock = createVirtualClock();
let root: string;
let inspector: Library & { close(): Promise<void> };

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'modelium-inspector-'));
  inspector = createInspector({ workerProgram, clock });
});
afterEach(async () => {
  await inspector.close();
  await rm(root, { recursive: true, force: true });
});

const look = (path: string, force = false) => inspector.inspect(path, { force, signal: new AbortController().signal });

describe('inspector', () => {
  test('a whole model has a profile; its files are as the disk has them', async () => {
    const path = await writeTinyGguf(root);
    const seen = await look(path);
    expect(seen).toMatchObject({ whole: true, damage: null, unreadable: null, writer: null, profile: { architecture: 'llama' } });
    expect(seen.copy.bytesPresent).toBe(seen.copy.bytesExpected);
  });

  test('a worker that nobody needs ends after a while, and the next look has another one', async () => {
    const path = await writeTinyGguf(root);
    await look(path);
    expect(clock.pending).toBe(1);
    await clock.advance(10_000);
    expect(clock.pending).toBe(0);
    expect((await look(path)).whole).toBe(true);
  });

  test('a copy under way: bytes, and what is missing', async () => {
    const path = join(root, 'm.gguf');
    const whole = writeGguf(llama());
    await writeFile(path, whole.subarray(0, whole.length - 1000));
    expect(await look(path)).toMatchObject({ whole: false, copy: { bytesPresent: whole.length - 1000, bytesExpected: whole.length } });
    await appendFile(path, whole.subarray(whole.length - 1000));
    expect(await look(root)).toMatchObject({ whole: true, copy: { missing: [] } });
  });

  test.runIf(process.platform === 'linux')('a process that holds it open for writing is named; one that reads is not', async () => {
    const path = join(root, 'm.gguf');
    await writeFile(path, writeGguf(llama()));
    const reading = await open(path, 'r');
    expect((await look(path)).writer).toBeNull();
    await reading.close();
    const writing = await open(path, 'r+');
    expect((await look(path)).writer).toMatchObject({ pid: process.pid });
    await writing.close();
  });

  test('a download beside a loose file holds it back', async () => {
    await writeFile(join(root, 'm.gguf'), writeGguf(llama()));
    await writeFile(join(root, 'm.gguf.aria2'), 'x');
    expect(await look(join(root, 'm.gguf'))).toMatchObject({
      whole: false,
      copy: { missing: ['m.gguf: its download is not complete (m.gguf.aria2)'] },
    });
  });

  test('a file that cannot be read says so', async () => {
    await symlink('m.gguf', join(root, 'm.gguf'));
    expect((await look(join(root, 'm.gguf'))).unreadable).toContain('its links go in a circle');
  });

  test('what is not there is missing', async () => {
    expect(await look(join(root, 'nothing'))).toMatchObject({ whole: false, unreadable: null, copy: { missing: ['nothing: not there'] } });
  });

  test('one that is called off rejects at once, and the queue goes on', async () => {
    const path = await writeTinyGguf(root);
    const abort = new AbortController();
    const [first, dropped, last] = [look(path), inspector.inspect(path, { force: false, signal: abort.signal }), look(path)];
    abort.abort();
    await expect(dropped).rejects.toMatchObject({ code: 'cancelled' });
    expect((await first).whole && (await last).whole).toBe(true);
  });

  test('a worker that dies is reported as unreadable, and the next look has another one', async () => {
    const bad = createInspector({ workerProgram: new URL('data:text/javascript,process.exit(1)'), clock });
    for (let round = 0; round < 2; round += 1) {
      const seen = await bad.inspect(root, { force: false, signal: new AbortController().signal });
      expect(seen.unreadable).toContain('could not be looked at');
    }
    expect(clock.pending).toBe(0);
    await bad.close();
  });

  test('a worker that does not answer is given up after two minutes', async () => {
    const stuck = createInspector({ workerProgram: new URL('data:text/javascript,setInterval(() => {}, 1000)'), clock });
    const seen = stuck.inspect(root, { force: false, signal: new AbortController().signal });
    await clock.advance(120_000);
    expect((await seen).unreadable).toContain('120 seconds');
    await stuck.close();
  });
});
