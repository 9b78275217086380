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
 * The right to send one request to a ready model. While it is held, only a drain's deadline or a
 * user's force cuts the request (I3).
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
  /** Called for each piece of the answer: it shows that the runtime works. */
  countChunk(): void;
  /** Gives the lease back; a second call does nothing. */
  release(): void;
}

/**
 * The part of an AbortSignal that a wait needs. A real AbortSignal costs more than the rest of a
 * wait.
 */
export interface Departure {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface WaitOptions {
  /** Aborts when the client leaves: its place is given up, but a load that it began continues. */
  readonly signal: Departure;
  /**
   * Identifies the caller, because callers take turns if requests must wait. Read only in that
   * case.
   */
  readonly caller?: string;
}

/** `failed`: the request was refused or broken off, or its client left. */
export interface ActivityFilter {
  readonly limit: number;
  readonly model?: string;
  readonly outcome?: 'answered' | 'failed';
}

/** A finished inference request, for metrics and the log; no decision reads it (I9). */
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
  /** Fields of the request that have no effect here. */
  readonly ignoredFields: readonly string[];
}

/** A model in the list from which clients choose. */
export interface ListedModel {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly kind: ModelKind;
  /** The remote server that offers it, in words; absent: it is on this machine. */
  readonly remote?: string | undefined;
  /**
   * The context of the loaded model; otherwise the context for which it was made, limited by the
   * settings. Null: unknown, or it has none.
   */
  readonly contextTokens: number | null;
  /** When its files were last written, in seconds since 1970. */
  readonly createdSeconds: number;
}

export interface Served {
  readonly isReady: boolean;
  /** The runtime that serves it now. */
  readonly runtime: RuntimeId | null;
  /** Null: it takes no tensors, or they are unknown. */
  readonly tensors: Pick<ServedTensors, 'inputs' | 'outputs'> | null;
}

/**
 * What a model that is not loaded will take, as far as its files and the installed runtimes show.
 */
export interface Taken {
  readonly profile: ModelProfile;
  /** Every runtime that would serve it has OpenAI's routes: it takes no tensors. */
  readonly speaksOpenai: boolean;
  /** No runtime that would serve it has OpenAI's routes. */
  readonly speaksTensors: boolean;
  readonly tensors: Served['tensors'];
}

export interface Inference {
  /** The id of the model with this id or alias; null if there is none. */
  resolve(name: string): string | null;
  /**
   * Settles when the first scan after the start is complete: until then a model that is not found
   * may still appear. Null from then on.
   */
  begun(): Promise<void> | null;
  /**
   * A model's inputs and outputs, as far as they are known; reading them neither loads nor uses the
   * model (I5).
   */
  served(id: string): Served;
  /**
   * For refusing a request before it loads the model in vain. Null: the model is ready and its
   * server decides, or nothing is known yet. Absent: never known before a load.
   */
  taken?(id: string): Taken | null;
  /** The model's inputs that take images, by name, from the settings. Absent: none. */
  imageInputs?(id: string): Readonly<Record<string, ImageInput>>;
  /** Similar names, the best first, for the error of an unknown name. */
  nearest(name: string): readonly string[];
  /**
   * Models that can take requests: loaded or loadable, but not blocked.
   * @param only restricts the list to this model.
   */
  servable(only?: string): readonly ListedModel[];
  /**
   * A lease: at once if the model is ready, otherwise when it is.
   * @throws ModeliumError model-settling, model-blocked, model-failed, model-gone, queue-full,
   * queue-timeout, cancelled, shutting-down.
   */
  ensureReady(id: string, options: WaitOptions): Lease | Promise<Lease>;
  /**
   * Called when nobody listened at the model's endpoint, or when it refused a request for a reason
   * that only the engine can fix. Absent: ignored.
   */
  doubt?(id: string): void;
  /** What a request waits for, to tell its client: "loading: reading weights, 40 %". */
  waitingFor(id: string): string;
  /** Whether requests wait for this model, or for a place at it. */
  isWaitedFor(id: string): boolean;
  /**
   * Keeps the model loaded this long after its last request; 0 unloads it as soon as no request is
   * in flight.
   */
  keepAlive(id: string, seconds: number): void;
  report(report: RequestReport): void;
}

export interface AddedModel {
  readonly id: string;
  readonly message: string;
  /** The model was known before. */
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
  /** Models that are loaded before this one, and are busy then. */
  readonly after?: readonly string[] | undefined;
}

export interface Control {
  snapshot(): Snapshot;
  /** What tensor servers count of their models, by name. Absent: there are none. */
  statistics?(): Promise<Readonly<Record<string, ServedStatistics>>>;
  model(name: string): ModelView | null;
  /** The devices' last ten minutes, or their last day. */
  history(span: 'minutes' | 'day'): History;
  /** Requests that have ended, the newest first. */
  activity(filter: ActivityFilter): ActivityView;
  health(): { readonly ok: boolean; readonly reason: string | null };
  /**
   * Requests the load and returns at once.
   * @param force accepts tensors that end in zeros, and ends a back-off.
   */
  load(name: string, options: { readonly force: boolean }): void;
  /**
   * Resolves when the memory is measured free.
   * @param force cuts requests in flight.
   */
  unload(name: string, options: { readonly force: boolean }): Promise<void>;
  pin(name: string, pinned: boolean): void;
  /**
   * The code in a model.
   * @throws ModeliumError content-changed if the files change meanwhile, cancelled if nobody waits
   * any more.
   */
  showTrust(name: string, signal: AbortSignal): Promise<TrustView>;
  /**
   * Trusts that code, or removes the trust.
   * @throws ModeliumError content-changed.
   */
  trust(name: string, wish: TrustWish, signal: AbortSignal): Promise<void>;
  /**
   * Registers a file or folder without moving it.
   * @param load false: the first request loads it.
   * @throws ModeliumError path-invalid.
   */
  add(path: string, options: { readonly load: boolean }): Promise<AddedModel>;
  /**
   * Copies a model file into the first watch folder and registers it. If that fails, the copy is
   * removed.
   * @param key by which it can be taken back.
   * @returns its path.
   * @throws ModeliumError upload-refused: the name is not that of a model file, or exists already;
   * disk-full; cancelled if it was taken back.
   */
  upload(name: string, bytes: Uint8Array, key: string): Promise<UploadedModel>;
  /**
   * Ends an upload that runs, and removes the copy of one that has ended; one that is still to come
   * is refused. Resolves when nothing is left of it.
   */
  takeBack(key: string): Promise<void>;
  /** Models that other tools have on this machine. */
  found(): Promise<FoundModels>;
  /**
   * Fetches a small sample model.
   * @returns its file, which is not registered.
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
   * The last output lines of a model's runtime, and a subscription to new lines; without a name,
   * those of the engine's log.
   */
  logs(name: string | null): { readonly lines: readonly string[]; follow(listener: (line: string) => void): () => void };
  rescanRuntimes(): Promise<void>;
  /**
   * Every change after `afterId`, from a bounded buffer; if the buffer no longer reaches back so
   * far, a snapshot first. At most four changes a second.
   */
  subscribe(afterId: number | null, listener: (event: EngineEvent) => void): () => void;
  settings(): Promise<SettingsView>;
  /**
   * Edits the settings file; resolves when the new settings are in force.
   * @throws ModeliumError no-settings-file, settings-changed, settings-refused, settings-invalid,
   * settings-unwritable; the file is unchanged.
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
