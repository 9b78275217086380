import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, open, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Library } from '../../main/core/ports.ts';
import { readStat, readText } from '../../main/io/processes/proc.ts';
import { inspectAgain } from '../../main/io/reader/inspect.ts';
import { createInspector } from '../../main/io/reader/ports.ts';
import { Reader } from '../../main/io/reader/reader.ts';
import { nodeProgram } from '../../main/packaged.ts';
import { llama, writeGguf } from '../core/analyzer/synthetic-gguf.ts';
import { writeSafetensors } from '../core/analyzer/synthetic-safetensors.ts';
import { BUILT_READER } from '../helpers/built-app.ts';
import { eventually } from '../helpers/eventually.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const program = BUILT_READER;
const clock = createVirtualClock();
let root: string;
let reader: Reader;
let inspector: Library;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'modelium-inspector-'));
  reader = new Reader({ node: nodeProgram(), program, clock, isBusy: () => false });
  inspector = createInspector(reader);
});
afterEach(async () => {
  await reader.close();
  await rm(root, { recursive: true, force: true });
});

/** A reader that runs another program; each start of it is a line in `starts`. */
async function readerOf(source: string, isBusy = () => false): Promise<{ reader: Reader; starts(): Promise<number> }> {
  const [made, log] = [join(root, 'program.mjs'), join(root, 'starts')];
  await writeFile(made, `${source}`);
  await writeFile(log, '');
  const command = join(root, 'node');
  await writeFile(command, `#!/bin/sh\necho started >> '${log}'\nexec '${process.execPath}' "$@"\n`, { mode: 0o755 });
  const node = { ...nodeProgram(), command };
  const reader = new Reader({ node, program: made, clock, isBusy });
  return { reader, starts: async () => (await readFile(log, 'utf8')).split('\n').length - 1 };
}

const never = new AbortController().signal;

const look = (path: string, force = false) => inspector.inspect(path, { force, signal: never });

