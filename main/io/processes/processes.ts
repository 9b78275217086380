/**
 * Implements the process port: starts children in their own process groups, reads their output, and
 * finds, watches and signals process trees. The only importer of execa. Decides nothing: the caller
 * chooses what to end and when, and owns the rows of the `processes` table (I2).
 */
import { randomInt } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { execa } from 'execa';
import { ModeliumError } from '../../../shared/errors.ts';
import { programName } from '../../../shared/redact.ts';
import type { Exit, LaunchedProcess, LaunchRequest, Processes, ProcessIdentity, StopSignal } from '../../core/process-ports.ts';
import { createLineCutter } from './lines.ts';
import { OomKills } from './oom-kills.ts';
import {
  bootId,
  childrenOf,
  HAS_PROC,
  readAllStats,
  readBytesRead,
  readEnvironments,
  readListeners,
  readResidentBytes,
  readStat,
  userOf,
} from './proc.ts';

/**
 * What a runtime needs of our environment. All of it would hand tokens and the settings of other
 * programs to every model.
 */
const PASSED_ON = /^(PATH|HOME|USER|LOGNAME|LANG|LC_.*|TZ|TMPDIR|TMP|TEMP|XDG_CACHE_HOME|LD_LIBRARY_PATH|CUDA_.*|NVIDIA_.*|SYSTEMROOT)$/i;

/** Lines and messages kept for a listener that is not there yet (I10). */
const KEPT_FOR_LATER = 1_000;

/**
 * Two ends of each of its pipes and of its channel, and one by which the child tells that it runs.
 */
const DESCRIPTORS_OF_A_LAUNCH = 10;

const MOST_PORTS = 65_536;

/** The system's own user, who may do what it likes anyway. */
const ROOT = 0;

/**
 * How long the last words may come after the exit: pipes that a grandchild inherited never close.
 */
const LAST_WORDS_MS = 250;

/**
 * The port Processes. Without /proc (macOS) a process cannot be told from a later one with the same
 * number. There only children of this very engine are known, as long as they live; trees are their
 * process groups; activity reads as zero.
 */
/** @param kills what the kernel counts. */
export function createProcesses(kills = new OomKills()): Processes {
  const children = new Children(kills);
  // Begins anywhere: engines side by side that all began at the first port would meet there, since
  // a child takes a second to bind it.
  let portsTried = randomInt(MOST_PORTS);

  function identify(pid: number): ProcessIdentity | null {
    if (!HAS_PROC) return children.has(pid) ? { pid, startTime: 0, bootId: '' } : null;
    const stat = readStat(pid);
    return stat === null || stat.zombie ? null : { pid, startTime: stat.startTime, bootId: bootId() };
  }

  function isAlive(identity: ProcessIdentity): boolean {
    const now = identify(identity.pid);
    return now !== null && now.startTime === identity.startTime && now.bootId === identity.bootId;
  }

  return {
    launch: (request) => launch(request, children),
    identify,
    isAlive,
    members: (pid) => (HAS_PROC ? treeOf(pid) : [identify(pid)].filter((identity) => identity !== null)),
    descendants: (pid) => (HAS_PROC ? familyOf(pid) : [pid]).flatMap((each) => identify(each) ?? []),
    groupExists,
    findByLaunch: (launchId) =>
      readEnvironments('MODELIUM_LAUNCH').flatMap(({ pid, value }) => (value === launchId ? (identify(pid) ?? []) : [])),
    signal(identities, name, group) {
      const alive = identities.filter(isAlive);
      // The group is ours only while a process that we know is in it: an empty group's number may
      // belong to strangers by now.
      const inGroup = alive.filter(({ pid }) => (HAS_PROC ? readStat(pid)?.group : pid) === group);
      if (group !== null && inGroup.length > 0) send(-group, name);
      // Once each: a second SIGTERM means "at once, losing your work" to many programs.
      for (const identity of alive) if (!inGroup.includes(identity)) send(identity.pid, name);
    },
    activity,
    async freePort([first, last]) {
      const count = last - first + 1;
      for (let tries = 0; tries < count; tries += 1) {
        // Goes on after the last one given: two launches at once must not be told the same port.
        const port = await bindable(first + (portsTried++ % count));
        if (port !== null) return port;
      }
      throw new ModeliumError('no-free-port', `Every port from ${first} to ${last} on 127.0.0.1 is taken.`);
    },
    async strangerAt(port, pids) {
      const users = await readListeners(port);
      const known = [ROOT, process.getuid?.(), ...pids.map(userOf)];
      return users.find((user) => !known.includes(user)) ?? null;
    },
  };
}

/**
 * Our own children that live. While there are any, the kernel's count of those that it ends is
 * followed.
 */
class Children {
  readonly #pids = new Set<number>();
  readonly #kills: OomKills;

  constructor(kills: OomKills) {
    this.#kills = kills;
  }

  has(pid: number): boolean {
    return this.#pids.has(pid);
  }

  add(pid: number): void {
    this.#pids.add(pid);
    this.#kills.follow();
  }

