/**
 * Defines a runtime adapter: facts about the runtime, and generators that yield steps (`step.ts`).
 * An adapter imports these two files, `core` and `shared` only, and has no await, process, socket,
 * clock or log. The hosts execute the steps; tests answer them from a table.
 */

import type { BufferBytes, LaunchPlan, Preparation } from '../../shared/decision.ts';
import type { Endpoint } from '../../shared/model.ts';
import type { ModelProfile } from '../../shared/profile.ts';
import type { NodeView } from '../../shared/snapshot.ts';
import type { RuntimeFound, RuntimePlanner } from '../core/decide/planner.ts';
import type { Problem } from '../core/notice/elsewhere.ts';
import type { OfferedModel as Offer } from '../core/notice/offered.ts';
import type { Exit, StopSignal } from '../core/process-ports.ts';
import type { RetryRequest } from '../core/retry-with.ts';
import type { Steps } from './step.ts';

/** The input of a preparation: a file that is made from a model's files before it can be loaded. */
export interface PrepareTarget {
  readonly modelId: string;
  /** Path relative to the folder -> absolute path. */
  readonly places: Readonly<Record<string, string>>;
  /** Absolute path of the file to make. */
  readonly output: string;
  /**
   * A file that was made from these files before they were touched: reused if it is still valid,
   * otherwise removed. Null: there is none.
   */
  readonly earlier: string | null;
  readonly preparation: Preparation;
}

/** The input of a load: the plan, and where its files are. */
export interface LoadTarget {
  readonly modelId: string;
  /** Absolute path of the candidate (a file or folder). */
  readonly path: string;
  /** Absolute path of the first file of the plan's form, or of the prepared file. */
  readonly file: string;
  readonly plan: LaunchPlan;
  readonly profile: ModelProfile;
  /**
   * What the model must answer first, as a proof that it works: a token, an embedding, a ranking of
   * one document, a class, tensors.
   */
  readonly proof: 'generate' | 'embed' | 'rank' | 'classify' | 'infer' | 'none';
}

/** Why a load failed, in one sentence with the figures and a next step. */
export interface Explanation {
  readonly code: 'runtime-exited' | 'out-of-memory';
  readonly message: string;
  /** A retry alone would not help. */
  readonly permanent: boolean;
  /** Try once more at once, with this change. */
  readonly retryWith: RetryRequest | null;
}

export interface Progress {
  readonly phase: string;
  readonly progress: number | null;
  /**
   * True for a phase that may work for minutes without output and without reading: then processor
   * time is the sign of life.
   */
  readonly isSilent?: boolean;
}

/** How a runtime's processes are ended. */
export interface Stopping {
  /** The signal that asks them to end; absent: SIGTERM. */
  readonly signal?: StopSignal;
  /** Seconds between this signal and SIGKILL. */
  readonly graceSeconds: number;
  /**
   * The same for a runtime that is not ready yet, or whose first process is gone: some runtimes
   * lose the signal then.
   */
  readonly loadingGraceSeconds: number;
  /**
   * True: the signal goes to the first process only, which ends the others in order. False: to all
   * at once.
   */
  readonly leaderFirst: boolean;
}

/**
 * The result of checking a server that Modelium does not run: its endpoint and models, or why it is
 * away. `offers` is known in both cases.
 */
export type ForeignStatus =
  | {
      readonly isThere: true;
      readonly endpoint: Endpoint;
      readonly offers: readonly Offer[];
      /**
       * Models that Modelium loaded into it and that are still there, by their names there; absent:
       * Modelium loads nothing into it.
       */
      readonly loaded?: readonly string[] | undefined;
      /**
       * The machines of which it consists; absent: not reported this time, so the last report still
       * counts.
       */
      readonly nodes?: readonly NodeView[] | undefined;
    }
  /** `why` is a sentence, and `help` another that says what a user can do. */
  | (Problem & { readonly isThere: false; readonly offers: readonly Offer[] });

/** A server that Modelium starts and that several models share. `start` ends when it answers. */
export interface OwnFacts {
  readonly name: string;
  readonly isForeign: false;
  /** What the server opens to others while it runs, as a sentence without its full stop. */
  readonly opens?: string | undefined;
  start(): Steps<Endpoint>;
}

/** A server that others run: Modelium checks it, and never starts, restarts or ends it. */
export interface ForeignFacts {
  readonly name: string;
  readonly isForeign: true;
  /** The server in words, for users. */
  readonly where: string;
  /** Equal as long as it is the same server with the same settings. */
  readonly about: string;
  check(): Steps<ForeignStatus>;
}

export type ServerFacts = OwnFacts | ForeignFacts;

export interface Adapter extends RuntimePlanner {
  /**
   * Whether the runtime is installed, its version, and whether it can use the GPUs. Uses only the
   * facts passed in.
   */
  readonly found: RuntimeFound;
  readonly portRange: readonly [number, number];
  readonly stopping: Stopping;
  /**
   * The servers that its models share; a plan's `server` names one of them. `load` joins that
   * server by the step `enter` and starts nothing; `detach` is its opposite. Absent: each model has
   * a process of its own.
   */
  readonly servers?: readonly ServerFacts[];
  load(target: LoadTarget): Steps<Endpoint>;
  /**
   * Makes a ready model free most of its GPU memory and keep its weights in main memory. Absent:
   * this runtime cannot.
   */
  sleep?(endpoint: Endpoint): Steps<void>;
  /** Wakes a sleeping model; ends when it answers again. */
  wake?(target: LoadTarget, endpoint: Endpoint): Steps<Endpoint>;
  /** Whether a model that was launched by this plan can sleep. */
  canSleep?(plan: LaunchPlan): boolean;
  /** Loads a LoRA into a base that is ready; ends when it has answered. */
  attach?(modelId: string, path: string, base: Endpoint): Steps<Endpoint>;
  /** Unloads a LoRA from its base, or a model from its server. */
  detach?(modelId: string, server: Endpoint): Steps<void>;
  /**
   * Makes the file that `preparations` names. Ends when the file is complete; throws an error with
   * a sentence if it cannot be made.
   */
  prepare?(target: PrepareTarget): Steps<void>;
  /**
   * Called after an answer that looks broken: why the model no longer works, in a sentence; null:
   * it works. Absent: a broken model ends its process.
   */
  checkModel?(endpoint: Endpoint): Steps<string | null>;
  /** The bytes that the prepared file will take on disk. */
  preparedBytes?(profile: ModelProfile, preparation: Preparation): number;
  /**
   * True: the runtime may not answer health checks while it works on a request. Absent: it does.
   */
  readonly isSilentAtWork?: boolean;
  /**
   * The requests that a model launched by this plan handles at once; absent: as many as the plan
   * has sequences.
   */
  capacity?(plan: LaunchPlan): number;
  /** The progress of the load that a line of output shows; null: none. */
  progress(line: string): Progress | null;
  /**
   * Explains why the process ended.
   * @param lines the output of this launch, bounded.
   */
  explainExit(exit: Exit, lines: readonly string[]): Explanation;
  /**
   * The memory that the runtime itself reports for one of its processes, read when the model is
   * ready; null or absent: it reports none.
   */
  reported?(lines: readonly string[]): BufferBytes | null;
}
