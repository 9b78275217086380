/**
 * Detects a runtime that hangs: its process is alive and requests are in flight, but for 30 seconds
 * it neither answers a health check nor sends a byte of an answer. A runtime that handles one
 * request at a time may be silent while it works, so it hangs only if it uses no processor time
 * either. Owns one timer for each ready model; the manager decides what follows. Health checks are
 * not activity (I5).
 */
import { ModeliumError } from '../../shared/errors.ts';
import type { Endpoint } from '../../shared/model.ts';
import type { Clock } from '../core/ports.ts';
import type { HttpClient } from '../core/process-ports.ts';
import { WORKING_CPU_SHARE } from './stall-watch.ts';

const EVERY_MS = 5_000;
const ANSWER_MS = 10_000;
/**
 * A runtime on busy processors may be slow to answer; so long without any answer it is not slow.
 */
const HUNG_AFTER_MS = 30_000;

export interface HealthCheckPorts {
  readonly clock: Clock;
  readonly http: HttpClient;
}

export interface Work {
  /** Requests are in flight. */
  isBusy(): boolean;
  /** A number that grows with every piece of an answer. */
  chunks(): number;
  /**
   * Processor time of one that does a thing at a time: while it works, its silence means nothing.
   * Null: of this runtime, silence does.
   */
  cpuMs(): number | null;
}

/** @returns a function that ends the watch. `hung` is called once at most. */
export function watchHealth({ clock, http }: HealthCheckPorts, endpoint: Endpoint, work: Work, hung: () => void): () => void {
  const end = new AbortController();
  let answeredMs = clock.now();
  let chunks = work.chunks();
  let cpu = { ms: work.cpuMs(), atMs: answeredMs };
  const path = endpoint.protocol === 'v2' ? '/v2/health/live' : '/health';
  const request = { method: 'GET', path, body: null, timeoutMs: ANSWER_MS, signal: end.signal } as const;

  async function check(): Promise<void> {
    // Nobody waits for an idle one: whether it answers shows with the next request.
    const answer = work.isBusy() ? await http.request(endpoint, request).catch(() => null) : 'idle';
    if (end.signal.aborted) return;
    if (answer !== null || !work.isBusy() || work.chunks() !== chunks) answeredMs = clock.now();
    chunks = work.chunks();
    if (answer === null && hasWorked()) answeredMs = clock.now();
    if (clock.now() - answeredMs >= HUNG_AFTER_MS) return hung();
    cancelTimer = clock.after(EVERY_MS, () => void check());
  }

  /** Since it was last asked this. */
  function hasWorked(): boolean {
    const before = cpu;
    cpu = { ms: work.cpuMs(), atMs: clock.now() };
    return before.ms !== null && cpu.ms !== null && cpu.ms - before.ms >= (cpu.atMs - before.atMs) * WORKING_CPU_SHARE;
  }

  let cancelTimer = clock.after(EVERY_MS, () => void check());
  return () => {
    end.abort();
    cancelTimer();
  };
}

export function hungError(lastOutput: readonly string[]): ModeliumError {
  const message = `its process hangs: no answer for ${HUNG_AFTER_MS / 1000} s while requests were in flight`;
  return new ModeliumError('runtime-exited', message, { lastOutput });
}
