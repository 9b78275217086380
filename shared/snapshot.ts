/**
 * The state of a running engine as the window, `GET /status` and the command line see it. Plain
 * data, read from its owners; no decision reads it (I9).
 */
import type { DeviceBytes, DeviceId, LaunchPlan, RuntimeId } from './decision.ts';
import type { CopyProgress, StateName } from './model.ts';
import type { FormKind, ModelKind, ModelProfile } from './profile.ts';
import type { Reason } from './reason.ts';

export interface DeviceView {
  readonly id: DeviceId;
  readonly kind: 'gpu' | 'host';
  /** GPU index as nvidia-smi counts; null for the host. */
  readonly index: number | null;
  readonly name: string;
  readonly simulated: boolean;
  readonly totalBytes: number;
  readonly usedBytes: number;
  /** Kept free on purpose (`reserve_mb`). */
  readonly reservedBytes: number;
  /** Promised to loads under way and not yet seen taken. */
  readonly promisedBytes: number;
  /** Still held after an unload that should have freed it. */
  readonly leakedBytes: number;
  /** What a new load may take. */
  readonly availableBytes: number;
  /** Measured bytes of our models, and what other programs hold. */
  readonly byModel: Readonly<Record<string, number>>;
  readonly othersBytes: number;
  /** Who holds `othersBytes`, the largest first, as far as the driver names them. */
  readonly programs: readonly ProgramView[];
  /** What `leakedBytes` is made of. */
  readonly leaks: readonly LeakView[];
  readonly utilizationRatio: number | null;
  readonly powerWatts: number | null;
  readonly temperatureCelsius: number | null;
}

/** Another program that holds a GPU's memory. It is nobody's to end but its owner's. */
export interface ProgramView {
  readonly pid: number;
  /** Its file's name; null: not told. */
  readonly name: string | null;
  readonly bytes: number;
}

/** Memory that a model which has ended still holds. */
export interface LeakView {
  readonly modelId: string;
  /** The processes that held it, dead or alive. */
  readonly pids: readonly number[];
  readonly bytes: number;
}

/**
 * How fast a model answered lately: its last hundred requests at most, none older than ten minutes.
 */
export interface PaceView {
  readonly requests: number;
  /**
   * Half of the requests took at most this long, 95 of a hundred at most `p95Ms`: from their
   * arrival to the last byte.
   */
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Null where no answer was written in tokens. */
  readonly firstTokenP50Ms: number | null;
  /** Of one answer as it is written; the middle one. */
  readonly tokensPerSecond: number | null;
}

/** A request that has ended. */
export interface RequestView {
  /** Counts up from the engine's start. */
  readonly id: number;
  /** When it ended, in milliseconds since 1970. */
  readonly atMs: number;
  readonly model: string;
  readonly runtime: RuntimeId | null;
  /** 499: its client left. */
  readonly status: number;
  readonly totalMs: number;
  readonly queueMs: number;
  readonly firstTokenMs: number | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly tokensPerSecond: number | null;
}

/** The requests of today, as far as they are kept: the newest first. */
export interface ActivityView {
  readonly nowMs: number;
  /** The newest first, at most as many as were asked for. */
  readonly requests: readonly RequestView[];
  /** Kept requests that match what was asked, those beyond the limit included. */
  readonly matching: number;
  /**
   * Requests that were answered since the engine's start, those included that are not kept any
   * more.
   */
  readonly total: number;
}

export interface ModelView {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly path: string;
  /** The server elsewhere that offers it, in words; absent: it lies here. */
  readonly remote?: string | undefined;
  readonly state: StateName;
  /** The state in a sentence: what it waits for, why it is blocked, what failed. */
  readonly message: string;
  /** The same in at most 80 characters, for rows and cells. */
  readonly headline: string;
  /** Why it waits, is blocked or failed, as data. */
  readonly because?: Reason | undefined;
  readonly help: string | null;
  readonly blockedReason: string | null;
  readonly copy: CopyProgress | null;
  readonly phase: string | null;
  readonly progress: number | null;
  readonly runtime: RuntimeId | null;
  readonly devices: readonly DeviceId[];
  readonly plan: LaunchPlan | null;
  readonly predictedBytes: DeviceBytes | null;
  readonly measuredBytes: DeviceBytes | null;
  readonly pids: readonly number[];
  readonly inFlight: number;
  /** Requests that wait for it to be loaded, or for a place at it. */
  readonly waiting: number;
  /** How long the one that waits longest does so; 0 without any. */
  readonly longestWaitMs: number;
  readonly queriesPerSecond: number;
  readonly idleMs: number | null;
  /** Milliseconds until idleness unloads it; null when nothing will. */
  readonly idleLeftMs: number | null;
  readonly loadSeconds: number | null;
  readonly retryInMs: number | null;
  readonly pinned: boolean;
  /** A person registered its path. What lies in a watch folder is moved away instead. */
  readonly canForget: boolean;
  /** Null: nobody asked it lately. */
  readonly pace: PaceView | null;
  readonly profile: ModelProfile | null;
}

/** A machine of a cluster that is not this one. */
export interface NodeView {
  readonly name: string;
  readonly isAlive: boolean;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** How many GPUs it has, of which kind; what is known of each lies with the cluster. */
  readonly gpus: number;
  readonly gpuName: string | null;
  /** GPUs (in shares) and processors that are promised to somebody. */
  readonly usedGpus: number;
  readonly usedCpus: number;
}

