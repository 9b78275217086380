/**
 * Real processes: started, watched, found and ended. Programs are /bin/sh, sleep and node: what
 * every machine of ours has.
 */
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { LaunchedProcess, LaunchRequest } from '../../main/core/process-ports.ts';
import { OomKills } from '../../main/io/processes/oom-kills.ts';
import { createProcesses } from '../../main/io/processes/processes.ts';
import { eventually } from '../helpers/eventually.ts';

const processes = createProcesses();
const launched: LaunchedProcess[] = [];

async function launch(
  request: Partial<LaunchRequest> & Pick<LaunchRequest, 'command'>,
): Promise<{ child: LaunchedProcess; lines: string[] }> {
  const child = await processes.launch({ args: [], env: {}, cwd: null, ipc: false, ...request });
  launched.push(child);
  const lines: string[] = [];
  child.onLine((line) => lines.push(line));
  return { child, lines };
}

const shell = (script: string, more: Partial<LaunchRequest> = {}) => launch({ command: '/bin/sh', args: ['-c', script], ...more });

afterEach(async () => {
  for (const child of launched.splice(0)) {
    processes.signal(processes.members(child.pid), 'SIGKILL', child.pid);
    await child.exited;
  }
});

describe('launch', () => {
  it('drains both streams by lines and tells the exit', async () => {
    const { child, lines } = await shell('echo one; printf "10%%\\r20%%\\r"; echo two >&2; printf end; exit 3');
    expect(await child.exited).toMatchObject({ code: 3, signal: null });
    expect([...lines].sort()).toEqual(['10%', '20%', 'end', 'one', 'two']);
  });

  it('tells the signal that ended it', async () => {
    const { child } = await shell('kill -9 $$');
    expect(await child.exited).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  it.each([
    ['the kernel counted no such end', [3, 3], false],
    ['the kernel counted one', [3, 4], true],
    ['the kernel tells nothing', [null, null], undefined],
  ] as const)('tells whether memory ran out: %s', async (_, counts, reported) => {
    const left: (number | null)[] = [...counts];
    const own = createProcesses(new OomKills(() => left.shift() ?? null));
    const child = await own.launch({ command: '/bin/sh', args: ['-c', 'kill -9 $$'], env: {}, cwd: null, ipc: false });
    expect((await child.exited).outOfMemory).toBe(reported);
  });

  it('answers the exit though a grandchild keeps the pipes open', async () => {
    const { child } = await shell('sleep 60 & exit 0');
    expect(await child.exited).toMatchObject({ code: 0, signal: null });
  });

  it('hands over a small environment, and what the caller adds', async () => {
    process.env['MODELIUM_TEST_SECRET'] = 'not for models';
    const { child, lines } = await shell('env', { env: { ADDED: 'yes' } });
    await child.exited;
    delete process.env['MODELIUM_TEST_SECRET'];
    expect(lines).toContain('ADDED=yes');
    expect(lines.some((line) => line.startsWith('PATH='))).toBe(true);
    expect(lines.join('\n')).not.toContain('MODELIUM_TEST_SECRET');
  });

  it.each([
    ['a missing program', { command: '/nowhere/program' }],
    ['a missing working folder', { command: '/bin/sh', cwd: '/nowhere' }],
  ])('says that it cannot start %s', async (_what, request) => {
    const error = await processes.launch({ args: [], env: {}, cwd: null, ipc: false, ...request }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'runtime-exited', message: expect.stringContaining(request.command), cause: { code: 'ENOENT' } });
  });

  it('carries messages both ways, and drops those for a child that is gone', async () => {
    const script = 'process.on("message", (m) => { process.send({ got: m }); process.disconnect(); })';
    const { child } = await launch({ command: process.execPath, args: ['-e', script], ipc: true });
    const messages: unknown[] = [];
    child.onMessage((message) => messages.push(message));
    child.send({ threads: 2 });
    expect(await child.exited).toMatchObject({ code: 0, signal: null });
    expect(messages).toEqual([{ got: { threads: 2 } }]);
    child.send({ late: true });
  });

  it('ends the channel when we do: the child hears of it', async () => {
    // A parent of its own that launches a child with a channel and is killed: the child must notice
    // by itself.
    const url = new URL('../../main/io/processes/processes.ts', import.meta.url).href;
    const childScript = 'process.on("disconnect", () => process.exit(0)); setInterval(() => {}, 1000)';
    const parent = await launch({
      command: process.execPath,
      args: [
        '--input-type=module',
        '-e',
        `const { createProcesses } = await import(${JSON.stringify(url)});
         const child = await createProcesses().launch({ command: process.execPath, args: ['-e', ${JSON.stringify(childScript)}], env: {}, cwd: null, ipc: true });
         console.log(child.pid); setInterval(() => {}, 1000);`,
      ],
    });
    const pid = Number(await eventually('the pid', () => parent.lines.find((line) => /^\d+$/.test(line))));
    expect(processes.identify(pid)).not.toBeNull();
    processes.signal(processes.members(parent.child.pid).slice(0, 1), 'SIGKILL', null);
    await eventually('the end of the child', () => processes.identify(pid) === null);
  });
});

describe.runIf(process.platform === 'linux')('identity', () => {
  it('is the process and no later one with its number', async () => {
    const { child } = await shell('sleep 60; true');
    const identity = processes.identify(child.pid);
    if (identity === null) throw new Error('no identity');
    expect(processes.isAlive(identity)).toBe(true);
    expect(processes.isAlive({ ...identity, startTime: identity.startTime - 1 })).toBe(false);
    expect(processes.isAlive({ ...identity, bootId: 'another boot' })).toBe(false);
  });

  it('counts a zombie as gone', async () => {
    // The shell replaces itself by a sleep, which never takes note of the end of the child that it
    // inherited. The child ends only then: of an earlier end the shell would take note.
    const { child, lines } = await shell('(until read -r it < /proc/$$/comm && [ "$it" = sleep ]; do :; done) & echo $!; exec sleep 60');
    const pid = Number(await eventually('the pid', () => lines[0]));
    await eventually('the zombie', () => processes.identify(pid) === null);
    expect(() => process.kill(pid, 0)).not.toThrow();
    expect(processes.members(child.pid).map((member) => member.pid)).toEqual([child.pid]);
  });

  it('signals nobody whose identity is wrong, nor a group without a known member', async () => {
    const { child } = await shell('sleep 60; true');
    const stranger = { pid: child.pid, startTime: 1, bootId: '' };
    processes.signal([stranger], 'SIGKILL', child.pid);
    expect(processes.identify(child.pid)).not.toBeNull();
  });
});

describe.runIf(process.platform === 'linux')('trees', () => {
  it('finds members of the group and descendants that left it, and ends them all', async () => {
    const { child, lines } = await shell('sleep 60 & setsid sleep 60 & sleep 0.2; echo started; wait');
    await eventually('the start', () => lines[0]);
    const members = await eventually('three members', () => {
      const now = processes.members(child.pid);
      return now.length === 3 ? now : null;
    });
    processes.signal(members, 'SIGTERM', child.pid);
    expect(await child.exited).toMatchObject({ code: null, signal: 'SIGTERM' });
    await eventually('the end of all', () => !members.some((member) => processes.isAlive(member)));
  });

  it('signals each process once', async () => {
    const { child, lines } = await shell('trap "echo term" TERM; echo ready; while :; do sleep 0.05; done');
    await eventually('the trap', () => lines.includes('ready'));
    processes.signal(processes.members(child.pid), 'SIGTERM', child.pid);
    await eventually('the signal', () => lines.includes('term'));
    processes.signal(processes.members(child.pid), 'SIGKILL', child.pid);
    await child.exited;
    expect(lines.filter((line) => line === 'term')).toHaveLength(1);
  });

  it('finds processes by their launch id, those that left the tree too', async () => {
    const launchId = `test-${process.pid}-${Date.now()}`;
    const { child, lines } = await shell('setsid sleep 60 & echo $!; exit 0', { env: { MODELIUM_LAUNCH: launchId } });
    await child.exited;
    const found = await eventually('the orphan', () => {
      const now = processes.findByLaunch(launchId);
      return now.length > 0 ? now : null;
    });
    expect(found.map((identity) => identity.pid)).toEqual([Number(lines[0])]);
    expect(processes.findByLaunch(launchId.slice(0, -1))).toEqual([]);
    processes.signal(found, 'SIGKILL', null);
    await eventually('its end', () => processes.findByLaunch(launchId).length === 0);
  });

  it('tells activity, and nothing of processes that are gone', async () => {
    const { child, lines } = await launch({
      command: process.execPath,
      args: ['-e', 'const b = require("fs").readFileSync(process.execPath); console.log(b.length); setInterval(() => {}, 1000)'],
    });
    const bytes = Number(await eventually('the read', () => lines[0]));
    const now = processes.activity([child.pid]);
    expect(now.readBytes).toBeGreaterThanOrEqual(bytes);
    expect(now.cpuMs).toBeGreaterThan(0);
    expect(now.residentBytes).toBeGreaterThan(bytes / 2);
    expect(processes.activity([2 ** 30])).toEqual({ readBytes: 0, cpuMs: 0, residentBytes: 0 });
  });
});

describe('freePort', () => {
  it('passes over a taken port, tells no port twice in a row, and says when there is none', async () => {
    const server = createServer();
    const taken = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    await expect(processes.freePort([taken, taken])).rejects.toMatchObject({ code: 'no-free-port' });
    const range = [taken, taken + 20] as const;
    const [first, second] = [await processes.freePort(range), await processes.freePort(range)];
    expect([first, second]).not.toContain(taken);
    expect(first).not.toBe(second);
    server.close();
  });
});
