/**
 * Distinguishes a stalled load from a slow one: each sign of progress extends a deadline. Knows
 * time and activity, no processes. Guarded by test/runtime/stall-watch.test.ts.
 */
import type { Clock } from '../core/ports.ts';

export interface StallLimits {
  readonly stallMs: number;
  readonly maxMs: number;
}

export interface Activity {
  readonly readBytes: number;
  readonly residentBytes: number;
  readonly cpuMs: number;
}

const POLL_MS = 1_000;
/**
 * A server that hangs still polls its sockets: less than this much of a core between two looks is
 * no work.
 */
export const WORKING_CPU_SHARE = 0.2;
/**
 * A server that hangs still reads our health checks (8 kB a second), and its heap breathes: less
 * than this is no progress.
 */
const READ_NOISE_BYTES = 4 * 1024 * 1024;
const RESIDENT_NOISE_BYTES = 16 * 1024 * 1024;

export class StallWatch {
  readonly #clock: Clock;
  #lastSignOfLifeMs: number;
  #lastActivity: Activity = { readBytes: 0, residentBytes: 0, cpuMs: 0 };
  #cpu = { ms: 0, atMs: 0 };
  /** In a phase without lines and reading, such as compiling, processor time counts. */
  #countsCpu = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastSignOfLifeMs = clock.now();
  }

  signOfLife(): void {
    this.#lastSignOfLifeMs = this.#clock.now();
  }

  /** A phase has begun. @param isSilent it may work for minutes without a line. */
  phase(isSilent: boolean): void {
    this.#countsCpu = isSilent;
    this.signOfLife();
  }

  /**
   * Looks each second until it ends or finds a fault, which it tells once.
   * @returns a function that ends it.
   */
  start(
    limits: StallLimits,
    activity: () => Activity,
    onFault: (code: 'load-stalled' | 'load-too-long', what: string) => void,
  ): () => void {
    const startedMs = this.#clock.now();
    const everyMs = Math.min(POLL_MS, limits.stallMs);
    this.signOfLife();
    const check = () => {
      this.#notice(activity());
      const now = this.#clock.now();
      const silentMs = now - this.#lastSignOfLifeMs;
      if (silentMs >= limits.stallMs) onFault('load-stalled', `showed no sign of progress for ${seconds(silentMs)}`);
      else if (now - startedMs >= limits.maxMs) onFault('load-too-long', `was not ready after ${seconds(now - startedMs)}`);
      else cancelTimer = this.#clock.after(everyMs, check);
    };
    let cancelTimer = this.#clock.after(everyMs, check);
    return () => cancelTimer();
  }

  /**
   * Bytes read and memory that changes are signs of life too: a 70 GB file from a slow disk is
   * slow, not stalled. So is work, where nothing else shows.
   */
  #notice(now: Activity): void {
    const last = this.#lastActivity;
    const atMs = this.#clock.now();
    const isWorking = this.#countsCpu && now.cpuMs - this.#cpu.ms >= (atMs - this.#cpu.atMs) * WORKING_CPU_SHARE;
    this.#cpu = { ms: now.cpuMs, atMs };
    if (isWorking) this.signOfLife();
    const hasRead = Math.abs(now.readBytes - last.readBytes) >= READ_NOISE_BYTES;
    const hasGrown = Math.abs(now.residentBytes - last.residentBytes) >= RESIDENT_NOISE_BYTES;
    if (!hasRead && !hasGrown) return;
    this.signOfLife();
    this.#lastActivity = now;
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
