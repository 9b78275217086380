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
  /** The remote server that offers the model is away, or no longer offers it. */
  | 'away'
  | 'no-runtime'
  | 'too-large'
  | 'no-room'
  | 'incomplete'
  | 'damaged'
  | 'unreadable'
  | 'not-servable';

/** The progress of a copy. `bytesExpected` is null until a header states it. */
export interface CopyProgress {
  readonly bytesPresent: number;
  readonly bytesExpected: number | null;
  /** Names of missing files, or `name: what is missing`. */
  readonly missing: readonly string[];
}

/** The progress of files that have not been read yet. */
export const NOTHING_COPIED: CopyProgress = { bytesPresent: 0, bytesExpected: null, missing: [] };

/**
 * Where a runtime listens: at a loopback port, at a Unix socket, or elsewhere (scheme, host and
 * port).
 */
export type Address = { readonly port: number } | { readonly socket: string } | { readonly url: string };

/** A server, and the key for it. */
export interface Server {
  readonly at: Address;
  readonly key: string | null;
  /** The header that carries the key; absent: `Authorization`, as a bearer's token. */
  readonly keyHeader?: string | undefined;
}

/** How large the parts of a request may be. */
export interface RequestBounds {
  readonly contextTokens: number;
  /** Of a JSON schema for the answer, keys and commas included. */
  readonly schemaValues: number;
}

/** How a model is reached. */
export interface Endpoint extends Server {
  /** `none`: nothing is known of its routes. */
  readonly protocol: 'openai' | 'v2' | 'none';
  /** The model's name on its server. */
  readonly model: string;
  /** The prefix of OpenAI's routes on its server, in place of `/v1`. */
  readonly prefix: string;
  /**
   * Its server serves other models too: no request is passed on that could reach them, or the
   * server as a whole.
   */
  readonly isShared?: boolean | undefined;
  /** With protocol `v2`: the model's input and output tensors, as its server describes them. */
  readonly tensors?: ServedTensors | undefined;
  /** The largest request that its server accepts; absent: unknown. */
  readonly mostRequestBytes?: number | undefined;
  /** As its server says; absent: unknown. */
  readonly bounds?: RequestBounds | undefined;
  /** The server for loading models, with its key, if it has another address. */
  readonly control?: Server | undefined;
  /**
   * For a model in a server elsewhere: the GPU memory that its load took there; absent: unknown.
   */
  readonly tookBytes?: number | undefined;
  /**
   * Processes of its server that serve other models, as the server reports: their memory does not
   * belong to this model.
   */
  readonly othersPids?: readonly number[] | undefined;
  /** Where its server publishes its own metrics, if that is another address. */
  readonly figuresAt?: Address | undefined;
}

/** The default prefix of OpenAI's routes. */
export const OPENAI_PREFIX = '/v1';

export interface LoadFailure {
  readonly code: string;
  readonly message: string;
  /** Where the model was being loaded; absent if the load had not begun, or is not remembered. */
  readonly placement?: Placement | undefined;
  readonly lastOutput: readonly string[];
  /** A retry alone would not help. */
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
  /** Its process died or hung, for the first time in a while. */
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
  /** Its remote server is away or no longer offers it. */
  | 'away'
  | 'hung'
  | 'exited'
  | 'sleep'
  | 'load-failed'
  | 'cancelled';

/** The state that follows a drain. */
export type AfterDrain =
  | { readonly to: 'unloaded'; readonly reason: UnloadedReason }
  | { readonly to: 'asleep' }
  | { readonly to: 'failed'; readonly failure: LoadFailure; readonly attempts: number; readonly retryAtMs: number | null }
  | { readonly to: 'analyzed' }
  | { readonly to: 'settling' }
  | { readonly to: 'forgotten' };

/** The model's process lives, but has freed most of its GPU memory. */
export interface Asleep {
  readonly name: 'asleep';
  readonly plan: LaunchPlan;
  readonly tier: number;
  /** The memory that it holds now, and the memory that it holds when awake. */
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
      /** Set while a sleeping process waits to be woken; null: the model waits to be started. */
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
      /** `making-room`, `starting`, then the phases that the runtime reports. */
      readonly phase: string;
      /** From 0 to 1, if the runtime reports it. */
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
      /** The memory that it held, so that the page and the brain know how much will become free. */
      readonly held: DeviceBytes;
      readonly pids: readonly number[];
      /** True once a stop signal was sent: from then on the drain cannot be revoked. */
      readonly signalled: boolean;
      /** The state to which a revoked idle drain returns. */
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
 * damaged or incomplete model is not offered; a failed one is, because the next request tries it
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
  /** A model that this engine served before is back (restart, remount, move). */
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
   * A verdict may change: trust, settings, runtimes, pins or free memory changed, or a user asked
   * again.
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
  /** The process tree is gone and its memory measured free, or the time for that is over. */
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

/**
 * True if the model has processes, or work in progress that starts some: then it leaves by
 * draining.
 */
export function hasProcess(state: ModelState): boolean {
  if (state.name === 'queued') return state.asleep !== null;
  return state.name === 'preparing' || state.name === 'loading' || state.name === 'ready' || state.name === 'asleep';
}
