/**
 * The parts of io that need no process: lines, the log, the clock, /proc's and the cgroups' texts.
 */

import { spawn, spawnSync } from 'node:child_process';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createClock } from '../../main/io/clock.ts';
import { readGroupMemory, readOomKills } from '../../main/io/devices/cgroup.ts';
import { createLineRing, createLog, LINES_KEPT } from '../../main/io/log.ts';
import { keepMemorySmall } from '../../main/io/memory.ts';
import { createLineCutter, LONGEST_LINE } from '../../main/io/processes/lines.ts';
import { OomKills } from '../../main/io/processes/oom-kills.ts';
import { parseStat, readStat } from '../../main/io/processes/proc.ts';
import { lineWriter } from '../../main/line-writer.ts';
import { MIB } from '../../shared/units.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

function cut(chunks: readonly string[]): string[] {
  const lines: string[] = [];
  const cutter = createLineCutter((line) => lines.push(line));
  for (const chunk of chunks) cutter.push(chunk);
  cutter.end();
  return lines;
}

describe('the lines of a turn', () => {
  it('are written together, in their order among all that is written', async () => {
    const calls: string[] = [];
    const stream = new Writable({
      write(chunk, _encoding, done) {
        calls.push(String(chunk));
        done();
      },
      writev(chunks, done) {
        calls.push(chunks.map(({ chunk }) => String(chunk)).join(''));
        done();
      },
    });
    const say = lineWriter(stream);
    say('a');
    say('b\n');
    stream.write('c\n');
    await new Promise(setImmediate);
    say('d');
    await new Promise(setImmediate);
    expect(calls).toEqual(['a\nb\nc\n', 'd\n']);
  });

  it('are written if the process ends in that turn', () => {
    const program = new URL('../../main/line-writer.ts', import.meta.url).href;
    const script = `const { lineWriter } = await import('${program}'); const say = lineWriter(process.stdout); say('a'); say('b'); process.exit(3);`;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect([stdout, status]).toEqual(['a\nb\n', 3]);
  });
});

describe('lines', () => {
  it.each([
    ['newlines', ['a\nb\n'], ['a', 'b']],
    ['a line in pieces', ['a', 'b', 'c\nd'], ['abc', 'd']],
    ['progress bars', ['1%\r2%\r3%\n'], ['1%', '2%', '3%']],
    ['Windows ends, split between chunks', ['a\r', '\nb\r\n'], ['a', 'b']],
    ['nothing', ['', '\n\n'], []],
  ])('cuts %s', (_what, chunks, lines) => {
    expect(cut(chunks)).toEqual(lines);
  });

  it('bounds a line that never ends', () => {
    const [line = ''] = cut(Array.from({ length: 100 }, () => 'x'.repeat(1_000)));
    expect(line).toHaveLength(LONGEST_LINE);
    expect(line.endsWith('…')).toBe(true);
  });

  it('cuts the same lines wherever the chunks end', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'bc', '\n', '\r')), fc.integer({ min: 1, max: 5 }), (parts, size) => {
        const text = parts.join('');
        const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size));
        expect(cut(chunks)).toEqual(cut([text]));
      }),
    );
  });
});

