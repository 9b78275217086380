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

/** What is made of a model's files before it can be loaded. */
export interface PrepareTarget {
  readonly modelId: string;
  /** Path relative to the folder -> absolute path. */
  readonly places: Readonly<Record<string, string>>;
  /** Absolute path of what is made. */
  readonly output: string;
  /**
   * What was made of these files before somebody touched them: taken over where it still holds,
   * else removed. Null: nothing.
   */
  readonly earlier: string | null;
  readonly preparation: Preparation;
}

/** What is loaded: the plan, and where its files are. */
export interface LoadTarget {
  readonly modelId: string;
  /** Absolute path of the candidate (a file or folder). */
  readonly path: string;
  /** Absolute path of the first file of the plan's form, or of what was prepared. */
  readonly file: string;
  readonly plan: LaunchPlan;
  readonly profile: ModelProfile;
  /**
   * What the model is asked for as the first proof: a token, an embedding, a ranking of one
   * document, a class, tensors.
   */
  readonly proof: 'generate' | 'embed' | 'rank' | 'classify' | 'infer' | 'none';
}

/** What a failed load means, in one sentence with the numbers and a next step. */
export interface Explanation {
  readonly code: 'runtime-exited' | 'out-of-memory';
  readonly message: string;
  /** No retry by itself would help. */
  readonly permanent: boolean;
  /** Try once more at once with something else. */
  readonly retryWith: RetryRequest | null;
}

export interface Progress {
  readonly phase: string;
  readonly progress: number | null;
  /**
   * A phase that may work for minutes without a line, and without reading: there processor time is
   * a sign of life.
   */
  readonly isSilent?: boolean;
}

/** How a runtime's processes are asked to end. */
export interface Stopping {
  /** What asks them to; absent: SIGTERM. */
  readonly signal?: StopSignal;
  /** Seconds between that and SIGKILL. */
  readonly graceSeconds: number;
  /**
   * The same for one that is not ready yet, or whose first process is gone: some lose the signal
   * then.
   */
  readonly loadingGraceSeconds: number;
  /**
   * SIGTERM goes to the first process alone, which ends the others in order; else to all at once.
   */
  readonly leaderFirst: boolean;
}

/**
 * How a server that is not ours answered, and what it offers; where it is away: what is known of it
 * all the same.
 */
export type ForeignStatus =
  | {
      readonly isThere: true;
      readonly endpoint: Endpoint;
      readonly offers: readonly Offer[];
      /**
       * Models that we loaded into it and that are there, by what they are called there; absent:
       * nothing is loaded into it.
       */
      readonly loaded?: readonly string[] | undefined;
      /**
       * The machines that it consists of; absent: it did not tell, so those it told before still
       * count.
       */
      readonly nodes?: readonly NodeView[] | undefined;
    }
  /** `why`: a sentence, and `help` another: what a person can do. */
  | (Problem & { readonly isThere: false; readonly offers: readonly Offer[] });

/** A server of ours that several models live in. `start` ends when it answers. */
export interface OwnFacts {
  readonly name: string;
  readonly isForeign: false;
  /** What it opens while it runs, as a sentence without its full stop. */
  readonly opens?: string | undefined;
  start(): Steps<Endpoint>;
}

/** A server of somebody else: never started, restarted or ended by us, only looked at. */
export interface ForeignFacts {
  readonly name: string;
  readonly isForeign: true;
  /** In words. */
  readonly where: string;
  /** Equal as long as it is the same server, asked in the same way. */
  readonly about: string;
  check(): Steps<ForeignStatus>;
}

export type ServerFacts = OwnFacts | ForeignFacts;

export interface Adapter extends RuntimePlanner {
  /** Is it here, which version, can it use the GPUs? Asks only the facts handed in. */
  readonly found: RuntimeFound;
  readonly portRange: readonly [number, number];
  readonly stopping: Stopping;
  /**
   * Servers that its models live in; a plan's `server` names the one. `load` gets into it by the
   * step `enter`, starts nothing, and `detach` is its opposite. Absent: each model has a process of
   * its own.
   */
  readonly servers?: readonly ServerFacts[];
  load(target: LoadTarget): Steps<Endpoint>;
  /**
   * Has a ready one give most of its GPU memory back, its weights waiting in main memory. Absent:
   * it cannot.
   */
  sleep?(endpoint: Endpoint): Steps<void>;
  /** Ends when it answers again. */
  wake?(target: LoadTarget, endpoint: Endpoint): Steps<Endpoint>;
  /** Was it started so that it can sleep? */
  canSleep?(plan: LaunchPlan): boolean;
  /** Loads a LoRA into a base that is ready; ends when it has answered. */
  attach?(modelId: string, path: string, base: Endpoint): Steps<Endpoint>;
  /** Takes a LoRA out of its base, or a model out of its server. */
  detach?(modelId: string, server: Endpoint): Steps<void>;
  /**
   * Makes what `preparations` names. Ends when it is there; throws a sentence where it cannot be
   * made.
   */
  prepare?(target: PrepareTarget): Steps<void>;
  /**
   * Asked when an answer was that of a broken model: why it answers nothing any more, in a
   * sentence; null: it is well. Absent: its process says so itself.
   */
  checkModel?(endpoint: Endpoint): Steps<string | null>;
  /** Bytes that it will take on disk. */
  preparedBytes?(profile: ModelProfile, preparation: Preparation): number;
  /** Nobody knows whether it answers anything else while it works on a request; absent: it does. */
  readonly isSilentAtWork?: boolean;
  /**
   * Requests that it works on at once when launched so; absent: as many as the plan has sequences.
   */
  capacity?(plan: LaunchPlan): number;
  /** What a line of output tells of the load; null: nothing. */
  progress(line: string): Progress | null;
  /** @param lines all that it said of this launch, bounded. */
  explainExit(exit: Exit, lines: readonly string[]): Explanation;
  /**
   * What it says that one of its processes took; null or absent: it says nothing. Asked when it is
   * ready.
   */
  reported?(lines: readonly string[]): BufferBytes | null;
}
