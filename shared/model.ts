/**
 * The life of a model: its states, and the events that change them. transition.ts says which event
 * leads where.
 */
import type { DeviceBytes, DeviceId, LaunchPlan, Placement, RuntimeId } from './decision.ts';
import type { Reason } from './reason.ts';
import type { ServedTensors } from './tensors.ts';

export type BlockReason =
  | 'needs-trust'
  | 'needs-input'
  /** The cluster that would serve it cannot read its folder. */
  | 'not-visible-on-cluster'
  | 'needs-base'
  /**
   * The server that offers it, which is not ours, cannot be asked now, or does not offer it any
   * more.
   */
  | 'away'
  | 'no-runtime'
  | 'too-large'
  | 'no-room'
  | 'incomplete'
  | 'damaged'
  | 'unreadable'
  | 'not-servable';

/** Where a copy stands. `bytesExpected` is null until a header has told it. */
export interface CopyProgress {
  readonly bytesPresent: number;
  readonly bytesExpected: number | null;
  /** Names of files (or `name: what is missing`) that are not there yet. */
  readonly missing: readonly string[];
}

/** Of files that no one has looked at yet. */
export const NOTHING_COPIED: CopyProgress = { bytesPresent: 0, bytesExpected: null, missing: [] };

/**
 * Where a runtime listens: at a loopback port, at a Unix socket, or elsewhere (scheme, host and
 * port).
 */
export type Address = { readonly port: number } | { readonly socket: string } | { readonly url: string };

/** Whom to ask, and with which key. */
export interface Server {
  readonly at: Address;
  readonly key: string | null;
  /** The header that carries the key; absent: `Authorization`, as a bearer's token. */
  readonly keyHeader?: string | undefined;
}

/** How a model is reached. */
export interface Endpoint extends Server {
  /** `none`: nothing is known of its routes. */
  readonly protocol: 'openai' | 'v2' | 'none';
  /** What its server calls the model. */
  readonly model: string;
  /** What its server has in place of `/v1` in front of OpenAI's routes. */
  readonly prefix: string;
  /**
   * Others live in its server too: nothing that could reach them, or the server as a whole, is
   * passed on.
   */
  readonly isShared?: boolean | undefined;
  /** Of the protocol `v2`: the tensors that it takes and answers with, as its server says. */
  readonly tensors?: ServedTensors | undefined;
  /** Its server refuses larger requests; absent: it does not say. */
  readonly mostRequestBytes?: number | undefined;
  /** Where its server is told what to load, and with which key, if that is another place. */
  readonly control?: Server | undefined;
  /**
   * Of a model in a server elsewhere: by how much GPU memory in use grew there when it was loaded;
   * absent: nobody says.
   */
  readonly tookBytes?: number | undefined;
  /**
   * Processes in its server that serve other models, as the server says: their memory is not its
   * own.
   */
  readonly othersPids?: readonly number[] | undefined;
  /** Where its server tells figures of its own, if that is another place. */
  readonly figuresAt?: Address | undefined;
}

/** Where servers have OpenAI's routes, unless something else is said. */
export const OPENAI_PREFIX = '/v1';

export interface LoadFailure {
  readonly code: string;
  readonly message: string;
  /** Where it was being loaded; absent where that had not begun, or is not remembered. */
  readonly placement?: Placement | undefined;
  readonly lastOutput: readonly string[];
  /** No retry by itself would help. */
  readonly permanent: boolean;
}

export type UnloadedReason =
  | 'not-asked'
  | 'idle'
  | 'memory'
  | 'user'
  | 'cancelled'
  | 'no-free-room'
  | 'restart'
  | 'quit'
  /** Its process ended or hung by itself, for the first time in a while. */
  | 'exited';
export type DrainReason =
  | 'idle'
  | 'memory'
  | 'user'
  | 'quit'
  | 'gone'
  | 'files-changed'
  | 'trust-lost'
  | 'launch-settings'
  | 'server-recycled'
  /** Its server, which is not ours, does not offer it now. */
  | 'away'
  | 'hung'
  | 'exited'
  | 'sleep'
  | 'load-failed'
  | 'cancelled';

/** What a drained model becomes. */
export type AfterDrain =
  | { readonly to: 'unloaded'; readonly reason: UnloadedReason }
  | { readonly to: 'asleep' }
  | { readonly to: 'failed'; readonly failure: LoadFailure; readonly attempts: number; readonly retryAtMs: number | null }
  | { readonly to: 'analyzed' }
  | { readonly to: 'settling' }
  | { readonly to: 'forgotten' };

/** Its process lives, and has given most of its GPU memory back. */
export interface Asleep {
  readonly name: 'asleep';
  readonly plan: LaunchPlan;
  readonly tier: number;
  /** What it still holds, and what it holds when it is awake. */
  readonly held: DeviceBytes;
  readonly awake: DeviceBytes;
  readonly pids: readonly number[];
  readonly sinceMs: number;
}

