/**
 * The interfaces through which the core reaches the world: clock, files, processes, GPUs, ledger.
 * The core uses nothing else. `main/io` implements them, `main/engine/` wires them; tests pass
 * fakes with a virtual clock.
 */
import type {
  BufferBytes,
  DecisionAction,
  DecisionOutcome,
  DecisionRow,
  DeviceBytes,
  DeviceId,
  Preparation,
  RuntimeId,
} from '../../shared/decision.ts';
import type { CopyProgress } from '../../shared/model.ts';
import type { FormKind, ModelProfile } from '../../shared/profile.ts';
import type { Reason } from '../../shared/reason.ts';
import type { DeviceView, FoundModel } from '../../shared/snapshot.ts';
import type { FileIdentity } from './listing.ts';

export type { CandidateListing, FileIdentity, FolderScan } from './listing.ts';

// ---- time and words -----------------------------------------------------------------------------

export interface Clock {
  /** Monotonic milliseconds that stand still while the machine is suspended. */
  now(): number;
  /** Milliseconds since 1970, for people and the ledger only. */
  wallTime(): number;
  /**
   * Calls back once.
   * @returns a function that cancels it.
   */
  after(ms: number, callback: () => void): () => void;
}

export interface Log {
  /** A line for users, which `serve` prints. */
  say(sentence: string): void;
  warn(sentence: string): void;
  error(sentence: string, cause?: unknown): void;
  debug(sentence: string): void;
}

// ---- files --------------------------------------------------------------------------------------

/**
 * The result of reading a candidate once: how much of it is present and, once the headers are
 * complete, what it is. Made in the reader process (I12).
 */
export interface Inspection {
  readonly files: readonly FileIdentity[];
  readonly copy: CopyProgress;
  /** Everything that the model needs is present. */
  readonly whole: boolean;
  /**
   * One of its forms is complete, another one is not: the complete one is served when no more bytes
   * arrive.
   */
  readonly usable: boolean;
  /**
   * Tensors of 1 MiB or more whose last 4 KiB are zero: probably a preallocated download. `force`
   * accepts them.
   */
  readonly zeroTails: readonly string[];
  /** A process that holds one of its files open for writing, as far as this user can see. */
  readonly writer: { readonly pid: number; readonly command: string } | null;
  readonly damage: string | null;
  readonly unreadable: string | null;
  /**
   * Set if it contains nothing of a model: an empty folder, or one with broken links only. Reported
   * at once; inspected again when a file arrives.
   */
  readonly nothing?: { readonly isEmpty: boolean; readonly message: string; readonly help: string };
  /** What it is, as far as its bytes show, even before it is complete. */
  readonly profile: ModelProfile | null;
  /**
   * Identifies the files that were read: as long as they stay these, reading them again gives the
   * same. Absent if it might give something else, as while they are not complete.
   */
  readonly readAs?: string;
}

export interface Library {
  /**
   * @param force a user requested the load anyway: zeros at the end of tensors count as data.
   * @param last what the caller found before: files that are still the same are not read again.
   */
  inspect(
    path: string,
    options: { readonly force: boolean; readonly last?: Inspection | null; readonly signal: AbortSignal },
  ): Promise<Inspection>;
}

export interface FoundModels {
  /** The models, whether registered or not: only the registry knows that. */
  readonly models: readonly FoundModel[];
  /** Folders and entries that could not be used, each as a sentence. */
  readonly problems: readonly string[];
  /** True if there are more models, or there was no time to read all of them. */
  readonly isCut: boolean;
}

/** Searches for the models of other tools, in the reader process (I12). */
export interface ModelFinder {
  find(): Promise<FoundModels>;
}

// ---- trust --------------------------------------------------------------------------------------

/** One file that contains code, in the state in which it was read. */
export interface CodeFile extends FileIdentity {
  /**
   * The beginning of a text file; null for other files, and beyond the limit for all files
   * together.
   */
  readonly preview: string | null;
  /** The preview is not all of it. */
  readonly isCut: boolean;
}

export interface CodeReading {
  /** SHA-256 over path, size and bytes of each file, in hexadecimal. */
  readonly hash: string;
  readonly files: readonly CodeFile[];
}

/**
 * Reads the files of a candidate that would be executed, and executes none (I7). Works in a
 * separate process, because they may have gigabytes (I12).
 */
export interface CodeReader {
  /**
   * @throws ModeliumError content-changed if a file is missing or changes meanwhile, cancelled,
   * path-invalid if it cannot be read.
   */
  read(path: string, files: readonly string[], signal: AbortSignal): Promise<CodeReading>;
  /** The candidate's files as they are now, by their stats only. */
  identities(path: string): Promise<readonly FileIdentity[]>;
  /**
   * Why one of the candidate's files that are needed cannot be read now, and what would help, in
   * sentences; null: all of them can be read.
   */
  unreadable(path: string, isNeeded: (file: string) => boolean): Promise<string | null>;
}

/** What a user has trusted: the bytes of the code files of one form. */
export interface TrustRow {
  readonly modelId: string;
  readonly form: FormKind;
  readonly hash: string;
  /** Those files when the hash was computed; it is computed again when one of them differs. */
  readonly files: readonly FileIdentity[];
  /** ISO time, for people. */
  readonly at: string;
}

export interface TrustTable {
  trusted(): readonly TrustRow[];
  /** Replaces the row of the same model, form and hash. A full disk throws `disk-full`. */
  trust(row: TrustRow): void;
  distrust(row: Pick<TrustRow, 'modelId' | 'form' | 'hash'>): void;
}

// ---- devices ------------------------------------------------------------------------------------

