/**
 * The interface between the HTTP layer and the engine. Types only; `engine/gateway.ts` implements
 * inference, `engine/control.ts` control. A caller that wants a model calls `ensureReady` and gets
 * a lease; it does not read a state and act on it (I1).
 */
import type { EditedSettings, SettingsEdit, SettingsView } from '../../shared/api-settings.ts';
import type { Decision, DecisionRow, LaunchWish, OwnLaunch, RuntimeId } from '../../shared/decision.ts';
import type { Endpoint } from '../../shared/model.ts';
import type { ModelKind, ModelProfile } from '../../shared/profile.ts';
import type { ImageInput } from '../../shared/settings-images.ts';
import type { ActivityView, EngineEvent, History, ModelView, ServedStatistics, Snapshot, TrustView } from '../../shared/snapshot.ts';
import type { ServedTensors } from '../../shared/tensors.ts';
import type { FoundModels } from './ports.ts';
import type { TrustWish } from './trust.ts';

export type QueueCause = 'loading' | 'busy' | 'memory';

/**
 * The right to send one request to a ready model. While it is held, only a drain deadline or a
 * person's force cuts it (I3).
 */
export interface Lease {
  readonly modelId: string;
  readonly runtime: RuntimeId;
  readonly endpoint: Endpoint;
  readonly profile: ModelProfile;
  /** Milliseconds spent waiting, and how many of them the load itself took. */
  readonly queueMs: number;
  readonly loadMs: number;
  readonly queueCause: QueueCause | null;
  /** Aborts when the request must end now: a drain deadline came, or the process died. */
  readonly cut: AbortSignal;
  /** A piece of the answer came: the runtime lives. */
  countChunk(): void;
  /** Gives it back; a second call does nothing. */
  release(): void;
}

/**
 * What is asked of a signal here: an AbortSignal has more, and costs more than the rest of a wait
 * together.
 */
