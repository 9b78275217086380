/**
 * Work steps behind requests, and works all the same where it may not, or stands further back
 * already.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SESSION_NICE_FILE, stepBehind, stepProgramBehind } from '../../main/core/step-behind.ts';
import { startPreparer } from '../../main/embedded/requests/preparer.ts';
import { createClock } from '../../main/io/clock.ts';
import { blockingDisk } from '../../main/io/files/disk.ts';
import { writerFinder } from '../../main/io/files/writers.ts';
import { pauseInTime } from '../../main/io/pause-in-time.ts';
import { readCode } from '../../main/io/reader/code-files.ts';
import { inspectCandidate } from '../../main/io/reader/inspect.ts';
import { Reader } from '../../main/io/reader/reader.ts';
import { nodeProgram } from '../../main/packaged.ts';
import { MIB } from '../../shared/units.ts';
import { largeHeaderGguf } from '../helpers/large-gguf.ts';

/** Ours that step behind: each with what begins it, and how far. */
const PROGRAMS = [
  ['converter', 'embedded/convert/program.ts', '', 10],
  ['reader', 'io/reader/reader-program.ts', 'program.answerQuestions(() => null);', 10],
  ['preparer', 'embedded/requests/preparer.ts', 'program.answerPreparations(new Promise(() => {}));', 5],
] as const;

/** A system where no process may come forward again: setpriority(2), without CAP_SYS_NICE. */
function system(nice: number) {
  const calls: number[] = [];
  return {
    calls,
    getPriority: () => nice,
    setPriority: (_thread: number, wanted: number) => {
      calls.push(wanted);
      if (wanted < nice) throw Object.assign(new Error('permission denied'), { code: 'EACCES' });
    },
  };
}

describe('stepping behind', () => {
  it('goes back and never forward, and a system that refuses is no error', () => {
    const asked = [0, 4, 5, 10, 19].map((nice) => {
      const os = system(nice);
      stepBehind(os, 5);
      return os.calls;
    });
    expect(asked).toEqual([[5], [5], [], [], []]);
    const refuses = (): never => {
      throw new Error('no such call');
    };
    expect(() => stepBehind({ getPriority: refuses, setPriority: refuses }, 5)).not.toThrow();
  });

  it('steps behind with each thread of a program, and with the caller where the system tells of none', () => {
    const nices = new Map([
      [0, 0],
      [7, 0],
      [8, 12],
      [9, 3],
    ]);
    const os = {
      getPriority: (thread: number) => nices.get(thread) ?? 0,
      setPriority: (thread: number, nice: number) => nices.set(thread, nice),
    };
    const nothing = (): never => {
      throw new Error('ENOENT');
    };
    const files = { readFileSync: nothing, writeFileSync: nothing };
    stepProgramBehind(os, { ...files, readdirSync: () => ['7', '8', '9'] }, 10);
    expect([...nices.values()]).toEqual([0, 10, 12, 10]);
    stepProgramBehind(os, { ...files, readdirSync: nothing }, 10);
    expect([...nices.values()]).toEqual([10, 10, 12, 10]);
  });

  it.runIf(process.platform === 'linux').each(PROGRAMS)('the %s does so with the threads of V8, too', (_name, file, begin, nice) => {
    const script = `
      const program = await import(${JSON.stringify(fileURLToPath(new URL(`../../main/${file}`, import.meta.url)))});
      ${begin}
      const { readdirSync } = await import('node:fs');
      const { getPriority } = await import('node:os');
      console.log(JSON.stringify(readdirSync('/proc/self/task').map((thread) => getPriority(Number(thread)))));
      process.exit();`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
    const nices: readonly number[] = JSON.parse(stdout);
    expect(nices.length).toBeGreaterThan(2);
    expect(new Set(nices)).toEqual(new Set([Math.max(nice, getPriority())]));
  });

  describe.runIf(process.platform === 'linux')('long work of short parts', () => {
    /** How often this thread left the processor of its own accord. */
    const left = (): number => Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[1]);

    /** The same in so much work. */
    async function timesLeft(part: () => unknown): Promise<number> {
      const workedMicros = (): number => process.threadCpuUsage().user + process.threadCpuUsage().system;
      const before = left();
      const endMicros = workedMicros() + 30_000;
      while (workedMicros() < endMicros) await part();
      return left() - before;
    }

    it('gives way again and again, and not at each of them', async () => {
      const without = await timesLeft(() => {});
      let parts = 0;
      const count = await timesLeft(() => {
        parts += 1;
        pauseInTime();
      });
      expect(count).toBeGreaterThan(without + 10);
      expect(count).toBeLessThan(parts / 2);
    });

    it('does so in the reader with each of its ways to ask the disk', async () => {
      const without = await timesLeft(() => statSync('/'));
      const { realpath, stat, lstat, readlink, eachEntry } = blockingDisk;
      const ways = [
        () => realpath('/proc'),
        () => stat('/'),
        () => lstat('/'),
        () => readlink('/proc/self'),
        () => eachEntry('/', () => true),
      ];
      for (const ask of ways) expect(await timesLeft(ask)).toBeGreaterThan(without + 10);
    });

    it('does so while the reader searches all processes for one that writes', async () => {
      let nowMs = 0;
      const findWriter = writerFinder(() => {
        nowMs += 1_000;
        return nowMs;
      });
      const without = await timesLeft(() => statSync('/'));
      expect(await timesLeft(() => findWriter([]))).toBeGreaterThan(without + 10);
    });

    it('does so while the reader reads one long header, or hashes one large file of code', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'modelium-long-'));
      try {
        const [header, code] = [join(folder, 'm.gguf'), join(folder, 'large.py')];
        writeFileSync(header, largeHeaderGguf(300_000));
        writeFileSync(code, '');
        truncateSync(code, 64 * MIB);
        for (const read of [() => inspectCandidate(header, false), () => readCode(folder, ['large.py'], () => {})]) {
          const counts: number[] = [];
          for (let time = 0; time < 3; time += 1) {
            const before = left();
            await read();
            counts.push(left() - before);
          }
          // A collection waits now and then, too.
          expect(Math.min(...counts)).toBeGreaterThan(10);
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });

  // Whoever runs the tests as root may come forward: that right is given up first.
  it.runIf(process.platform === 'linux')('with `nice -n 12` each of our programs and threads starts, and stays there', () => {
    const ours = (name: string) => JSON.stringify(new URL(`../../main/${name}`, import.meta.url).href);
    const script = `
      import os from 'node:os';
      import { Worker } from 'node:worker_threads';
      const reader = await import(${ours('io/reader/reader-program.ts')});
      reader.answerQuestions(() => null);
      const preparer = await import(${ours('embedded/requests/preparer.ts')});
      preparer.answerPreparations(new Promise(() => {}));
      await import(${ours('embedded/convert/program.ts')});
      for (const program of [${['io/large-json-program.ts', 'io/images/image-program.ts', 'io/settings/settings-program.ts'].map(ours)}]) {
        const worker = new Worker(new URL(program), { execArgv: [] });
        await new Promise((resolve, reject) => worker.on('error', reject).on('message', resolve).postMessage({ id: 1, content: { bytes: new Uint8Array(1), bounds: {}, images: [], tensor: { shape: [] }, input: {} } }));
        await worker.terminate();
      }
      console.log('all work at', os.getPriority());
      process.exit();
    `;
    const node = [process.execPath, '--input-type=module', '--eval', script];
    const niced = ['nice', '-n', '12', ...node];
    const [program = '', ...args] = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-sys_nice', ...niced] : niced;
    const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: fileURLToPath(new URL('../..', import.meta.url)) });
    expect(stderr.replaceAll(/\(node:\d+\) .*Warning.*\n?.*\n?/g, '')).toBe('');
    expect(stdout.trim()).toBe(`all work at ${Math.min(19, getPriority() + 12)}`);
  });
});

