/**
 * Lowers the priority of Modelium's own heavy work, so that small requests come first. Only this
 * file sets nice values. The caller passes in the functions of the operating system; no other I/O.
 */

/** Holds the nice value of the caller's session, where the kernel has such (sched(7)). */
export const SESSION_NICE_FILE = '/proc/self/autogroup';

/** Of `node:os`. 0 is the caller; on Linux, each value is of one thread alone. */
export interface NiceValues {
  getPriority(thread: number): number;
  setPriority(thread: number, nice: number): void;
}

/** Of `node:fs`. */
export interface ProcFiles {
  readFileSync(path: string, encoding: 'utf8'): string;
  writeFileSync(path: string, text: string): void;
  readdirSync(path: string): readonly string[];
}

/** For work that a request waits for. */
export const BEHIND_SMALL_REQUESTS = 5;
/** For work that no request waits for. */
export const BEHIND_REQUESTS = 10;

/**
 * Lets others go before this whole program (I12): before each of its threads, also those in which
 * V8 compiles and collects, and before its session.
 */
export function stepProgramBehind(os: NiceValues, files: ProcFiles, nice: number): void {
  for (const thread of threads(files)) stepBehind(os, nice, thread);
  stepSessionBehind(files, nice);
}

/** Elsewhere than on Linux, the caller's value is of all of them. */
function threads(files: ProcFiles): readonly number[] {
  try {
    return files.readdirSync('/proc/self/task').map(Number);
  } catch {
    return [0];
  }
}

/**
 * Lets others go first (I12). Whoever is further back already stays there: without the right to it
 * nobody may come forward again, and an engine that was started with `nice` must work, too.
 */
export function stepBehind(os: NiceValues, nice: number, thread = 0): void {
  try {
    if (os.getPriority(thread) < nice) os.setPriority(thread, nice);
  } catch {
    // The work is done all the same, only not behind the others.
  }
}

const NOTHING = new Int32Array(new SharedArrayBuffer(4));
/** The kernel makes at least twice as much of it. */
const PAUSE_MS = 0.05;

/**
 * Ends the turn that the kernel gave to this thread. Who is further in front and wakes meanwhile
 * waits up to three milliseconds for the end of a turn, and each request wakes several. For loops
 * that take long, after each part of a millisecond; blocks the thread, so not for one that serves.
 */
export function pauseForOthers(): void {
  Atomics.wait(NOTHING, 0, 0, PAUSE_MS);
}

/**
 * The same among all sessions: a desktop's kernel shares the processor between them first, and a
 * nice value counts only within its own. For a program that leads a session of its own: others in
 * it would step behind with it. Without the right to it, the kernel takes one such value every
 * tenth of a second from all programs together.
 */
function stepSessionBehind(files: ProcFiles, nice: number): void {
  try {
    const [, pid, session] = /^(\d+) .*\) \S -?\d+ -?\d+ (\d+) /s.exec(files.readFileSync('/proc/self/stat', 'utf8')) ?? [];
    const now = / nice (-?\d+)/.exec(files.readFileSync(SESSION_NICE_FILE, 'utf8'))?.[1];
    if (pid !== undefined && pid === session && now !== undefined && Number(now) < nice)
      files.writeFileSync(SESSION_NICE_FILE, String(nice));
  } catch {
    // Another system, or too many at once: the nice value of the process remains.
  }
}
