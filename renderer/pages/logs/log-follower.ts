/**
 * Follows one log of the engine: opens its stream, opens it again when the connection is back, and
 * collects lines without drawing each. The stream begins with the last lines, so a new stream
 * replaces the old lines and nothing appears twice.
 */
import { ModeliumError, toModeliumError } from '../../../shared/errors.ts';
import { open } from '../../api.ts';
import { onOpening } from '../../link.ts';
import { controlToken } from '../../session.ts';
import { useWindow } from '../../store.ts';
import * as texts from '../../texts.ts';
import { append, EMPTY_BUFFER, LINES_KEPT, type LogBuffer } from './log-buffer.ts';
import { type LogLine, logLine } from './log-line.ts';

/** Lines are drawn together: a runtime that loads says hundreds in a second. */
const COMMIT_EVERY_MS = 50;
const REOPEN_AFTER_MS = 1_000;
/** What may wait while the window is hidden; it is all that a buffer keeps. */
const MOST_PENDING = LINES_KEPT;

export interface LogState {
  readonly buffer: LogBuffer;
  /**
   * Opening: not a line yet, because the stream does not stand. Refused: the engine will not give
   * this log, and says why.
   */
  readonly status: 'opening' | 'live' | 'lost' | 'refused';
  readonly why: string | null;
}

export interface LogFollower {
  state(): LogState;
  subscribe(changed: () => void): () => void;
}

/** @param model null: the engine's own log. Follows as long as anybody subscribes. */
export function createLogFollower(model: string | null): LogFollower {
  const path = `/control/logs?follow=true${model === null ? '' : `&model=${encodeURIComponent(model)}`}`;
  const listeners = new Set<() => void>();
  const intake = createIntake(listeners);
  let stop = (): void => {};
  return {
    state: intake.state,
    subscribe(changed) {
      listeners.add(changed);
      if (listeners.size === 1) stop = follow(path, intake);
      return () => {
        listeners.delete(changed);
        if (listeners.size === 0) stop();
      };
    },
  };
}

interface Intake {
  state(): LogState;
  /** From now on lines are those of another opening. */
  begin(): void;
  take(line: string): void;
  end(status: 'lost' | 'refused', why: string): void;
  commit(): void;
}

function createIntake(listeners: ReadonlySet<() => void>): Intake {
  let state: LogState = { buffer: EMPTY_BUFFER, status: 'opening', why: null };
  let pending: LogLine[] = [];
  let unpended = 0;
  let isAnew = true;
  let nextNumber = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function set(next: LogState): void {
    state = next;
    for (const changed of listeners) changed();
  }
  function commit(): void {
    clearTimeout(timer);
    timer = undefined;
    if (document.hidden || (pending.length === 0 && !isAnew)) return;
    const { lines, dropped } = append(isAnew ? EMPTY_BUFFER : state.buffer, pending);
    const buffer = { lines, dropped: dropped + unpended };
    [pending, unpended, isAnew] = [[], 0, false];
    set({ ...state, buffer });
  }
  function soon(): void {
    timer ??= setTimeout(commit, COMMIT_EVERY_MS);
  }
  return {
    state: () => state,
    commit,
    begin() {
      [pending, unpended, isAnew] = [[], 0, true];
      set({ ...state, status: 'live', why: null });
      // A log without a line replaces what was there as well.
      soon();
    },
    take(line) {
      pending.push(logLine(nextNumber, line, controlToken()));
      nextNumber += 1;
      if (pending.length >= MOST_PENDING * 1.5) {
        unpended += pending.length - MOST_PENDING;
        pending = pending.slice(-MOST_PENDING);
      }
      soon();
    },
    end(status, why) {
      commit();
      set({ ...state, status, why });
    },
  };
}

/** @returns what ends it. */
function follow(path: string, intake: Intake): () => void {
  let ending = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  async function read(signal: AbortSignal): Promise<void> {
    const events = await open(path, { signal }, () => intake.begin());
    for await (const { data } of events) {
      if (data !== null && !signal.aborted) intake.take((JSON.parse(data) as { readonly line: string }).line);
    }
    throw new ModeliumError('not-running', texts.logs.ended);
  }
  function start(): void {
    clearTimeout(timer);
    ending.abort();
    const mine = new AbortController();
    ending = mine;
    read(mine.signal).catch((thrown: unknown) => {
      if (mine.signal.aborted) return;
      const { code, message } = toModeliumError(thrown);
      intake.end(isBreak(code) ? 'lost' : 'refused', message);
      if (isBreak(code)) timer = setTimeout(startAlone, REOPEN_AFTER_MS);
    });
  }
  // A stream that broke alone is opened again; without an engine the link comes back first, and
  // says so.
  function startAlone(): void {
    if (useWindow.getState().link.name === 'live') start();
  }
  const onShown = (): void => intake.commit();
  document.addEventListener('visibilitychange', onShown);
  const unfollow = onOpening(start);
  start();
  return () => {
    unfollow();
    document.removeEventListener('visibilitychange', onShown);
    clearTimeout(timer);
    ending.abort();
  };
}

/**
 * A connection that breaks throws an error of the browser's own, which is no ModeliumError of a
 * code that the engine sends.
 */
function isBreak(code: string): boolean {
  return code === 'not-running' || code === 'internal';
}