/**
 * What a server of tensors counts of a model since it was loaded, its own first request included.
 */
export interface ServedStatistics {
  readonly requests: number;
  readonly failed: number;
  /** More than requests where those come in batches. */
  readonly inferences: number;
  /** Fewer than inferences where several are computed as one. */
  readonly executions: number;
  /** Milliseconds of each request; null: there was none. */
  readonly averageQueueMs: number | null;
  readonly averageComputeMs: number | null;
  /** As ISO 8601; null: never. */
  readonly lastAt: string | null;
}

/**
 * A server that models of a runtime live in: one of ours, or one of somebody else's, which is there
 * or away.
 */
export interface ServerView {
  readonly state: 'absent' | 'starting' | 'up' | 'recycling' | 'stopping' | 'there' | 'away';
  /** What it opens while it runs, as a sentence without its full stop; null: it is not ours. */
  readonly opens: string | null;
}

export interface RuntimeView {
  readonly id: RuntimeId;
  readonly enabled: boolean;
  readonly found: boolean;
  readonly version: string | null;
  /** Where it was found, or what to do to have it. */
  readonly message: string;
  /** The settings are wrong about it. */
  readonly isWrong?: boolean | undefined;
  /** The machines of its cluster; absent: it has none. */
  readonly nodes?: readonly NodeView[] | undefined;
  /** Absent: each model has a process of its own, or the runtime is not here. */
  readonly server?: ServerView | undefined;
}

export interface WatchFolderView {
  readonly path: string;
  readonly ok: boolean;
  readonly message: string;
  readonly polling: boolean;
}

export interface Snapshot {
  readonly version: string;
  readonly address: string;
  readonly startedAt: string;
  readonly settingsFile: string | null;
  readonly settingsProblem: string | null;
  readonly devices: readonly DeviceView[];
  readonly models: readonly ModelView[];
  readonly runtimes: readonly RuntimeView[];
  readonly watchFolders: readonly WatchFolderView[];
  readonly lastDecisionId: number;
  /** What all models write together, over the last half minute. */
  readonly tokensPerSecond: number;
}

/**
 * One device's past, a value for each moment of `History.atMs`; null where the device was not
 * there.
 */
export interface DeviceHistory {
  readonly usedBytes: readonly (number | null)[];
  readonly othersBytes: readonly (number | null)[];
  readonly promisedBytes: readonly (number | null)[];
  readonly leakedBytes: readonly (number | null)[];
  readonly utilizationRatio: readonly (number | null)[];
  readonly powerWatts: readonly (number | null)[];
  readonly temperatureCelsius: readonly (number | null)[];
  readonly byModel: Readonly<Record<string, readonly number[]>>;
}

export interface History {
  readonly stepMs: number;
  /** The engine's clock as it answered: the window's may differ, and adds points of its own. */
  readonly nowMs: number;
  /** Milliseconds since 1970, oldest first. */
  readonly atMs: readonly number[];
  readonly devices: Readonly<Record<DeviceId, DeviceHistory>>;
}

/**
 * What /control/events sends: a snapshot, then what changed of it. `ageMs`: how long ago that was
 * so; spans in it count from then.
 */
export type EngineEvent =
  | { readonly type: 'snapshot'; readonly id: number; readonly ageMs: number; readonly snapshot: Snapshot }
  | {
      readonly type: 'change';
      readonly id: number;
      readonly ageMs: number;
      readonly changed: Partial<Snapshot>;
      readonly removedModels: readonly string[];
    };

/** A file that would be executed or unpickled, for a person to look at. */
export interface CodeFileView {
  readonly path: string;
  readonly bytes: number;
  readonly why: string;
  /**
   * The first 64 KiB of a text; null for what is none, and where all files together are too much to
   * show.
   */
  readonly preview: string | null;
  /** There is more of its text than `preview` shows, or none of it is shown. */
  readonly isCut: boolean;
}

/** A form of a model that brings code: what is trusted is its hash. */
export interface TrustFormView {
  readonly form: FormKind;
  readonly hash: string;
  readonly trusted: boolean;
  readonly trustedAt: string | null;
  readonly files: readonly CodeFileView[];
}

export interface TrustView {
  readonly id: string;
  /** Empty: it brings no code, and nothing has to be trusted. */
  readonly forms: readonly TrustFormView[];
}

/** Tools whose models can be served where they lie. */
export const MODEL_STORES = ['huggingface', 'lm-studio', 'ollama'] as const;
export type ModelStore = (typeof MODEL_STORES)[number];

export const STORE_NAMES: Readonly<Record<ModelStore, string>> = {
  huggingface: 'Hugging Face',
  'lm-studio': 'LM Studio',
  ollama: 'Ollama',
};

/** A model that another tool has on this machine. */
export interface FoundModel {
  readonly store: ModelStore;
  /** As that tool calls it: `owner/name`, `llama3.2:1b`. */
  readonly name: string;
  /** What to register: a repository, a folder, a file or a manifest of the store. */
  readonly path: string;
  /** Where its bytes lie. */
  readonly realPath: string;
  readonly bytes: number;
  readonly kind: ModelKind | null;
  readonly quantization: string | null;
  readonly whole: boolean;
  /** In a sentence what is missing or wrong. */
  readonly problem: string | null;
  /** The id under which it is registered here already. */
  readonly registered: string | null;
}