  /** @returns how it ended. */
  left(pid: number, code: number | null, signal: string | null): Exit {
    const outOfMemory = this.#kills.recent();
    this.#pids.delete(pid);
    if (this.#pids.size === 0) this.#kills.stop();
    return { code, signal, ...(outOfMemory === undefined ? {} : { outOfMemory }) };
  }
}

/** Starts the program, and answers once it runs. */
async function launch(request: LaunchRequest, children: Children): Promise<LaunchedProcess> {
  requireDescriptors(request.command);
  const child = execa(request.command, request.args, {
    // Own group, so that a signal reaches all of the tree and a Ctrl-C on our terminal none of it.
    detached: true,
    cleanup: false,
    // execa would else collect all output in memory, and end the child at 100 MB of it.
    buffer: false,
    reject: false,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    extendEnv: false,
    env: { ...baseEnvironment(), ...request.env },
    ipc: request.ipc,
    serialization: 'json',
    ...(request.cwd === null ? {} : { cwd: request.cwd }),
  });
  const lines = createMailbox<string>();
  for (const stream of [child.stdout, child.stderr]) {
    const cutter = createLineCutter(lines.put);
    stream.setEncoding('utf8').on('data', cutter.push).on('end', cutter.end);
  }
  const messages = createMailbox<unknown>();
  child.on('message', messages.put);
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      const exit = children.left(child.pid ?? 0, code, signal);
      const done = setTimeout(() => resolve(exit), LAST_WORDS_MS);
      child.once('close', () => {
        clearTimeout(done);
        resolve(exit);
      });
    });
  });
  const failure = await Promise.race([new Promise<null>((resolve) => child.once('spawn', () => resolve(null))), child]);
  const { pid } = child;
  if (pid === undefined) throw notStarted(request, failure);
  children.add(pid);
  return {
    pid,
    onLine: lines.listen,
    exited,
    send(message) {
      // A child that has just gone is no error here: `exited` tells it.
      if (child.connected) child.send?.(message as object, () => {});
    },
    onMessage: messages.listen,
  };
}

/**
 * Without them execa throws, and its child says so once more where nobody can hear it.
 * @throws ModeliumError.
 */
function requireDescriptors(command: string): void {
  const open: number[] = [];
  try {
    for (let count = 0; count < DESCRIPTORS_OF_A_LAUNCH; count += 1) open.push(openSync('/dev/null', 'r'));
  } catch (cause) {
    const why = 'this process has as many files open as it may (ulimit -n)';
    throw new ModeliumError('runtime-exited', `${programName(command)} could not be started: ${why}.`, { cause });
  } finally {
    for (const descriptor of open) closeSync(descriptor);
  }
}

/** What execa tells of a program that did not start. */
interface StartFailure {
  readonly originalMessage?: string | undefined;
  readonly code?: string | undefined;
  readonly cause?: unknown;
}

function notStarted(request: LaunchRequest, failure: StartFailure | null): ModeliumError {
  const why =
    failure?.code === 'ENOENT' ? 'there is no such program (or working folder)' : (failure?.originalMessage ?? 'the system refused it');
  const name = programName(request.command);
  return new ModeliumError('runtime-exited', `${name} could not be started: ${why.replaceAll(request.command, name)}.`, {
    cause: failure?.cause ?? failure,
  });
}

function baseEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED_ON.test(name)));
}

/** Hands things to one or more listeners; keeps those that come before the first. */
function createMailbox<Thing>(): { put(thing: Thing): void; listen(listener: (thing: Thing) => void): void } {
  const listeners: Array<(thing: Thing) => void> = [];
  let early: Thing[] = [];
  return {
    put(thing) {
      for (const listener of listeners) listener(thing);
      if (listeners.length === 0 && early.length < KEPT_FOR_LATER) early.push(thing);
    },
    listen(listener) {
      listeners.push(listener);
      for (const thing of early) listener(thing);
      early = [];
    },
  };
}

/**
 * The process, its group and all their descendants, from one pass over /proc: a child may have left
 * the group, not the tree.
 */
function treeOf(pid: number): readonly ProcessIdentity[] {
  const stats = readAllStats();
  const tree = new Set<number>([pid]);
  let before = 0;
  while (before !== tree.size) {
    before = tree.size;
    for (const stat of stats) if (stat.group === pid || tree.has(stat.parent)) tree.add(stat.pid);
  }
  return stats.filter((stat) => tree.has(stat.pid)).map((stat) => ({ pid: stat.pid, startTime: stat.startTime, bootId: bootId() }));
}

function familyOf(pid: number): readonly number[] {
  return [pid, ...childrenOf(pid).flatMap(familyOf)];
}

function groupExists(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch (error) {
    // EPERM: it exists, and is not ours to signal.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function activity(pids: readonly number[]): ReturnType<Processes['activity']> {
  let readBytes = 0;
  let cpuMs = 0;
  let residentBytes = 0;
  for (const pid of pids) {
    readBytes += readBytesRead(pid);
    cpuMs += readStat(pid)?.cpuMs ?? 0;
    residentBytes += readResidentBytes(pid);
  }
  return { readBytes, cpuMs, residentBytes };
}

function send(target: number, signal: StopSignal | 'SIGKILL'): void {
  try {
    process.kill(target, signal);
  } catch {
    // Gone in the meantime, or not ours to signal: who asked looks whether it still lives, and says
    // so (I6).
  }
}

/** The port itself if it can be bound now (another when 0 was asked for), else null. */
function bindable(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : null));
    });
  });
}
