/**
 * nvidia-smi's rows, and how its children are followed: with a virtual clock and children that a
 * test makes speak.
 */
import { describe, expect, it } from 'vitest';
import type { Log } from '../../main/core/ports.ts';
import type { Exit, LaunchedProcess, LaunchRequest } from '../../main/core/process-ports.ts';
import { createGpuProbe } from '../../main/io/devices/gpu.ts';
import { bytesByPid, parseGpuRow, parseProcessRow } from '../../main/io/devices/gpu-rows.ts';
import { MIB } from '../../shared/units.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

/** As nvidia-smi writes a time, in UTC. */
const dated = (wallMs: number) => new Date(wallMs).toISOString().replaceAll('-', '/').replace('T', ' ').replace('Z', '');
/** Longer ago than a row can lie in a pipe. */
const OLD = '2020/01/02 03:04:05.678';
const gpuRow = (index: number, used: number, name = 'NVIDIA H200', date = OLD) =>
  `${date}, ${index}, GPU-${index}, ${name}, 00000000:01:00.0, 570.10, 1000, 100, ${used}, 50, 40, 123.45, 9.0`;

describe('rows', () => {
  it('reads a GPU; what the driver keeps for itself is no memory to have', () => {
    expect(parseGpuRow(gpuRow(1, 300))).toEqual({
      readAtMs: Date.UTC(2020, 0, 2, 3, 4, 5, 678),
      uuid: 'GPU-1',
      index: 1,
      driverVersion: '570.10',
      device: {
        id: 'GPU-1',
        kind: 'gpu',
        index: 1,
        name: 'NVIDIA H200',
        simulated: false,
        totalBytes: 900 * MIB,
        usedBytes: 300 * MIB,
        utilizationRatio: 0.5,
        powerWatts: 123.45,
        temperatureCelsius: 40,
        computeCapability: '9.0',
      },
    });
  });

  it.each([
    [
      'missing sensors',
      '[N/A], 0, GPU-0, A, b, 1, 10, [N/A], 2, [N/A], [Unknown Error], [Not Supported], [N/A]',
      { usedBytes: 2 * MIB, totalBytes: 10 * MIB },
    ],
    ['a name with a comma', gpuRow(0, 1, 'A, B'), { name: 'A, B' }],
    ['a simulated one', gpuRow(0, 1, 'Simulated X'), { simulated: true }],
  ])('reads %s', (_what, line, expected) => {
    expect(parseGpuRow(line)?.device).toMatchObject(expected);
  });

  it.each([
    'No devices were found',
    '',
    `${OLD}, 0, GPU-0, GB10, b, 1, [N/A], [N/A], [N/A], 0, 30, 5, 12.1`,
    `${OLD}, 0, [GPU requires reset], x`,
  ])('reads no GPU from %j', (line) => {
    expect(parseGpuRow(line)).toBeNull();
  });

  it.each([
    ['[N/A], GPU-0, 12, /usr/bin/blender, 300', { readAtMs: null, uuid: 'GPU-0', pid: 12, name: 'blender', bytes: 300 * MIB }],
    ['[N/A], GPU-0, 12, C:\\Tools\\a, b.exe, 300', { readAtMs: null, uuid: 'GPU-0', pid: 12, name: 'a, b.exe', bytes: 300 * MIB }],
    ['[N/A], GPU-0, 12, [Not Found], [N/A]', { readAtMs: null, uuid: 'GPU-0', pid: 12, name: null, bytes: null }],
    ['[N/A], GPU-0, 12, [Insufficient Permissions], 1', { readAtMs: null, uuid: 'GPU-0', pid: 12, name: null, bytes: MIB }],
    ['No running processes found', null],
  ])('reads the process row %j', (line, expected) => {
    expect(parseProcessRow(line)).toEqual(expected);
  });

  const sees = { everMatched: true, contained: false };
  const row = (pid: number, bytes: number | null) => ({ readAtMs: null, uuid: 'GPU-0', pid, name: null, bytes });
  it.each([
    [
      'adds up what one process holds',
      [row(1, 5), row(1, 6), row(2, 1)],
      sees,
      false,
      [
        [1, 11],
        [2, 1],
      ],
    ],
    ['is empty when nobody holds any', [], sees, false, []],
    ['is empty on a fresh box of our own', [], { everMatched: false, contained: false }, false, []],
    ['is unknown where the driver hides it', [row(1, null)], sees, false, null],
    ['is unknown where its pids are of another namespace', [row(1, 5)], { everMatched: false, contained: false }, false, null],
    ['is unknown in a container that shows nobody', [], { everMatched: false, contained: true }, false, null],
    ['is known in a container of a simulated box', [], { everMatched: false, contained: true }, true, []],
  ] as const)('%s', (_what, rows, sight, simulated, expected) => {
    const byPid = bytesByPid('GPU-0', simulated, rows, sight);
    expect(byPid === null ? null : [...byPid]).toEqual(expected);
  });
});

