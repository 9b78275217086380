/**
 * The table of a model's state machine: which event leads from which state to which. Pure. Only
 * `main/core/registry.ts` calls `transition()` (I1); a missing entry is a bug and throws.
 */
import type { DeviceBytes } from './decision.ts';
import { assertNever } from './errors.ts';
import type { BlockReason, ModelEvent, ModelState, Next, StateName, StateOf } from './model.ts';

/** An illegal move; always a bug of ours, never an answer to a person. */
export class IllegalTransition extends Error {
  constructor(state: StateName, event: ModelEvent['type']) {
    super(`illegal transition: ${event} in state ${state}`);
    this.name = 'IllegalTransition';
  }
}

/**
 * The whole state machine: `state` x `event` -> next state, or `forgotten` when the record ends.
 * @throws {IllegalTransition} when the table lacks the move.
 */
export function transition(state: ModelState, event: ModelEvent): Next {
  switch (state.name) {
    case 'discovered':
      return fromDiscovered(state, event);
    case 'settling':
      return fromSettling(state, event);
    case 'analyzed':
      return fromAnalyzed(state, event);
    case 'blocked':
    case 'unloaded':
    case 'failed':
      return fromResting(state, event);
    case 'preparing':
      return fromPreparing(state, event);
    case 'queued':
      return fromQueued(state, event);
    case 'loading':
      return fromLoading(state, event);
    case 'ready':
      return fromReady(state, event);
    case 'asleep':
      return fromAsleep(state, event);
    case 'draining':
      return fromDraining(state, event);
    default:
      return assertNever(state);
  }
}

function fromDiscovered(state: ModelState, event: ModelEvent): Next {
  if (event.type === 'listed') return { name: 'settling', copy: event.copy };
  if (event.type === 'recognised') return event.as;
  if (event.type === 'blocked' && event.reason === 'unreadable') return blocked(event);
  if (event.type === 'gone') return 'forgotten';
  throw new IllegalTransition(state.name, event.type);
}

/**
 * Reasons that come from the files alone, before there is a profile: only reading the files again
 * can change them.
 */
export const BY_FILES: ReadonlySet<BlockReason> = new Set(['unreadable', 'damaged', 'incomplete', 'not-servable']);

function fromSettling(state: ModelState, event: ModelEvent): Next {
  if (event.type === 'copied' || event.type === 'files-changed') return { name: 'settling', copy: event.copy };
  if (event.type === 'analyzed') return { name: 'analyzed' };
  if (event.type === 'recognised') return event.as;
  if (event.type === 'blocked' && BY_FILES.has(event.reason)) return blocked(event);
  if (event.type === 'gone') return 'forgotten';
  throw new IllegalTransition(state.name, event.type);
}

function fromAnalyzed(state: ModelState, event: ModelEvent): Next {
  if (event.type === 'preparation-started') return { name: 'preparing', progress: 0, sinceMs: event.sinceMs };
  if (event.type === 'queued') return { name: 'queued', asleep: null, sinceMs: event.sinceMs, why: event.why };
  if (event.type === 'blocked') return blocked(event);
  if (event.type === 'rested') return { name: 'unloaded', reason: event.reason, atMs: event.atMs };
  throw new IllegalTransition(state.name, event.type);
}

function fromResting(state: StateOf<'blocked'> | StateOf<'unloaded'> | StateOf<'failed'>, event: ModelEvent): Next {
  if (event.type === 'reconsidered') return { name: 'analyzed' };
  if (event.type === 'files-changed') return { name: 'settling', copy: event.copy };
  if (event.type === 'gone') return 'forgotten';
  throw new IllegalTransition(state.name, event.type);
}

function fromPreparing(state: StateOf<'preparing'>, event: ModelEvent): Next {
  if (event.type === 'preparation-progressed') return { ...state, progress: event.progress };
  if (event.type === 'prepared') return { name: 'queued', asleep: null, sinceMs: event.sinceMs, why: 'prepared' };
  if (event.type === 'drain-started') return draining(state, event, {}, [], null);
  throw new IllegalTransition(state.name, event.type);
}