export type ModelState =
  | { readonly name: 'discovered' }
  | { readonly name: 'settling'; readonly copy: CopyProgress }
  | { readonly name: 'analyzed' }
  | {
      readonly name: 'blocked';
      readonly reason: BlockReason;
      readonly message: string;
      readonly because?: Reason | undefined;
      readonly help: string;
    }
  | { readonly name: 'preparing'; readonly progress: number; readonly sinceMs: number }
  | {
      readonly name: 'queued';
      /** It waits to be woken, its process still living; null: it waits to be started. */
      readonly asleep: Asleep | null;
      readonly sinceMs: number;
      readonly why: string;
      readonly because?: Reason | undefined;
    }
  | {
      readonly name: 'loading';
      readonly plan: LaunchPlan;
      readonly decisionId: number;
      readonly predicted: DeviceBytes;
      /** `making-room`, `starting`, then the runtime's own words for its phases. */
      readonly phase: string;
      /** 0..1 where the runtime tells it. */
      readonly progress: number | null;
      readonly pids: readonly number[];
      readonly sinceMs: number;
    }
  | {
      readonly name: 'ready';
      readonly plan: LaunchPlan;
      readonly runtime: RuntimeId;
      readonly endpoint: Endpoint;
      readonly devices: readonly DeviceId[];
      readonly predicted: DeviceBytes;
      readonly measured: DeviceBytes;
      readonly pids: readonly number[];
      readonly sinceMs: number;
      readonly loadSeconds: number;
    }
  | Asleep
  | {
      readonly name: 'draining';
      readonly reason: DrainReason;
      readonly from: 'preparing' | 'loading' | 'ready' | 'asleep' | 'queued';
      readonly becomes: AfterDrain;
      readonly deadlineMs: number;
      /** What it held, so that the page and the brain can say what will come free. */
      readonly held: DeviceBytes;
      readonly pids: readonly number[];
      /** True once a stop signal went out: from then on it cannot be revoked. */
      readonly signalled: boolean;
      /** What an idle drain goes back to when it is revoked. */
      readonly ready: Extract<ModelState, { name: 'ready' }> | null;
    }
  | { readonly name: 'unloaded'; readonly reason: UnloadedReason; readonly atMs: number }
  | { readonly name: 'failed'; readonly failure: LoadFailure; readonly attempts: number; readonly retryAtMs: number | null };

export type StateName = ModelState['name'];
export type StateOf<N extends StateName> = Extract<ModelState, { name: N }>;
export const STATE_NAMES = [
  'discovered',
  'settling',
  'analyzed',
  'blocked',
  'preparing',
  'queued',
  'loading',
  'ready',
  'asleep',
  'draining',
  'unloaded',
  'failed',
] as const satisfies readonly StateName[];

/**
 * States in which a request waits or is answered; in the others it is refused at once. A blocked,
 * damaged or half-copied model is not offered; a failed one is, since the next request tries it
 * again.
 */
export const SERVABLE_STATES: ReadonlySet<StateName> = new Set([
  'analyzed',
  'preparing',
  'queued',
  'loading',
  'ready',
  'asleep',
  'draining',
  'unloaded',
  'failed',
]);

/** States in which a model holds memory, or is about to. */
export const LOADED_STATES: ReadonlySet<StateName> = new Set(['loading', 'ready', 'asleep', 'draining']);
/** States on the way to a load. */
export const COMING_STATES: ReadonlySet<StateName> = new Set(['preparing', 'queued', 'loading']);

/** Facts, in the past tense. Times are monotonic milliseconds. */
export type ModelEvent =
  | { readonly type: 'listed'; readonly copy: CopyProgress }
  | { readonly type: 'copied'; readonly copy: CopyProgress }
  | { readonly type: 'analyzed' }
  /** Content that this engine served before came back (restart, remount, move). */
  | { readonly type: 'recognised'; readonly as: StateOf<'unloaded'> | StateOf<'failed'> }
  | {
      readonly type: 'blocked';
      readonly reason: BlockReason;
      readonly message: string;
      readonly because?: Reason | undefined;
      readonly help: string;
    }
  | { readonly type: 'rested'; readonly reason: UnloadedReason; readonly atMs: number }
  | { readonly type: 'queued'; readonly sinceMs: number; readonly why: string }
  | { readonly type: 'queue-moved'; readonly why: string; readonly because?: Reason | undefined }
  | { readonly type: 'preparation-started'; readonly sinceMs: number }
  | { readonly type: 'preparation-progressed'; readonly progress: number }
  | { readonly type: 'prepared'; readonly sinceMs: number }
  /**
   * Something that a verdict rests on changed: trust, settings, runtimes, pins, room, or somebody
   * asks again.
   */
  | { readonly type: 'reconsidered' }
  | { readonly type: 'files-changed'; readonly copy: CopyProgress }
  | { readonly type: 'gone' }
  | {
      readonly type: 'granted';
      readonly plan: LaunchPlan;
      readonly decisionId: number;
      readonly predicted: DeviceBytes;
      readonly sinceMs: number;
    }
  | { readonly type: 'load-progressed'; readonly phase: string; readonly progress: number | null; readonly pids: readonly number[] }
  | {
      readonly type: 'loaded';
      readonly endpoint: Endpoint;
      readonly devices: readonly DeviceId[];
      readonly measured: DeviceBytes;
      readonly pids: readonly number[];
      readonly sinceMs: number;
      readonly loadSeconds: number;
    }
  | { readonly type: 'drain-started'; readonly reason: DrainReason; readonly becomes: AfterDrain; readonly deadlineMs: number }
  | { readonly type: 'drain-redirected'; readonly becomes: AfterDrain }
  | { readonly type: 'drain-signalled' }
  | { readonly type: 'drain-revoked' }
  /** Process tree gone and memory seen free, or the bounded wait for it over. */
  | { readonly type: 'drained'; readonly atMs: number; readonly copy: CopyProgress }
  | {
      readonly type: 'asleep-settled';
      readonly tier: number;
      readonly held: DeviceBytes;
      readonly awake: DeviceBytes;
      readonly plan: LaunchPlan;
      readonly pids: readonly number[];
      readonly atMs: number;
    };

export type Next = ModelState | 'forgotten';

/** Has it processes, or work under way that makes some? Then it leaves through draining. */
export function hasProcess(state: ModelState): boolean {
  if (state.name === 'queued') return state.asleep !== null;
  return state.name === 'preparing' || state.name === 'loading' || state.name === 'ready' || state.name === 'asleep';
}