// ---- following ----------------------------------------------------------------------------------

interface Child {
  readonly args: readonly string[];
  say(...lines: string[]): void;
  exit(exit?: Partial<Exit>): void;
}

/**
 * A machine whose nvidia-smi children speak when the test says so. One-shot calls answer at once
 * from `gpus` and `rows`.
 */
function machine(gpus: { rows: string[] | Error }, processes: { rows: string[] } = { rows: [] }) {
  const clock = createVirtualClock();
  const warnings: string[] = [];
  const followed: Child[] = [];
  const calls: string[] = [];
  const environments: Readonly<Record<string, string>>[] = [];
  const byPid = new Map<number, () => void>();
  let pid = 100;

  function launch(request: LaunchRequest): Promise<LaunchedProcess> {
    environments.push(request.env);
    const isGpus = request.args[0]?.startsWith('--query-gpu') === true;
    if (gpus.rows instanceof Error) return Promise.reject(gpus.rows);
    const listeners: Array<(line: string) => void> = [];
    let exit: (exit: Exit) => void = () => {};
    const exited = new Promise<Exit>((resolve) => {
      exit = resolve;
    });
    const mine = ++pid;
    byPid.set(mine, () => exit({ code: null, signal: 'SIGKILL' }));
    const launched: LaunchedProcess = {
      pid: mine,
      exited,
      onLine: (listener) => {
        listeners.push(listener);
        if (request.args.includes('-lms')) return;
        for (const line of isGpus ? (gpus.rows as string[]) : processes.rows) listener(line);
        exit({ code: 0, signal: null });
      },
      send: () => {},
      onMessage: () => {},
    };
    if (request.args.includes('-lms')) {
      followed.push({
        args: request.args,
        say: (...lines) => {
          for (const line of lines) for (const listener of listeners) listener(line);
        },
        exit: (how) => exit({ code: 0, signal: null, ...how }),
      });
    } else calls.push(isGpus ? 'gpus' : 'processes');
    return Promise.resolve(launched);
  }

  const log: Log = { say: () => {}, warn: (sentence) => void warnings.push(sentence), error: () => {}, debug: () => {} };
  const probe = createGpuProbe({
    command: null,
    clock,
    log,
    contained: false,
    processes: {
      launch,
      identify: (of) => (byPid.has(of) || of < 100 ? { pid: of, startTime: 1, bootId: '' } : null),
      signal: (identities) => {
        for (const { pid: of } of identities) byPid.get(of)?.();
      },
    },
  });
  const readings: number[][] = [];
  probe.onReading(() => readings.push(probe.last().devices.map((device) => device.usedBytes / MIB)));
  return { clock, warnings, followed, calls, environments, probe, readings };
}