export interface DeviceSample {
  readonly id: DeviceId;
  readonly kind: 'gpu' | 'host';
  readonly index: number | null;
  readonly name: string;
  readonly simulated: boolean;
  readonly totalBytes: number;
  /** As the driver reports it (for main memory the kernel: total - available). */
  readonly usedBytes: number;
  /** Bytes by process id; null if the driver does not report them. */
  readonly byPid: ReadonlyMap<number, number> | null;
  /**
   * Host only: the part of `byPid` that is no mapped file (RssAnon + RssShmem). Only this part is
   * in `usedBytes`, because mapped weights are in the page cache. Absent or null if the system does
   * not report it; then free memory is computed as if `usedBytes` contained nothing of ours.
   */
  readonly anonymousByPid?: ReadonlyMap<number, number> | null;
  /** GPUs only: the names of the programs in `byPid`, as far as the driver reports them. */
  readonly programs?: ReadonlyMap<number, string>;
  readonly utilizationRatio: number | null;
  readonly powerWatts: number | null;
  readonly temperatureCelsius: number | null;
  /** `9.0`; null for the host. */
  readonly computeCapability: string | null;
}

export interface Sample {
  readonly atMs: number;
  readonly devices: readonly DeviceSample[];
}

export interface DeviceProbe {
  /** A reading not older than this call. */
  sampleNow(): Promise<Sample>;
  /** Samples more often while a load or a drain runs. */
  setFast(fast: boolean): void;
  onSample(listener: (sample: Sample) => void): void;
}

// ---- what is prepared ---------------------------------------------------------------------------

/**
 * The files that were made from models so that they can be loaded: a cache, which may be emptied at
 * any time.
 */
export interface PreparedFiles {
  /**
   * The path of a prepared file, which depends on the source files, the weight type and the version
   * of the converter.
   */
  pathOf(files: readonly FileIdentity[], preparation: Preparation): string;
  /** Null: there is no such file (any more). */
  bytesOf(path: string): number | null;
  /**
   * The file that was made from the same source files before their times changed: they may have
   * been changed or only touched. Null: there is none.
   */
  earlier(path: string): string | null;
  /**
   * Makes room for this many bytes: removes the least recently used files, but none of `inUse`.
   * @throws ModeliumError disk-full with the figures.
   */
  makeRoom(bytes: number, inUse: ReadonlySet<string>): Promise<void>;
  /** The path at which the file is written until it is complete. */
  partOf(path: string): string;
  /** Moves the complete file to its final path, once it is on the disk. */
  commit(path: string): Promise<void>;
  /** Marks the file as used now, so that it is removed last. */
  used(path: string): void;
  /**
   * Removes the complete or partial result of a preparation that was interrupted, or whose source
   * files changed.
   */
  discard(path: string): void;
}

/** The files of a folder as they are now, each with the path of its content; links are resolved. */
export interface SourceListing {
  readonly files: readonly FileIdentity[];
  /** Path relative to the folder -> absolute path. */
  readonly places: Readonly<Record<string, string>>;
}

// ---- the ledger ---------------------------------------------------------------------------------

/** The measurements of one load, which correct the next prediction. */
export interface Measurement {
  readonly modelId: string;
  readonly runtime: RuntimeId;
  readonly planHash: string;
  readonly predicted: DeviceBytes;
  readonly measured: DeviceBytes;
  readonly loadSeconds: number;
  /**
   * The memory that the runtime itself reported for one of its processes; absent if it reports
   * none.
   */
  readonly reported?: BufferBytes | undefined;
}

/** A model as it is saved over restarts. */
export interface RememberedModel {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly path: string;
  /** True if a user registered the path; false if it is in a watch folder. */
  readonly added: boolean;
  readonly pinned: boolean;
  readonly force: boolean;
  readonly files: readonly FileIdentity[];
  readonly device: number;
  readonly inode: number;
  /**
   * How its last stay ended: unloaded after serving, or failed. Null for content that was never
   * served.
   */
  readonly ended: 'unloaded' | 'failed' | null;
  readonly failure: { readonly code: string; readonly message: string; readonly attempts: number } | null;
}

export interface NewDecision {
  readonly modelId: string;
  readonly action: DecisionAction;
  readonly reason: string;
  readonly sentence: string;
  readonly because: Reason;
  readonly inputs: unknown;
  readonly candidates: DecisionRow['candidates'];
}

/** The saved figures of a device at one moment. */
export type DevicePoint = Pick<
  DeviceView,
  | 'id'
  | 'usedBytes'
  | 'othersBytes'
  | 'promisedBytes'
  | 'leakedBytes'
  | 'utilizationRatio'
  | 'powerWatts'
  | 'temperatureCelsius'
  | 'byModel'
>;

export interface SamplePoint {
  readonly atMs: number;
  readonly devices: readonly DevicePoint[];
}

/** The devices' last day, saved over restarts. */
export interface SampleTable {
  /** A full disk throws `disk-full`: then only this point is lost. */
  keep(point: SamplePoint): void;
  /** Oldest first. */
  past(): readonly SamplePoint[];
}

export interface Ledger {
  /** Writes one row and returns its id (I14). A full disk throws `disk-full`. */
  decide(decision: NewDecision): number;
  settle(decisionId: number, outcome: DecisionOutcome): void;
  decisions(filter: { readonly modelId?: string; readonly beforeId?: number; readonly limit: number }): readonly DecisionRow[];
  learn(measurement: Measurement): void;
  /** The most recent measurements of a model on a runtime, newest first. */
  measurements(modelId: string | null, runtime: RuntimeId, limit: number): readonly Measurement[];
  remember(model: RememberedModel): void;
  forget(modelId: string): void;
  remembered(): readonly RememberedModel[];
}
