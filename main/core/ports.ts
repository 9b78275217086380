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
  /** Calls back once; the answer cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export interface Log {
  /** A line of the story, for people: `serve` prints it. */
  say(sentence: string): void;
  warn(sentence: string): void;
  error(sentence: string, cause?: unknown): void;
  debug(sentence: string): void;
}

// ---- files --------------------------------------------------------------------------------------

/**
 * One look at a candidate's bytes: how much is there and, once the headers are whole, what it is.
 * Taken in the reader's process (I12).
 */
export interface Inspection {
  readonly files: readonly FileIdentity[];
  readonly copy: CopyProgress;
  /** Everything that the model needs is there. */
  readonly whole: boolean;
  /** One of its forms is whole, another one is not: that one is served when no more bytes come. */
  readonly usable: boolean;
  /**
   * Tensors of 1 MiB or more whose last 4 KiB are zero: probably a preallocated download; `force`
   * lets them through.
   */
  readonly zeroTails: readonly string[];
  /** Process that holds a file of it open for writing, as far as we can see. */
  readonly writer: { readonly pid: number; readonly command: string } | null;
  readonly damage: string | null;
  readonly unreadable: string | null;
  /**
   * Nothing of a model is in it: an empty folder, or one of links to nowhere. Told at once; looked
   * at again when something comes.
   */
  readonly nothing?: { readonly isEmpty: boolean; readonly message: string; readonly help: string };
  /** What it is, as far as its bytes tell; also while it is not whole. */
  readonly profile: ModelProfile | null;
}

export interface Library {
  /** @param force a person said "load anyway": zero tails count as data. */
  inspect(path: string, options: { readonly force: boolean; readonly signal: AbortSignal }): Promise<Inspection>;
}

export interface FoundModels {
  /** None of them is known to be registered: that the registry knows. */
  readonly models: readonly FoundModel[];
  /** Folders and entries that could not be used, each as a sentence. */
  readonly problems: readonly string[];
  /** There are more, or there was no time to look at them. */
  readonly isCut: boolean;
}

/** Looks for the models of other tools; in the reader's process (I12). */
export interface ModelFinder {
  find(): Promise<FoundModels>;
}

// ---- trust --------------------------------------------------------------------------------------

/** One file that carries code, as it was while it was read. */
export interface CodeFile extends FileIdentity {
  /**
   * The beginning of a text; null for what is none, and beyond the bound for all files together.
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
 * Reads the files of a candidate that would be executed. Executes none (I7); in a process of its
 * own, since they may be gigabytes (I12).
 */
export interface CodeReader {
  /**
   * @throws ModeliumError content-changed when one is not there or is written to meanwhile,
   * cancelled, path-invalid when it cannot be read.
   */
  read(path: string, files: readonly string[], signal: AbortSignal): Promise<CodeReading>;
  /** What the candidate's files are now, by their stats alone. */
  identities(path: string): Promise<readonly FileIdentity[]>;
}

/** What a person has trusted: the bytes that the code-bearing files of one form had. */
export interface TrustRow {
  readonly modelId: string;
  readonly form: FormKind;
  readonly hash: string;
  /** Those files as they were when the hash was taken: it is taken again when one differs. */
  readonly files: readonly FileIdentity[];
  /** ISO time, for people. */
  readonly at: string;
}

export interface TrustTable {
  trusted(): readonly TrustRow[];
  /**
   * In place of what was written of the same model, form and hash. A full disk throws `disk-full`.
   */
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
  /** As the driver (or the kernel: total - available) says. */
  readonly usedBytes: number;
  /** Bytes by process id; null where the driver does not tell. */
  readonly byPid: ReadonlyMap<number, number> | null;
  /**
   * Host only: the part of `byPid` that is no mapped file (RssAnon + RssShmem), which alone counts
   * in `usedBytes`: mapped weights lie in page cache. Absent or null where the system does not
   * tell; room is then reckoned as if nothing of ours were in `usedBytes`.
   */
  readonly anonymousByPid?: ReadonlyMap<number, number> | null;
  /** GPUs only: the names of the programs in `byPid`, as far as the driver tells them. */
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
 * The files that were made of models before they could be loaded: a cache, which may be emptied at
 * any time.
 */
export interface PreparedFiles {
  /**
   * Where it lies or will lie: another path for other files, another type or another version of the
   * converter.
   */
  pathOf(files: readonly FileIdentity[], preparation: Preparation): string;
  /** Null: it is not there (any more). */
  bytesOf(path: string): number | null;
  /**
   * What was made of the same files before their times changed: they may have been written to or
   * only touched. Null: nothing.
   */
  earlier(path: string): string | null;
  /**
   * Makes room for so many bytes: the least recently used go, but none of `inUse`.
   * @throws ModeliumError disk-full with the figures.
   */
  makeRoom(bytes: number, inUse: ReadonlySet<string>): Promise<void>;
  /** Where it is made, until it is whole. */
  partOf(path: string): string;
  /** Gives what was made its place, in one move, once it is on the disk. */
  commit(path: string): Promise<void>;
  /** It is loaded: the last to go. */
  used(path: string): void;
  /**
   * Removes what a preparation of this path made, whole or half done: it was interrupted, or made
   * of other files.
   */
  discard(path: string): void;
}

/** The files of a folder as they are now, each with the place of its bytes; links are settled. */
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
  /** What the runtime itself said that one of its processes took; absent where it says nothing. */
  readonly reported?: BufferBytes | undefined;
}

/** A model as it is remembered over restarts. */
export interface RememberedModel {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly path: string;
  /** True when a person registered the path; false when it lies in a watch folder. */
  readonly added: boolean;
  readonly pinned: boolean;
  readonly force: boolean;
  readonly files: readonly FileIdentity[];
  readonly device: number;
  readonly inode: number;
  /** How it ended last: served and unloaded, or failed. Null for content that was never served. */
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

/** What is remembered of a device at a moment. */
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

/** The devices' last day, kept over restarts. */
export interface SampleTable {
  /** A full disk throws `disk-full`: the point is lost, and nothing else. */
  keep(point: SamplePoint): void;
  /** Oldest first. */
  past(): readonly SamplePoint[];
}

export interface Ledger {
  /** Writes one row and answers its id (I14). A full disk throws `disk-full`. */
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
