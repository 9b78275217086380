/** How long the tasks of a page's thread were, out of a trace that Chromium recorded. */
import { expect } from 'vitest';

/** A task of the page's thread that takes longer than this is felt. */
export const LONG_TASK_US = 50_000;

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  /** Processor time of the thread, in microseconds: other programs of this machine do not count. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** Of the page's main thread, in microseconds. */
export function longestTask(trace: Buffer): number {
  const { traceEvents } = JSON.parse(trace.toString()) as { readonly traceEvents: readonly TraceEvent[] };
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}/${tid}`),
  );
  const tasks = traceEvents.filter(({ name, pid, tid }) => /RunTask$/.test(name) && mains.has(`${pid}/${tid}`));
  const timed = tasks.flatMap(({ tdur }) => tdur ?? []);
  expect(timed.length).toBeGreaterThan(100);
  return Math.max(...timed);
}