describe('inspector', () => {
  test.each([
    ['as long as each took', false, 7],
    ['while a request is under way for a while longer', true, 27],
  ])('between many questions it rests %s', async (_what, isBusy, restMs) => {
    const computes = 'const end = performance.now() + 8; while (performance.now() < end);';
    const { reader: made } = await readerOf(
      `process.on('message', () => { ${computes} process.send({ kind: 'done', answer: null }); });`,
      () => isBusy,
    );
    const ask = () => made.ask('inspect', { path: root, force: false, readAs: null }, never);
    await ask();
    const startMs = performance.now();
    await Promise.all(Array.from({ length: 12 }, ask));
    // Twelve answers and eleven rests, and no slow machine makes it less.
    expect(performance.now() - startMs).toBeGreaterThan(12 * 8 + 11 * restMs);
    await made.close();
  });

  test('who leaves with many questions at once has no process started for each of them', async () => {
    const { reader: made, starts } = await readerOf("process.on('message', () => {});");
    const abort = Array.from({ length: 50 }, () => new AbortController());
    const asked = abort.map(({ signal }) => made.ask('inspect', { path: root, force: false, readAs: null }, signal));
    await eventually('the first is asked', async () => (await starts()) === 1);
    for (const one of abort) one.abort();
    expect((await Promise.allSettled(asked)).every(({ status }) => status === 'rejected')).toBe(true);
    await made.close();
    expect(await starts()).toBe(1);
  });

  test('a whole model has a profile; its files are as the disk has them', async () => {
    const path = await writeTinyGguf(root);
    const seen = await look(path);
    expect(seen).toMatchObject({ whole: true, damage: null, unreadable: null, writer: null, profile: { architecture: 'llama' } });
    expect(seen.copy.bytesPresent).toBe(seen.copy.bytesExpected);
  });

  test('files that are still the same are not read again, but who writes to them is asked', async () => {
    const path = await writeTinyGguf(root);
    let last = await look(path);
    const again = (force = false) => inspector.inspect(path, { force, last, signal: never });
    // Of a file that changed within the last step of its file system's time one cannot be sure.
    await eventually('it can be told from others', async () => {
      last = await look(path);
      return last.readAs !== undefined;
    });
    const same = await again();
    expect(same).toEqual(last);
    // What was handed over once more would be a copy.
    expect(same.profile).toBe(last.profile);
    expect((await again(true)).profile).not.toBe(last.profile);
    if (process.platform === 'linux') {
      const writing = await open(path, 'r+');
      await eventually('the one that writes is named', async () => (await again()).writer?.pid === process.pid);
      expect((await again()).profile).toBe(last.profile);
      await writing.close();
    }
    await appendFile(path, 'more');
    const grown = await again();
    expect(grown.files[0]?.bytes).toBe((last.files[0]?.bytes ?? 0) + 4);
    expect(grown.profile).not.toBe(last.profile);
  });

  test.each<[string, (gguf: Buffer) => Buffer]>([
    ['not complete', (gguf) => gguf.subarray(0, gguf.length - 1_000)],
    ['damaged', (gguf) => gguf.fill(0xff, 8, 16)],
  ])('a file that is %s is read each time', async (_what, changed) => {
    const path = join(root, 'm.gguf');
    await writeFile(path, changed(Buffer.from(writeGguf(llama()))));
    await new Promise((resolve) => setTimeout(resolve, 30));
    const seen = await look(path);
    expect(seen.damage !== null || !seen.whole).toBe(true);
    expect(seen).not.toHaveProperty('readAs');
  });

  test.runIf(process.platform === 'linux')('a file that somebody holds open for writing is read each time', async () => {
    const path = await writeTinyGguf(root);
    const writing = await open(path, 'r+');
    await new Promise((resolve) => setTimeout(resolve, 30));
    const seen = await look(path);
    expect(seen).toMatchObject({ whole: true, writer: { pid: process.pid } });
    expect(seen).not.toHaveProperty('readAs');
    await writing.close();
  });

  test('a file that changed within a step of its time is read again', async () => {
    const path = await writeTinyGguf(root);
    const { mtimeMs, ctimeMs } = await stat(path);
    const changedMs = Math.max(mtimeMs, ctimeMs);
    const wallTime = vi.spyOn(Date, 'now');
    try {
      for (const [ms, isTold] of [
        [5, false],
        [changedMs % 1_000 === 0 ? 3_000 : 50, true],
      ] as const) {
        wallTime.mockReturnValue(changedMs + ms);
        expect('readAs' in (await inspectAgain(path, false, null, () => null))).toBe(isTold);
      }
    } finally {
      wallTime.mockRestore();
    }
  });

  test('a reader that nobody needs ends after a while, and the next look has another one', async () => {
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
    // A search of the processes serves for some milliseconds.
    await eventually('the one that writes is named', async () => (await look(path)).writer?.pid === process.pid);
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

  test('a reader that dies of a file is tried once more, then the file is unreadable; the next look has another one', async () => {
    const { reader: dying, starts } = await readerOf('process.on("message", () => process.kill(process.pid, "SIGSEGV"));');
    const bad = createInspector(dying);
    for (let round = 1; round <= 2; round += 1) {
      const seen = await bad.inspect(root, { force: false, signal: never });
      expect(seen.unreadable).toBe(`${root} could not be inspected: The files could not be read: their reader ended (signal SIGSEGV).`);
      expect(await starts()).toBe(round * 2);
    }
    expect(clock.pending).toBe(0);
    await dying.close();
  });

  test('names of megabytes come back short; thousands of names are no model', async () => {
    const [long, many] = [join(root, 'long'), join(root, 'many')];
    for (const [folder, config] of [
      [long, { architectures: ['X'.repeat(9_000_000)], quantization_config: { quant_method: 'Q'.repeat(5_000_000) } }],
      [many, { architectures: ['LlamaForCausalLM'] }],
    ] as const) {
      await mkdir(folder);
      await writeFile(join(folder, 'config.json'), JSON.stringify(config));
      await writeFile(join(folder, 'tokenizer.json'), '{"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}');
    }
    await writeFile(join(long, 'model.safetensors'), writeSafetensors());
    const types = Array.from({ length: 1_000 }, (_, at) => [`w${at}`, [`${'T'.repeat(3_000)}${at}`, [1]]] as const);
    await writeFile(join(many, 'model.safetensors'), writeSafetensors(Object.fromEntries(types)));
    const seen = await look(long);
    expect(seen.profile?.architecture).toMatch(/^X+ … X+$/);
    expect(JSON.stringify(seen).length).toBeLessThan(20_000);
    const other = await look(many);
    expect(JSON.stringify(other).length).toBeLessThan(20_000);
    expect(other.damage).toContain('more about the model than any model');
  });

  test('a death that was not the fault of the files goes unnoticed', async () => {
    const once = `
      import { existsSync, readFileSync } from 'node:fs';
      const starts = readFileSync(new URL('starts', import.meta.url), 'utf8').split('\\n').length - 1;
      process.on('message', () => (starts === 1 ? process.abort() : process.send({ kind: 'done', answer: { whole: true } })));`;
    const { reader: flaky } = await readerOf(once);
    expect(await createInspector(flaky).inspect(root, { force: false, signal: never })).toEqual({ whole: true });
    await flaky.close();
  });

  test('one that does not answer is given up after two minutes', async () => {
    const { reader: silent } = await readerOf('setInterval(() => {}, 1000)');
    const seen = createInspector(silent).inspect(root, { force: false, signal: never });
    await clock.advance(120_000);
    expect((await seen).unreadable).toContain('120 seconds');
    await silent.close();
  });

  test('it may read, and nothing else: no writing, no program, no thread', async () => {
    const tries = `
      import { writeFileSync } from 'node:fs';
      import { spawnSync } from 'node:child_process';
      import { Worker } from 'node:worker_threads';
      const codeOf = (work) => { try { work(); return 'done'; } catch (error) { return error.code; } };
      process.on('message', () => process.send({ kind: 'done', answer: [
        codeOf(() => writeFileSync(new URL('written', import.meta.url), 'x')),
        codeOf(() => spawnSync('true')),
        codeOf(() => new Worker('1', { eval: true })),
      ] }));`;
    const { reader: fenced } = await readerOf(tries);
    expect(await createInspector(fenced).inspect(root, { force: false, signal: never })).toEqual([
      'ERR_ACCESS_DENIED',
      'ERR_ACCESS_DENIED',
      'ERR_ACCESS_DENIED',
    ]);
    await fenced.close();
  });

  test.runIf(process.platform === 'linux')('it ends with who asked: one that is killed leaves none behind', async () => {
    const path = join(root, 'asks.mjs');
    await writeFile(
      path,
      `import { Reader } from ${JSON.stringify(new URL('../../main/io/reader/reader.ts', import.meta.url).href)};
       setInterval(() => {}, 1000);
       const clock = { after: () => () => {} };
       const reader = new Reader({ node: { command: process.execPath, args: [], env: {} }, program: new URL(${JSON.stringify(program.href)}), clock, isBusy: () => false });
       await reader.ask('inspect', { path: ${JSON.stringify(root)}, force: false }, new AbortController().signal);
       console.log('asked');`,
    );
    const asking = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(asking.stdout, 'data');
    const children = () => readText(`/proc/${asking.pid}/task/${asking.pid}/children`)?.trim().split(' ').map(Number) ?? [];
    const left = children();
    expect(left).toHaveLength(1);
    asking.kill('SIGKILL');
    await eventually('the reader is gone', () => left.every((pid) => readStat(pid) === null));
  });
});
