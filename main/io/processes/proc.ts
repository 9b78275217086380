/**
 * Reads /proc, if it exists: states, start times, environments and activity of processes. Sends no
 * signals. Reads synchronously, because these files are kernel memory, not a disk, and a reading
 * from an earlier event-loop turn may be about another process.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** One process as /proc/PID/stat tells it. */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Kernel clock ticks since boot. */
  readonly startTime: number;
  readonly cpuMs: number;
  /** Ended, and only waiting for its parent to take note. */
  readonly zombie: boolean;
}

export const HAS_PROC = existsSync('/proc/self/stat');

/**
 * The kernel's unit in /proc/PID/stat is USER_HZ, 100 a second on every architecture that Linux
 * runs Node on.
 */
const TICK_MS = 10;
/** TCP_LISTEN, as the kernel's tables of sockets have it. */
const LISTENS = '0A';

let knownBootId: string | null = null;

/** This boot's random id; empty where the system does not tell it. */
export function bootId(): string {
  knownBootId ??= readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  return knownBootId;
}

/** A process, or null when there is none of that number. */
export function readStat(pid: number): ProcessStat | null {
  const text = readText(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

/**
 * The numbers behind the name, which may itself hold spaces and brackets: hence the last bracket.
 */
export function parseStat(text: string): ProcessStat | null {
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const pid = Number.parseInt(text, 10);
  // Field 3 of the manual page (state) is index 0 here.
  const [state, parent, group, cpuUser, cpuKernel, threads, startTime] = [0, 1, 2, 11, 12, 17, 19].map((index) => fields[index]);
  if (end < 0 || !Number.isInteger(pid) || startTime === undefined) return null;
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    startTime: Number(startTime),
    cpuMs: (Number(cpuUser) + Number(cpuKernel)) * TICK_MS,
    // A leader thread that ended first shows as a zombie while other threads still hold (or give
    // back) the memory: not gone yet.
    zombie: state === 'X' || (state === 'Z' && Number(threads) <= 1),
  };
}

/** Every process that lives now, zombies left out. */
export function readAllStats(): readonly ProcessStat[] {
  return numericNames('/proc').flatMap((pid) => {
    const stat = readStat(pid);
    return stat === null || stat.zombie ? [] : [stat];
  });
}

/** The children of each of its threads, as the kernel lists them; empty where it is gone. */
export function childrenOf(pid: number): readonly number[] {
  return numericNames(`/proc/${pid}/task`).flatMap((thread) => {
    const text = readText(`/proc/${pid}/task/${thread}/children`)?.trim() ?? '';
    return text === '' ? [] : text.split(' ').map(Number);
  });
}

/**
 * The users whose programs listen at a TCP port of this machine; empty without /proc. Not read at
 * once: there may be tens of thousands of connections.
 */
export async function readListeners(port: number): Promise<readonly number[]> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')));
  const at = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return tables.flatMap((table) =>
    table.split('\n').flatMap((line) => {
      const [, local = '', , state, , , , user] = line.trim().split(/\s+/);
      return local.endsWith(at) && state === LISTENS ? [Number(user)] : [];
    }),
  );
}

/** The user that a process runs as; null when it is gone. */
export function userOf(pid: number): number | null {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid ?? null;
}

/** The value of a variable in each process's environment, as far as we may read it. */
export function readEnvironments(name: string): readonly { readonly pid: number; readonly value: string }[] {
  const prefix = `${name}=`;
  return numericNames('/proc').flatMap((pid) => {
    const text = readText(`/proc/${pid}/environ`);
    if (text?.includes(prefix) !== true) return [];
    const entry = text.split('\0').find((candidate) => candidate.startsWith(prefix));
    return entry === undefined ? [] : [{ pid, value: entry.slice(prefix.length) }];
  });
}

/**
 * Bytes read by a process, as a sign of life: what it asked of read() plus what came from the disk,
 * because weights that are mapped into memory count in the second alone. Bytes read from the disk
 * by read() count twice: watch it move, do not show it.
 */
export function readBytesRead(pid: number): number {
  const text = readText(`/proc/${pid}/io`) ?? '';
  return numberAfter(text, /^rchar: (\d+)/m) + numberAfter(text, /^read_bytes: (\d+)/m);
}

/** Resident bytes of a process; 0 when it is gone. */
export function readResidentBytes(pid: number): number {
  return numberAfter(readText(`/proc/${pid}/status`) ?? '', /^VmRSS:\s+(\d+) kB/m) * 1024;
}

/**
 * The part of the resident bytes that is no mapped file: what the process alone keeps from being
 * free. 0 when it is gone.
 */
export function readAnonymousBytes(pid: number): number {
  const text = readText(`/proc/${pid}/status`) ?? '';
  return (numberAfter(text, /^RssAnon:\s+(\d+) kB/m) + numberAfter(text, /^RssShmem:\s+(\d+) kB/m)) * 1024;
}

/**
 * True when our process ids are our own: the inode of the machine's first namespace is a constant
 * of the kernel (PROC_PID_INIT_INO).
 */
export function inProcessNamespace(): boolean {
  try {
    return readlinkSync('/proc/self/ns/pid') !== 'pid:[4026531836]';
  } catch {
    return false;
  }
}

/**
 * Main memory by the kernel: what there is, and what could be had without swapping. Null without
 * /proc.
 */
export function readMemory(): { readonly totalBytes: number; readonly availableBytes: number } | null {
  const text = readText('/proc/meminfo');
  if (text === null) return null;
  return {
    totalBytes: numberAfter(text, /^MemTotal:\s+(\d+) kB/m) * 1024,
    availableBytes: numberAfter(text, /^MemAvailable:\s+(\d+) kB/m) * 1024,
  };
}

/** What proc(5) allows at least, where it cannot be read. */
const USUAL_DESCRIPTORS = 1_024;

/** How many descriptors this process may have open. */
export function descriptorLimit(): number {
  const text = readText('/proc/self/limits') ?? '';
  return numberAfter(text, /^Max open files +(\d+)/m) || USUAL_DESCRIPTORS;
}

/** A small text file, or null when it cannot be read: in /proc files vanish between two looks. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function numericNames(folder: string): readonly number[] {
  try {
    return readdirSync(folder).map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function numberAfter(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}

/**
 * This process, as what it leaves behind is marked with: its number, which is given to others after
 * it, and when it began.
 */
export function ownMark(): string {
  return `${process.pid}-${readStat(process.pid)?.startTime ?? 0}`;
}

/** Does the process of this mark still run? */
export function isMarkedRunning(mark: string): boolean {
  const [pid = 0, startTime] = mark.split('-').map(Number);
  if (!HAS_PROC) return isRunning(pid);
  const stat = readStat(pid);
  return stat?.startTime === startTime && !stat?.zombie;
}

/** Is there a process of this number, of any user? */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