export interface Departure {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface WaitOptions {
  /** Aborts when the client leaves: its place is given up; a load that it began goes on. */
  readonly signal: Departure;
  /** Whoever asks: callers take turns where requests have to wait. Read only then. */
  readonly caller?: string;
}

/** `failed`: refused, broken off, or its client left. */
export interface ActivityFilter {
  readonly limit: number;
  readonly model?: string;
  readonly outcome?: 'answered' | 'failed';
}

/**
 * A finished inference request, for metrics and the log: a sink's food, never read by a decision
 * (I9).
 */
export interface RequestReport {
  readonly modelId: string;
  readonly runtime: RuntimeId | null;
  readonly status: number;
  readonly totalMs: number;
  readonly firstTokenMs: number | null;
  readonly queueMs: number;
  readonly queueCause: QueueCause | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** Fields of the request that change nothing here. */
  readonly ignoredFields: readonly string[];
}

/** A model as clients list it, before they choose one. */
export interface ListedModel {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly kind: ModelKind;
  /** The server elsewhere that offers it, in words; absent: it lies here. */
  readonly remote?: string | undefined;
  /**
   * Of the running model; else what it was made for, as far as the settings let it. Null: not
   * known, or it has none.
   */
  readonly contextTokens: number | null;
  /** When its files were last written, in seconds since 1970. */
  readonly createdSeconds: number;
}

export interface Served {
  readonly isReady: boolean;
  /** The one that serves it now. */
  readonly runtime: RuntimeId | null;
  /** Null: it takes none, or nobody knows. */
  readonly tensors: Pick<ServedTensors, 'inputs' | 'outputs'> | null;
}

/** What a model that is not loaded will take, as far as its files and the runtimes here tell. */
export interface Taken {
  readonly profile: ModelProfile;
  /** Whoever would serve it is asked by OpenAI's routes: it takes no tensors. */
  readonly speaksOpenai: boolean;
  /** Nobody who would serve it has OpenAI's routes. */
  readonly speaksTensors: boolean;
  readonly tensors: Served['tensors'];
}

export interface Inference {
  /** A model's id by its id or alias; null when there is none. */
  resolve(name: string): string | null;
  /**
   * Settled once the folders were looked at after the start, and what lay in them is known: before
   * that nobody is unknown. Null from then on.
   */
  begun(): Promise<void> | null;
  /**
   * What a model takes and answers with, as far as it is known; asking does not load or use it
   * (I5).
   */
  served(id: string): Served;
  /**
   * For a request that would load the model only to be refused. Null: it is ready, and its server
   * knows; or nothing is known yet. Absent: nobody knows before.
   */
  taken?(id: string): Taken | null;
  /** Its inputs that take images, by name, as the settings say. Absent: none. */
  imageInputs?(id: string): Readonly<Record<string, ImageInput>>;
  /** Names like it, best first, for a 404 that helps. */
  nearest(name: string): readonly string[];
  /**
   * Models that can be asked: loaded or loadable, none that is blocked. @param only this one, if it
   * can.
   */
  servable(only?: string): readonly ListedModel[];
  /**
   * A lease, at once when the model is ready, else when it is.
   * @throws ModeliumError model-settling, model-blocked, model-failed, model-gone, queue-full,
   * queue-timeout, cancelled, shutting-down.
   */
  ensureReady(id: string, options: WaitOptions): Lease | Promise<Lease>;
  /**
   * A request found nobody where the model is asked, or was refused there for what only we can
   * mend. Absent: nobody wants to know.
   */
  doubt?(id: string): void;
  /** What a waiting request can tell its client: "loading: reading weights, 40 %". */
  waitingFor(id: string): string;
  /**
   * Keeps the model this long after its last request; 0 unloads it as soon as nothing is in flight.
   */
  keepAlive(id: string, seconds: number): void;
  report(report: RequestReport): void;
}

export interface AddedModel {
  readonly id: string;
  readonly message: string;
  /** It was here before, under whatever path. */
  readonly isKnown: boolean;
}

export interface UploadedModel {
  readonly path: string;
  readonly id: string;
}

export interface Planned {
  readonly profile: ModelProfile | null;
  readonly decision: Decision | null;
  readonly message: string;
  /** Null for a path. */
  readonly own: OwnLaunch | null;
}

export interface PlanOptions {
  /** Launch settings in place of those in force. */
  readonly wish?: LaunchWish | undefined;
  /** Models that are asked for before it, and are busy then. */
  readonly after?: readonly string[] | undefined;
}

export interface Control {
  snapshot(): Snapshot;
  /** What servers of tensors count of their models, by name. Absent: there are none. */
  statistics?(): Promise<Readonly<Record<string, ServedStatistics>>>;
  model(name: string): ModelView | null;
  /** The devices' last ten minutes, or their last day. */
  history(span: 'minutes' | 'day'): History;
  /** Requests that have ended, the newest first. */
  activity(filter: ActivityFilter): ActivityView;
  health(): { readonly ok: boolean; readonly reason: string | null };
  /**
   * @param force lets zero tails through and ends a back-off. Answers when the model is asked for,
   * not when it is ready.
   */
  load(name: string, options: { readonly force: boolean }): void;
  /** @param force cuts requests in flight. Resolves when the memory is seen free. */
  unload(name: string, options: { readonly force: boolean }): Promise<void>;
  pin(name: string, pinned: boolean): void;
  /**
   * The code that a model brings. @throws ModeliumError content-changed when it is written to
   * meanwhile, cancelled when nobody waits.
   */
  showTrust(name: string, signal: AbortSignal): Promise<TrustView>;
  /** Trusts that code, or takes it back. @throws ModeliumError content-changed. */
  trust(name: string, wish: TrustWish, signal: AbortSignal): Promise<void>;
  /**
   * Registers a file or folder where it lies. @param load false: the first request loads it.
   * @throws ModeliumError path-invalid.
   */
  add(path: string, options: { readonly load: boolean }): Promise<AddedModel>;
  /**
   * Copies a file of a model into the first watch folder and registers it. Where that fails, or
   * nobody waits for it any more, the copy is removed again. @returns where it lies.
   * @throws ModeliumError upload-refused: it has no name of a model file, or one that is there
   * already; disk-full; cancelled when nobody waits.
   */
  upload(name: string, bytes: Uint8Array, signal: AbortSignal): Promise<UploadedModel>;
  /** Models that other tools have on this machine. */
  found(): Promise<FoundModels>;
  /**
   * Fetches a small model to begin with. @returns its file, which is not registered.
   * @throws ModeliumError sample-unavailable.
   */
  sample(signal: AbortSignal): Promise<string>;
  /** Forgets a registered path; the files stay. */
  forget(name: string): Promise<void>;
  /**
   * A dry run: the brain's decision for a model or a path, with nothing committed.
   */
  plan(target: string, options: PlanOptions): Promise<Planned>;
  decisions(filter: { readonly model?: string; readonly beforeId?: number; readonly limit: number }): readonly DecisionRow[];
  /**
   * The last lines of a model's runtime, and a subscription to those that come; without a name the
   * engine's own log.
   */
  logs(name: string | null): { readonly lines: readonly string[]; follow(listener: (line: string) => void): () => void };
  rescanRuntimes(): Promise<void>;
  /**
   * Every change after `afterId`, from a bounded memory; a snapshot first when that reaches back
   * too far. At most 4 a second.
   */
  subscribe(afterId: number | null, listener: (event: EngineEvent) => void): () => void;
  settings(): Promise<SettingsView>;
  /**
   * Edits the settings file; answers when that is in force.
   * @throws ModeliumError no-settings-file, settings-changed, settings-refused, settings-invalid,
   * settings-unwritable; the file is as it was.
   */
  editSettings(edit: SettingsEdit): Promise<EditedSettings>;
}

/** The built window, file by file. */
export interface PageFiles {
  /**
   * @param name `index.html`, or the plain name of an asset. Null: there is no such file, or the
   * window is not built.
   */
  read(name: string): Promise<{ readonly contentType: string; readonly bytes: Uint8Array } | null>;
}