function fromQueued(state: StateOf<'queued'>, event: ModelEvent): Next {
  if (event.type === 'queue-moved') return { ...state, why: event.why, because: event.because };
  if (event.type === 'granted') {
    const { plan, decisionId, predicted, sinceMs } = event;
    return { name: 'loading', plan, decisionId, predicted, phase: 'making-room', progress: null, pids: [], sinceMs };
  }
  if (state.asleep !== null) {
    // The sleeping process still lives: every way out ends it first, except a grant and "nobody
    // wants it".
    if (event.type === 'drain-started') return draining(state, event, state.asleep.held, state.asleep.pids, null);
    if (event.type === 'rested') return state.asleep;
    // The queue decides about it again at each check.
    if (event.type === 'reconsidered') return state;
    throw new IllegalTransition(state.name, event.type);
  }
  if (event.type === 'preparation-started') return { name: 'preparing', progress: 0, sinceMs: event.sinceMs };
  if (event.type === 'blocked') return blocked(event);
  if (event.type === 'rested') return { name: 'unloaded', reason: event.reason, atMs: event.atMs };
  if (event.type === 'reconsidered') return { name: 'analyzed' };
  if (event.type === 'files-changed') return { name: 'settling', copy: event.copy };
  if (event.type === 'gone') return 'forgotten';
  throw new IllegalTransition(state.name, event.type);
}

function fromLoading(state: StateOf<'loading'>, event: ModelEvent): Next {
  if (event.type === 'load-progressed') return { ...state, phase: event.phase, progress: event.progress, pids: event.pids };
  if (event.type === 'loaded') {
    const { endpoint, devices, measured, pids, sinceMs, loadSeconds } = event;
    const { plan, predicted } = state;
    return { name: 'ready', plan, runtime: plan.runtime, endpoint, devices, predicted, measured, pids, sinceMs, loadSeconds };
  }
  if (event.type === 'drain-started') return draining(state, event, state.predicted, state.pids, null);
  throw new IllegalTransition(state.name, event.type);
}

function fromReady(state: StateOf<'ready'>, event: ModelEvent): Next {
  if (event.type === 'drain-started') return draining(state, event, state.measured, state.pids, state);
  throw new IllegalTransition(state.name, event.type);
}

function fromAsleep(state: StateOf<'asleep'>, event: ModelEvent): Next {
  if (event.type === 'queued') return { name: 'queued', asleep: state, sinceMs: event.sinceMs, why: event.why };
  if (event.type === 'drain-started') return draining(state, event, state.held, state.pids, null);
  throw new IllegalTransition(state.name, event.type);
}

function fromDraining(state: StateOf<'draining'>, event: ModelEvent): Next {
  if (event.type === 'drain-redirected') return { ...state, becomes: event.becomes };
  if (event.type === 'drain-signalled') return { ...state, signalled: true };
  if (event.type === 'drain-revoked') {
    // Only an idle drain that has not sent its stop signal can be revoked: its process is untouched
    // and still serves.
    if (state.reason !== 'idle' || state.signalled || state.ready === null) throw new IllegalTransition(state.name, event.type);
    return state.ready;
  }
  if (event.type === 'asleep-settled' && state.becomes.to === 'asleep') {
    const { plan, tier, held, awake, pids, atMs } = event;
    return { name: 'asleep', plan, tier, held, awake, pids, sinceMs: atMs };
  }
  if (event.type !== 'drained') throw new IllegalTransition(state.name, event.type);
  const { becomes } = state;
  switch (becomes.to) {
    case 'unloaded':
      return { name: 'unloaded', reason: becomes.reason, atMs: event.atMs };
    case 'failed':
      return { name: 'failed', failure: becomes.failure, attempts: becomes.attempts, retryAtMs: becomes.retryAtMs };
    case 'analyzed':
      return { name: 'analyzed' };
    case 'settling':
      return { name: 'settling', copy: event.copy };
    case 'forgotten':
      return 'forgotten';
    case 'asleep':
      throw new IllegalTransition(state.name, event.type);
    default:
      return assertNever(becomes);
  }
}

function blocked(event: Extract<ModelEvent, { type: 'blocked' }>): ModelState {
  return { name: 'blocked', reason: event.reason, message: event.message, because: event.because, help: event.help };
}

function draining(
  state: StateOf<'preparing' | 'queued' | 'loading' | 'ready' | 'asleep'>,
  event: Extract<ModelEvent, { type: 'drain-started' }>,
  held: DeviceBytes,
  pids: readonly number[],
  ready: StateOf<'ready'> | null,
): ModelState {
  const { reason, becomes, deadlineMs } = event;
  return { name: 'draining', reason, from: state.name, becomes, deadlineMs, held, pids, signalled: false, ready };
}