describe('stepping behind other sessions', () => {
  /** What is written where the kernel says so. */
  function written(stat: string, group: string | null, refuses = false): string[] {
    const texts: string[] = [];
    const readFileSync = (path: string): string => {
      if (path === SESSION_NICE_FILE && group === null) throw new Error('ENOENT');
      return path === SESSION_NICE_FILE ? group! : stat;
    };
    const writeFileSync = (_path: string, text: string): void => {
      if (refuses) throw Object.assign(new Error('too soon'), { code: 'EAGAIN' });
      texts.push(text);
    };
    stepProgramBehind(system(19), { readFileSync, writeFileSync, readdirSync: () => [] }, 10);
    return texts;
  }

  it('goes back and never forward, and only for who leads the session', () => {
    const leads = '7 (a) S 1) R 3 7 7 0 -1';
    expect(written(leads, '/autogroup-5 nice 0\n')).toEqual(['10']);
    expect(written(leads, '/autogroup-5 nice -5\n')).toEqual(['10']);
    expect(written(leads, '/autogroup-5 nice 15\n')).toEqual([]);
    expect(written('7 (node) R 3 7 3 0 -1', '/autogroup-5 nice 0\n')).toEqual([]);
    expect(written(leads, '')).toEqual([]);
    expect(written(leads, null)).toEqual([]);
    expect(written(leads, '/autogroup-5 nice 0\n', true)).toEqual([]);
  });

  // Only root may set one right after somebody else did.
  it.runIf(existsSync(SESSION_NICE_FILE) && process.getuid?.() === 0).each(PROGRAMS)(
    'the %s does, within its fences',
    (_name, file, begin, nice) => {
      const script = `
      const program = await import(${JSON.stringify(fileURLToPath(new URL(`../../main/${file}`, import.meta.url)))});
      ${begin}
      const { readFileSync } = await import('node:fs');
      console.log(readFileSync(${JSON.stringify(SESSION_NICE_FILE)}, 'utf8'));
      process.exit();`;
      const fences = ['--permission', '--allow-fs-read=*', `--allow-fs-write=${SESSION_NICE_FILE}`];
      const { stdout } = spawnSync('setsid', [process.execPath, ...fences, '--input-type=module', '--eval', script], { encoding: 'utf8' });
      expect(stdout).toContain(` nice ${nice}\n`);
    },
  );

  describe.runIf(process.platform === 'linux')('leads a session of its own', () => {
    let folder: string;
    let program: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'modelium-session-'));
      program = join(folder, 'program.mjs');
      // Says its pid and its session.
      const said = "const [pid, , , , , session] = fs.readFileSync('/proc/self/stat', 'utf8').replace(/\\(.*\\)/s, '()').split(' ');";
      const lines = [
        "import fs from 'node:fs';",
        said,
        "process.on('message', () => process.send({ kind: 'done', answer: [pid, session] }));",
      ];
      writeFileSync(program, lines.join('\n'));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    it('the reader', async () => {
      const reader = new Reader({ node: nodeProgram(), program, clock: createClock(), isBusy: () => false });
      const asked = reader.ask('inspect', { path: folder, force: false, readAs: null }, new AbortController().signal);
      const [pid, session] = (await asked) as unknown as readonly [string, string];
      expect(session).toBe(pid);
      await reader.close();
    });

    it('the preparer', async () => {
      const child = startPreparer(program, 1, []);
      child.send({});
      const [{ answer }] = (await once(child, 'message')) as [{ answer: readonly [string, string] }];
      expect(answer[1]).toBe(answer[0]);
      child.kill('SIGKILL');
    });
  });
});