describe('following', () => {
  it('cuts the stream into readings of all GPUs', async () => {
    const { probe, followed, readings, clock } = machine({ rows: [gpuRow(0, 1), gpuRow(1, 2)] });
    expect(await probe.start()).toMatchObject({ found: true, message: '2 × NVIDIA H200, driver 570.10' });
    await clock.advance(0);
    expect(followed[0]?.args).toContain('1000');
    followed[0]?.say(gpuRow(0, 3), gpuRow(1, 4), gpuRow(0, 5));
    expect(readings).toEqual([[3, 4]]);
    followed[0]?.say(gpuRow(1, 6));
    expect(readings.at(-1)).toEqual([5, 6]);
    await probe.close();
  });

  it('tells processes of the last list, and asks by itself whether silence means that nobody is left', async () => {
    const processes = { rows: [`${OLD}, GPU-0, 7, blender, 30`] };
    const { probe, followed, calls, clock } = machine({ rows: [gpuRow(0, 30)] }, processes);
    await probe.start();
    await clock.advance(0);
    followed[1]?.say(`${OLD}, GPU-0, 7, blender, 40`);
    await clock.advance(600);
    const held = () => [...(probe.last().devices[0]?.byPid ?? [])];
    expect(held()).toEqual([[7, 40 * MIB]]);
    processes.rows = [];
    const before = calls.length;
    for (let second = 0; second < 5; second += 1) {
      await clock.advance(1_000);
      followed[0]?.say(gpuRow(0, 0));
      await clock.advance(0);
    }
    expect(held()).toEqual([]);
    expect(calls.slice(before)).toEqual(['gpus', 'processes']);
    await probe.close();
  });

  it('never takes what was read before a call began for newer than its answer, however late it comes', async () => {
    const gpus = { rows: [gpuRow(0, 30)] };
    const processes = { rows: [`${OLD}, GPU-0, 7, blender, 30`] };
    const { probe, followed, clock, environments } = machine(gpus, processes);
    await probe.start();
    await clock.advance(5_000);
    // What held the memory has ended; the rows of before lie in the pipe.
    const late = clock.wallTime() - 20;
    gpus.rows = [gpuRow(0, 0)];
    processes.rows = [];
    await probe.readNow();
    followed[0]?.say(gpuRow(0, 30, undefined, dated(late)));
    followed[1]?.say(`${dated(late)}, GPU-0, 7, blender, 30`);
    await clock.advance(600);
    const told = () => probe.last().devices.map(({ usedBytes, byPid }) => [usedBytes / MIB, byPid?.size]);
    expect(told()).toEqual([[0, 0]]);
    expect(probe.last().atMs).toBe(5_000);
    // Newer ones count from when they were read.
    followed[0]?.say(gpuRow(0, 5, undefined, dated(clock.wallTime() - 100)));
    expect([told(), probe.last().atMs]).toEqual([[[5, 0]], 5_500]);
    // A clock that was set tells nothing.
    for (const date of [dated(clock.wallTime() - 3_600_000), dated(clock.wallTime() + 3_600_000), '[N/A]']) {
      await clock.advance(100);
      followed[0]?.say(gpuRow(0, 6, undefined, date));
      expect(probe.last().atMs).toBe(clock.now());
    }
    expect(new Set(environments.map(({ TZ }) => TZ))).toEqual(new Set(['UTC0']));
    await probe.close();
  });

  it('keeps the last reading while its children die, says so once, and tries again later and later', async () => {
    const { probe, followed, warnings, clock } = machine({ rows: [gpuRow(0, 30)] });
    await probe.start();
    await clock.advance(0);
    const times: number[] = [];
    let seen = 2;
    followed[0]?.exit({ code: 9 });
    for (let second = 0; second < 20; second += 1) {
      await clock.advance(1_000);
      if (followed.length === seen) continue;
      seen = followed.length;
      times.push(clock.now() / 1_000);
      followed.at(-1)?.exit({ code: 9 });
    }
    expect(times).toEqual([1, 3, 7, 15]);
    expect(warnings).toHaveLength(1);
    expect(probe.last().devices).toHaveLength(1);
    await probe.close();
  });

  it('replaces a child that hangs', async () => {
    const { probe, followed, clock } = machine({ rows: [gpuRow(0, 30)] });
    await probe.start();
    await clock.advance(0);
    followed[0]?.say(gpuRow(0, 31));
    await clock.advance(30_000);
    expect(followed.length).toBeGreaterThan(2);
    await probe.close();
    expect(clock.pending).toBe(0);
  });

  it('goes faster while asked to, and slower only after a while', async () => {
    const { probe, followed, clock } = machine({ rows: [gpuRow(0, 30)] });
    await probe.start();
    await clock.advance(0);
    const paces = () => followed.map((child) => child.args.at(-1));
    probe.setFast(true);
    await clock.advance(0);
    expect(paces()).toEqual(['1000', '1000', '200', '200']);
    probe.setFast(false);
    probe.setFast(true);
    await clock.advance(4_000);
    expect(paces()).toHaveLength(4);
    probe.setFast(false);
    await clock.advance(6_000);
    expect(paces().slice(4)).toEqual(['1000', '1000']);
    await probe.close();
  });

  it('shares one-shot readings, and never hands out one that began before it was asked for', async () => {
    const { probe, calls, clock } = machine({ rows: [gpuRow(0, 30)] });
    await probe.start();
    const before = calls.length;
    const first = probe.readNow();
    const [second, third] = [probe.readNow(), probe.readNow()];
    expect(second).toBe(third);
    await Promise.all([first, second, third]);
    expect(calls.slice(before).filter((call) => call === 'gpus')).toHaveLength(2);
    await probe.close();
    expect(clock.pending).toBe(0);
  });
});

describe('no GPUs', () => {
  it('says so where there is no nvidia-smi', async () => {
    const missing = new Error('nvidia-smi could not be started', { cause: { code: 'ENOENT' } });
    const { probe } = machine({ rows: missing });
    expect(await probe.start()).toMatchObject({ found: false, message: expect.stringContaining('no NVIDIA driver') });
    expect((await probe.readNow()).devices).toEqual([]);
  });

  it.each([['No devices were found'], ["NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."]])(
    'passes on its words: %s',
    async (words) => {
      const { probe, followed } = machine({ rows: [words] });
      expect(await probe.start()).toMatchObject({ found: false, message: expect.stringContaining(words) });
      expect(followed).toEqual([]);
    },
  );
});
