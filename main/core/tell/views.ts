/**
 * Builds the snapshot that users see from records, leases and samples. It only reads their owners,
 * and no decision reads the snapshot (I9). Pure.
 */
import type { DeviceId } from '../../../shared/decision.ts';
import { assertNever } from '../../../shared/errors.ts';
import type { Asleep, ModelState, StateOf } from '../../../shared/model.ts';
import type { Reason } from '../../../shared/reason.ts';
import { headlineFrom } from '../../../shared/reason-names.ts';
import { headlineOf } from '../../../shared/reason-words.ts';
import type { ModelView, PaceView } from '../../../shared/snapshot.ts';
import type { Admission } from '../admission.ts';
import { placeRef, quotedReason, sentenceReason } from '../decide/reasoned.ts';
import type { ModelRecord } from '../registry.ts';
import { stateInWords } from '../sentences.ts';
import type { Usage } from '../usage.ts';

export interface ViewFacts {
  readonly admission: Admission;
  readonly usage: Usage;
  readonly nowMs: number;
  inFlight(id: string): number;
  /** How fast it answered lately. */
  paceOf(id: string): PaceView | null;
  /** Seconds of idleness after which the evictor unloads it; null: never. */
  idleSeconds(record: ModelRecord): number | null;
  pinned(record: ModelRecord): boolean;
  /** A GPU's number. */
  indexOf(id: DeviceId): number | null;
  /** A sentence beside its state; null: there is nothing to say. */
  noteOf(record: ModelRecord): string | null;
}

export function modelView(record: ModelRecord, facts: ViewFacts): ModelView {
  const { state, id } = record;
  const { nowMs, usage, admission } = facts;
  const because = reasonOfState(state, facts);
  const message = withNote(stateInWords(state, nowMs), noteOf(record, facts));
  const idleMs = state.name === 'ready' || state.name === 'asleep' ? idleFor(state, usage.lastMs(id), facts.inFlight(id), nowMs) : null;
  const idleSeconds = facts.idleSeconds(record);
  return {
    id,
    aliases: record.aliases,
    path: record.path,
    state: state.name,
    message,
    headline: because === null ? headlineFrom(message) : headlineOf(because),
    ...(because === null ? {} : { because }),
    ...(record.server === undefined ? {} : { remote: record.server.where }),
    pinned: facts.pinned(record),
    canForget: record.added && record.server === undefined,
    inFlight: facts.inFlight(id),
    waiting: admission.waiting(id),
    longestWaitMs: admission.longestWaitMs(id, nowMs),
    pace: facts.paceOf(id),
    queriesPerSecond: usage.queriesPerSecond(id, nowMs),
    idleMs,
    idleLeftMs: idleMs === null || idleSeconds === null ? null : Math.max(0, idleSeconds * 1000 - idleMs),
    profile: record.profile,
    ...stateFacts(state, nowMs),
  };
}

/** Why it waits, is blocked or failed; null for what needs no reason. */
function reasonOfState(state: ModelState, { indexOf }: ViewFacts): Reason | null {
  if (state.name === 'blocked') return state.because ?? sentenceReason(state.message);
  if (state.name === 'queued') return state.because ?? null;
  if (state.name !== 'failed') return null;
  const { code, message, placement } = state.failure;
  const place = placement === undefined ? null : placeRef(placement, indexOf);
  return quotedReason({ kind: 'failed', code, place, sentence: message }, message);
}

/** What is beside its state: for one that leaves, what it waits for. */
function noteOf(record: ModelRecord, facts: ViewFacts): string | null {
  if (record.state.name === 'ready') return facts.noteOf(record);
  if (record.state.name !== 'draining') return null;
  const inFlight = facts.inFlight(record.id);
  if (inFlight === 0) return 'its process is ending, and its memory is not free yet';
  return inFlight === 1 ? 'one request still runs' : `${inFlight} requests still run`;
}

function withNote(message: string, note: string | null): string {
  return note === null ? message : `${message}; ${note}`;
}

type StateFacts = Pick<
  ModelView,
  | 'help'
  | 'blockedReason'
  | 'copy'
  | 'phase'
  | 'progress'
  | 'runtime'
  | 'devices'
  | 'plan'
  | 'predictedBytes'
  | 'measuredBytes'
  | 'pids'
  | 'loadSeconds'
  | 'retryInMs'
>;

const NOTHING: StateFacts = {
  help: null,
  blockedReason: null,
  copy: null,
  phase: null,
  progress: null,
  runtime: null,
  devices: [],
  plan: null,
  predictedBytes: null,
  measuredBytes: null,
  pids: [],
  loadSeconds: null,
  retryInMs: null,
};

function stateFacts(state: ModelState, nowMs: number): StateFacts {
  switch (state.name) {
    case 'settling':
      return { ...NOTHING, copy: state.copy };
    case 'blocked':
      return { ...NOTHING, help: state.help, blockedReason: state.reason };
    case 'preparing':
      return { ...NOTHING, progress: state.progress };
    case 'loading': {
      const { plan, predicted, phase, progress, pids } = state;
      const devices = Object.keys(predicted);
      return { ...NOTHING, plan, runtime: plan.runtime, devices, predictedBytes: predicted, phase, progress, pids };
    }
    case 'ready': {
      const { plan, runtime, devices, predicted, measured, pids, loadSeconds } = state;
      return { ...NOTHING, plan, runtime, devices, predictedBytes: predicted, measuredBytes: measured, pids, loadSeconds };
    }
    case 'asleep':
      return asleepFacts(state);
    case 'draining': {
      const { held, pids, reason } = state;
      return { ...NOTHING, devices: Object.keys(held), measuredBytes: held, pids, phase: reason };
    }
    case 'failed':
      return { ...NOTHING, retryInMs: state.retryAtMs === null ? null : Math.max(0, state.retryAtMs - nowMs) };
    case 'queued':
      return state.asleep === null ? NOTHING : asleepFacts(state.asleep);
    case 'discovered':
    case 'analyzed':
    case 'unloaded':
      return NOTHING;
    default:
      return assertNever(state);
  }
}

function asleepFacts({ plan, held, pids }: Asleep): StateFacts {
  return { ...NOTHING, plan, runtime: plan.runtime, devices: Object.keys(held), measuredBytes: held, pids };
}

/** Milliseconds since the last inference, or since it became ready; 0 while one runs (I5). */
function idleFor(state: StateOf<'ready'> | Asleep, lastMs: number | null, inFlight: number, nowMs: number): number {
  if (state.name === 'asleep' && lastMs !== null) return nowMs - lastMs;
  return inFlight > 0 ? 0 : Math.max(0, nowMs - Math.max(lastMs ?? 0, state.sinceMs));
}
