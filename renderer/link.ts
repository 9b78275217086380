/**
 * The event stream from the engine: opens it, resumes it after a break by the number of the last
 * event, and applies the events to the store. A hidden window receives events but draws nothing
 * until it is visible.
 */
import { ModeliumError, toModeliumError } from '../shared/errors.ts';
import type { EngineEvent, Snapshot } from '../shared/snapshot.ts';
import { open } from './api.ts';
import { merge } from './merge.ts';
import { noteReceived } from './now.ts';
import { distrust } from './session.ts';
import { useWindow } from './store.ts';
import * as texts from './texts.ts';

const PAUSES_MS = [250, 500, 1_000, 2_000];
/**
 * The engine says every 15 s that it is there; a machine that slept leaves a connection that never
 * ends.
 */
const SILENCE_MS = 40_000;

type Listener = (snapshot: Snapshot) => void;

const listeners = new Set<Listener>();
const openings = new Set<() => void>();
let lastId: string | null = null;
let current: Snapshot | null = null;
let attempt = 0;
let retryNow: () => void = () => {};

/** Calls back with each snapshot, in a hidden window too. @returns what ends it. */
export function onSnapshot(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Calls back whenever the link stands again: what was not followed meanwhile must be asked for. */
export function onOpening(listener: () => void): () => void {
  openings.add(listener);
  return () => openings.delete(listener);
}

/** Runs for as long as the page lives. */
export async function keepLink(): Promise<never> {
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    show();
    retryNow();
  });
  for (;;) {
    await follow().catch((thrown: unknown) => lost(thrown));
    await pause();
  }
}

/** Asks again at once, for instance with another token. */
export function reconnect(): void {
  attempt = 0;
  const { link } = useWindow.getState();
  // What asks for the token stays until it was right: else the field and what was typed into it
  // would go and come.
  useWindow.setState({ link: link.name === 'refused' ? { ...link, checking: true } : { name: 'connecting' } });
  retryNow();
}

async function follow(): Promise<void> {
  const ending = new AbortController();
  let silence = setTimeout(() => ending.abort(), SILENCE_MS);
  const events = await open('/control/events', {
    signal: ending.signal,
    headers: lastId === null ? {} : { 'last-event-id': lastId },
  });
  attempt = 0;
  useWindow.setState({ link: { name: 'live' } });
  for (const opened of openings) opened();
  try {
    for await (const { id, data } of events) {
      clearTimeout(silence);
      silence = setTimeout(() => ending.abort(), SILENCE_MS);
      if (data === null) continue;
      apply(JSON.parse(data) as EngineEvent);
      if (id !== null) lastId = id;
    }
  } finally {
    clearTimeout(silence);
  }
  throw new ModeliumError('not-running', texts.link.engineEnded);
}

function apply(event: EngineEvent): void {
  noteReceived(event.type === 'snapshot' ? event.snapshot.models : (event.changed.models ?? []), event.ageMs);
  current = merge(current, event);
  if (current === null) {
    lastId = null;
    throw new ModeliumError('internal', texts.link.eventsMissed);
  }
  if (!document.hidden) show();
  for (const listener of listeners) listener(current);
}

/** Once for all events of a turn: a snapshot after a break may come with hundreds of them. */
function show(): void {
  if (useWindow.getState().snapshot !== current) useWindow.setState({ snapshot: current });
}

function lost(thrown: unknown): void {
  distrust();
  const error = toModeliumError(thrown);
  if (error.code === 'token-required') useWindow.setState({ link: { name: 'refused', why: error.message, checking: false } });
  else useWindow.setState({ link: { name: 'lost', why: error.message } });
}

async function pause(): Promise<void> {
  const ms = PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)] ?? 1_000;
  attempt += 1;
  // A wrong token stays wrong until somebody brings another one.
  const isRefused = useWindow.getState().link.name === 'refused';
  await new Promise<void>((resolve) => {
    const timer = isRefused ? undefined : setTimeout(resolve, ms);
    retryNow = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  retryNow = () => {};
}
