/** Returns memory to the system that the garbage collector would keep while the engine is idle. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../core/ports.ts';

/**
 * What is young takes about a millisecond, and all of it some tens of them. Only `thorough` makes
 * the nursery smaller.
 */
const KINDS = {
  young: { type: 'minor', execution: 'sync' },
  all: { type: 'major', execution: 'sync' },
  thorough: { type: 'major', execution: 'sync', flavor: 'last-resort' },
} as const;
/** `gradually`: V8 begins soon, and works in steps of some milliseconds, between other work. */
type Kind = keyof typeof KINDS | 'gradually';
/**
 * So much memory beyond what V8 knew after its last collection is a reason for it to begin one
 * (64 MiB are, as V8's source has it), and the system gives so much at once, without writing to it.
 */
const REASON_BYTES = 128 * 1024 * 1024;
const CHECK_MS = 3_000;
/** A collection holds everybody up for a hundred milliseconds: only while hardly anything runs. */
const QUIET_SHARE = 0.03;
/** Less than this is not worth a collection. */
const GROWN_BYTES = 8 * 1024 * 1024;
/** So much is given back while requests are under way, too, once in a while. */
const MUCH_GROWN_BYTES = 64 * 1024 * 1024;
const BUSY_PAUSE_MS = 60_000;

let collector: ((how: (typeof KINDS)[keyof typeof KINDS]) => void) | null = null;

/**
 * Collects now, and blocks until then: a hundred milliseconds and more for the thorough kind; or
 * gradually, for whoever cannot wait.
 */
export function collectGarbage(kind: Kind = 'thorough'): void {
  if (kind === 'gradually') return giveReason();
  if (collector === null) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as NonNullable<typeof collector>;
  }
  collector(KINDS[kind]);
}

/**
 * There is no call for it: memory that V8 counts, and nobody uses, makes it search for more.
 */
function giveReason(): void {
  try {
    new ArrayBuffer(REASON_BYTES);
  } catch {
    // The system gives no more: then there is no time for steps.
    collectGarbage('all');
  }
}

export interface HeapPorts {
  readonly clock: Clock;
  /** Milliseconds of processor time that this process has used since it started. */
  cpuMs(): number;
  residentBytes(): number;
  /** A request is under way, which a collection would hold up. */
  isBusy(): boolean;
  collect(kind: Kind): void;
}

/**
 * Collects garbage once the process was quiet for three seconds and has grown since the last
 * collection; the first time after its start. One that is never quiet, but has grown by much, is
 * collected once a minute at most.
 */
export function keepMemorySmall(ports: HeapPorts): { close(): void } {
  const { clock } = ports;
  let smallestBytes = 0;
  let since = { nowMs: clock.now(), cpuMs: ports.cpuMs() };
  let collectedMs = clock.now();
  let stop = clock.after(CHECK_MS, check);
  function check(): void {
    const now = { nowMs: clock.now(), cpuMs: ports.cpuMs() };
    const isQuiet = now.cpuMs - since.cpuMs <= QUIET_SHARE * (now.nowMs - since.nowMs);
    const residentBytes = ports.residentBytes();
    // It also shrinks by itself: a thread that has ended gave back what counted as the process's.
    smallestBytes = Math.min(smallestBytes, residentBytes);
    const grownBytes = residentBytes - smallestBytes;
    if (isQuiet && !ports.isBusy() && grownBytes >= GROWN_BYTES) {
      ports.collect('thorough');
      smallestBytes = ports.residentBytes();
      collectedMs = clock.now();
    } else if (smallestBytes > 0 && grownBytes >= MUCH_GROWN_BYTES && now.nowMs - collectedMs >= BUSY_PAUSE_MS) {
      // What it gives back is seen later, or only by the thorough one.
      ports.collect('gradually');
      collectedMs = clock.now();
    }
    since = { nowMs: clock.now(), cpuMs: ports.cpuMs() };
    stop = clock.after(CHECK_MS, check);
  }
  return { close: () => stop() };
}

/**
 * The same for this process. Between two of these collections V8 makes its own, which take 25 ms of
 * a request's time and more. After an idle time V8 makes one whenever a few megabytes have come,
 * each second while 500 models are read: it is told to wait until the heap is twice as large.
 */
export function keepOwnMemorySmall(clock: Clock, isBusy: () => boolean): { close(): void } {
  setFlagsFromString('--heap-growing-percent=100');
  return keepMemorySmall({
    clock,
    cpuMs: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    residentBytes: () => process.memoryUsage.rss(),
    isBusy,
    collect: collectGarbage,
  });
}