describe('log', () => {
  function logged(debug = false) {
    const lines: string[] = [];
    const log = createLog({ write: (line) => lines.push(line), debug, wallTime: () => 0 });
    return { log, printed: () => lines.splice(0).join('\n') };
  }

  it('prints sentences as they are and keeps them with their time', () => {
    const { log, printed } = logged();
    log.say('New model discovered: tiny');
    log.warn('A port is taken.');
    log.error('It broke.', 'because');
    log.debug('unseen');
    expect(printed()).toBe('New model discovered: tiny\nWarning: A port is taken.\nError: It broke. (because)');
    expect(log.lines()[0]).toBe('1970-01-01T00:00:00.000Z New model discovered: tiny');
  });

  it('says a warning once and counts it after', () => {
    const lines: string[] = [];
    let nowMs = 0;
    const log = createLog({ write: (line) => lines.push(line), debug: false, wallTime: () => nowMs });
    for (let time = 0; time < 1_000; time += 1) log.warn('No more watches.');
    log.warn('Another one.');
    nowMs = 60_000;
    log.warn('No more watches.');
    expect(lines).toEqual([
      'Warning: No more watches.',
      'Warning: Another one.',
      'Warning: No more watches. (999 more times since it was last logged)',
    ]);
    expect(log.lines()).toHaveLength(3);
    // A clock that is set back by an hour.
    nowMs -= 3_600_000;
    log.warn('No more watches.');
    expect(lines).toHaveLength(4);
  });

  it('says a hundred warnings of any words in a minute, counts the rest, and has room for errors and all else', () => {
    const lines: string[] = [];
    let nowMs = 1e12;
    const log = createLog({ write: (line) => lines.push(line), debug: false, wallTime: () => nowMs });
    for (let file = 0; file < 10_000; file += 1) log.warn(`File ${file} cannot be read.`);
    log.error('It broke.');
    log.say('A model is ready.');
    expect([lines.length, ...lines.slice(99)]).toEqual([102, 'Warning: File 99 cannot be read.', 'Error: It broke.', 'A model is ready.']);
    nowMs += 60_000;
    log.warn('File 0 cannot be read.');
    expect(lines.slice(102)).toEqual([
      'Warning: 9900 more of these came within a minute, and were left out.',
      'Warning: File 0 cannot be read.',
    ]);
  });

  it('lets no control character of a file name reach the terminal', () => {
    const { log, printed } = logged();
    log.say('New model discovered: a\u001b[2Jb\nc');
    expect(printed()).toBe('New model discovered: a [2Jb c');
  });

  it('cuts a line of megabytes', () => {
    const { log, printed } = logged();
    log.error('It broke.', 'x'.repeat(5_000_000));
    expect(printed()).toMatch(/^Error: It broke\. \(x{9000,10000} …$/);
    expect(log.lines()[0]?.length).toBeLessThan(10_100);
  });

  it('keeps a bounded number of lines, and can be followed', () => {
    const ring = createLineRing();
    const heard: string[] = [];
    const end = ring.follow((line) => heard.push(line));
    for (let line = 0; line < LINES_KEPT * 3; line += 1) ring.push(String(line));
    end();
    ring.push('unheard');
    expect(ring.lines()).toHaveLength(LINES_KEPT);
    expect(ring.lines().at(-1)).toBe('unheard');
    expect(heard).toHaveLength(LINES_KEPT * 3);
  });
});

describe('clock', () => {
  it('waits longer than the longest timer of the system, and can be cancelled', () => {
    vi.useFakeTimers();
    try {
      const called: string[] = [];
      const clock = createClock();
      clock.after(2 ** 31 + 1_000, () => called.push('long'));
      clock.after(10, () => called.push('cancelled'))();
      vi.advanceTimersByTime(2 ** 31 - 1);
      expect(called).toEqual([]);
      vi.advanceTimersByTime(1_001);
      expect(called).toEqual(['long']);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('/proc/PID/stat', () => {
  const tail = '4 5 6 0 -1 4194304 1 0 0 0 150 50 0 0 20 0';
  it.each([
    ['a plain one', `3 (sh) S ${tail} 1 0 999 0`, { pid: 3, parent: 4, group: 5, startTime: 999, cpuMs: 2000, zombie: false }],
    ['a name with brackets and spaces', `3 (a) S b)) R ${tail} 1 0 999 0`, { startTime: 999, zombie: false }],
    ['a zombie', `3 (sh) Z ${tail} 1 0 999 0`, { zombie: true }],
    ['an ended leader whose threads still live', `3 (sh) Z ${tail} 7 0 999 0`, { zombie: false }],
  ])('reads %s', (_what, text, expected) => {
    expect(parseStat(text)).toMatchObject(expected);
  });

  it('reads nothing from nothing', () => {
    expect(parseStat('')).toBeNull();
  });

  it.runIf(process.platform === 'linux')('knows this process', () => {
    expect(readStat(process.pid)).toMatchObject({ pid: process.pid, parent: process.ppid, zombie: false });
  });
});

describe('cgroup memory', () => {
  const v2 = '/sys/fs/cgroup';
  const v1 = '/sys/fs/cgroup/memory';
  it.each<[string, Record<string, string>, unknown]>([
    ['no cgroups', {}, null],
    [
      'version 2 without a limit',
      { '/proc/self/cgroup': '0::/a\n', [`${v2}/a/memory.max`]: 'max\n', [`${v2}/a/memory.current`]: '5' },
      null,
    ],
    [
      'version 2, file cache left out',
      {
        '/proc/self/cgroup': '0::/a\n',
        [`${v2}/a/memory.max`]: '1000\n',
        [`${v2}/a/memory.current`]: '600\n',
        [`${v2}/a/memory.stat`]: 'anon 200\ninactive_file 300\nactive_file 100\n',
      },
      { limitBytes: 1000, usedBytes: 200 },
    ],
    [
      'version 2, the tightest of the parents',
      {
        '/proc/self/cgroup': '0::/a/b\n',
        [`${v2}/a/b/memory.max`]: '1000',
        [`${v2}/a/b/memory.current`]: '100',
        [`${v2}/a/memory.max`]: '500',
        [`${v2}/a/memory.current`]: '450',
      },
      { limitBytes: 500, usedBytes: 450 },
    ],
    [
      'version 2 in a namespace of its own, where the group is the root',
      { '/proc/self/cgroup': '0::/\n', [`${v2}/memory.max`]: '70', [`${v2}/memory.current`]: '7' },
      { limitBytes: 70, usedBytes: 7 },
    ],
    [
      'version 1, whose path is not visible inside the container',
      {
        '/proc/self/cgroup': '4:memory:/outside\n0::/\n',
        [`${v1}/memory.limit_in_bytes`]: '900',
        [`${v1}/memory.usage_in_bytes`]: '400',
        [`${v1}/memory.stat`]: 'total_inactive_file 50\ntotal_active_file 50\n',
      },
      { limitBytes: 900, usedBytes: 300 },
    ],
    [
      'version 1 without a limit',
      {
        '/proc/self/cgroup': '4:memory:/\n',
        [`${v1}/memory.limit_in_bytes`]: '9223372036854771712',
        [`${v1}/memory.usage_in_bytes`]: '400',
      },
      null,
    ],
  ])('%s', (_what, files, expected) => {
    expect(readGroupMemory((path) => files[path] ?? null)).toEqual(expected);
  });
});

describe('processes that the kernel ended for lack of memory', () => {
  const vmstat = { '/proc/vmstat': 'nr_free_pages 9\noom_kill 7\n' };
  it.each([
    [
      'by our own group first',
      {
        ...vmstat,
        '/proc/self/cgroup': '0::/a/b\n',
        '/sys/fs/cgroup/a/b/memory.events': 'oom 3\noom_kill 2\noom_group_kill 0\n',
        '/sys/fs/cgroup/a/memory.events': 'oom_kill 5\n',
      },
      2,
    ],
    [
      'by version 1, whose path is not visible inside the container',
      {
        ...vmstat,
        '/proc/self/cgroup': '4:memory:/outside\n0::/\n',
        '/sys/fs/cgroup/memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 4\n',
      },
      4,
    ],
    ['by the whole machine in the root group', { ...vmstat, '/proc/self/cgroup': '0::/\n' }, 7],
    ['by nobody on a system without either', {}, null],
  ])('are counted %s', (_what, files: Record<string, string>, expected) => {
    expect(readOomKills((path) => files[path] ?? null)).toBe(expected);
  });

  it('count for an end for half a minute to a minute, and only those that came since', () => {
    vi.useFakeTimers();
    try {
      let count: number | null = 3;
      const kills = new OomKills(() => count);
      kills.follow();
      expect(kills.recent()).toBe(false);
      count = 4;
      expect(kills.recent()).toBe(true);
      vi.advanceTimersByTime(30_000);
      expect(kills.recent()).toBe(true);
      vi.advanceTimersByTime(30_000);
      expect(kills.recent()).toBe(false);
      count = null;
      expect(kills.recent()).toBeUndefined();
      kills.stop();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

it("a timer's fault is told, also that of a promise, and ends nothing", async () => {
  const faults: unknown[] = [];
  const clock = createClock((error) => faults.push(error));
  clock.after(0, () => {
    throw new Error('at once');
  });
  const callback: () => unknown = () => Promise.reject(new Error('later'));
  clock.after(0, callback);
  await expect.poll(() => faults.map(String)).toEqual(['Error: at once', 'Error: later']);
});

describe('garbage of a process', () => {
  function keeper() {
    const clock = createVirtualClock();
    const machine = { cpuMs: 0, residentBytes: 100 * MIB, isBusy: false, collections: 0, kind: '' };
    const kept = keepMemorySmall({
      clock,
      cpuMs: () => machine.cpuMs,
      residentBytes: () => machine.residentBytes,
      isBusy: () => machine.isBusy,
      collect: (kind) => {
        machine.collections += 1;
        machine.kind = kind;
        // V8 keeps the pages of what it collects bit by bit.
        if (kind !== 'gradually') machine.residentBytes = 90 * MIB;
      },
    });
    return { clock, machine, kept };
  }

  it('is collected once it is quiet after the start, and again only when the process has grown', async () => {
    const { clock, machine, kept } = keeper();
    machine.cpuMs += 1_000;
    await clock.advance(3_000);
    expect(machine.collections).toBe(0);
    await clock.advance(3_000);
    expect(machine.collections).toBe(1);
    machine.residentBytes += 7 * MIB;
    await clock.advance(60_000);
    expect(machine.collections).toBe(1);
    machine.residentBytes += MIB;
    await clock.advance(3_000);
    expect(machine.collections).toBe(2);
    kept.close();
    expect(clock.pending).toBe(0);
  });

  it('goes soon, also of memory that V8 does not count, though nobody waits for all of it', async () => {
    const program = `
      import { collectGarbage } from ${JSON.stringify(new URL('../../main/io/memory.ts', import.meta.url).href)};
      const gone = new FinalizationRegistry(() => process.exit(7));
      function hold() {
        const memory = new SharedArrayBuffer(1024 * 1024);
        gone.register(memory, null);
        return [memory];
      }
      const held = hold();
      // What is young would go by itself.
      collectGarbage('all');
      setTimeout(() => {
        held.length = 0;
        collectGarbage('gradually');
      });
      setTimeout(() => process.exit(1), 20_000);`;
    // With it V8 would see to an idle process by itself, after seconds.
    const args = ['--no-memory-reducer', '--input-type=module', '--eval', program];
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(7);
  });

  it('counts from the least that the process has held since: a thread that ends after a collection takes its memory along', async () => {
    const { clock, machine } = keeper();
    await clock.advance(3_000);
    machine.residentBytes = 60 * MIB;
    await clock.advance(3_000);
    expect(machine.collections).toBe(1);
    machine.residentBytes = 80 * MIB;
    await clock.advance(3_000);
    expect(machine.collections).toBe(2);
  });

  it('that is much is given back while requests are under way, once a minute, and in steps', async () => {
    const { clock, machine } = keeper();
    await clock.advance(3_000);
    expect(machine).toMatchObject({ collections: 1, kind: 'thorough' });
    machine.isBusy = true;
    machine.residentBytes += 63 * MIB;
    await clock.advance(120_000);
    expect(machine.collections).toBe(1);
    machine.residentBytes += MIB;
    await clock.advance(3_000);
    expect(machine).toMatchObject({ collections: 2, kind: 'gradually' });
    await clock.advance(57_000);
    expect(machine.collections).toBe(2);
    await clock.advance(3_000);
    expect(machine).toMatchObject({ collections: 3, kind: 'gradually' });
    machine.isBusy = false;
    await clock.advance(3_000);
    expect(machine).toMatchObject({ collections: 4, kind: 'thorough', residentBytes: 90 * MIB });
  });

  it('is collected by V8 itself far less often while requests are under way', () => {
    /** After how many rounds of garbage that had grown old V8 makes its first full collection. */
    function roundsUntilFull(keeps: string): number {
      const program = `
        import { constants, PerformanceObserver } from 'node:perf_hooks';
        import { collectGarbage, keepOwnMemorySmall } from ${JSON.stringify(new URL('../../main/io/memory.ts', import.meta.url).href)};
        ${keeps}
        const live = Array.from({ length: 400_000 }, (_, index) => ({ index }));
        collectGarbage();
        let round = 0;
        new PerformanceObserver((list) => {
          if (!list.getEntries().some(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR)) return;
          console.log(round);
          process.exit();
        }).observe({ entryTypes: ['gc'] });
        setInterval(() => {
          round += 1;
          for (let index = 0; index < 6_000; index += 1) live[(round * 6_000 + index) % live.length] = { index, more: [round] };
        }, 2);`;
      const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8', timeout: 30_000 });
      return Number(stdout);
    }
    const byItself = roundsUntilFull('');
    expect(byItself).toBeGreaterThan(0);
    expect(roundsUntilFull('keepOwnMemorySmall({ now: () => 0, after: () => () => {} }, () => true);')).toBeGreaterThan(1.5 * byItself);
  });

  it('waits while a request is under way or the process works', async () => {
    const { clock, machine } = keeper();
    machine.isBusy = true;
    await clock.advance(30_000);
    machine.isBusy = false;
    for (let times = 0; times < 10; times += 1) {
      machine.cpuMs += 100;
      await clock.advance(3_000);
    }
    expect(machine.collections).toBe(0);
    await clock.advance(3_000);
    expect(machine.collections).toBe(1);
  });
});
