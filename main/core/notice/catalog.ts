/**
 * Which file or folder is which model. Applies the result of each scan (`scan-turns.ts`) to the
 * registry, registers paths that a user names, and remembers models over restarts. Owns the
 * unavailable folders and the saved list of models; never reads a file's content. Guarded by
 * test/core/review.test.ts.
 */
import { assertNever, ModeliumError } from '../../../shared/errors.ts';
import { hasProcess, type ModelState, NOTHING_COPIED } from '../../../shared/model.ts';
import type { Settings } from '../../../shared/settings.ts';
import type { Admission } from '../admission.ts';
import type { Doer } from '../doer.ts';
import { rightsChanged } from '../file-checks.ts';
import type { AddedModel } from '../gateway.ts';
import { isAlwaysLoaded } from '../memory/residents.ts';
import type { CandidateListing, Clock, FolderScan, Ledger, Log, RememberedModel } from '../ports.ts';
import { type ModelRecord, type Registry, stateOf } from '../registry.ts';
import { discoveredSentence } from '../sentences.ts';
import type { CandidateEvent } from './candidates.ts';
import { placeOf, toKnown } from './known-candidate.ts';
import { refuseOtherPaths } from './models-path.ts';
import { ScanTurns } from './scan-turns.ts';

/** The watcher's half for paths outside the watch folders. */
export interface Tracker {
  /** Resolves with the first scan, after `apply` got it. */
  track(path: string): Promise<FolderScan>;
  untrack(path: string): Promise<void>;
  rescan(folder: string): void;
}

export interface CatalogPorts {
  readonly registry: Registry;
  readonly admission: Admission;
  readonly doer: Pick<Doer, 'unloadModel'>;
  readonly ledger: Ledger;
  readonly tracker: Tracker;
  readonly clock: Clock;
  readonly log: Log;
  settings(): Settings;
  folders(): readonly string[];
  /** The files of a model that is being settled are other than before. */
  inspectAgain(id: string): void;
}

export class Catalog {
  readonly #ports: CatalogPorts;
  readonly #remembered: Map<string, RememberedModel>;
  readonly #away = new Set<string>();
  /** Paths that are being registered without the wish to load them. */
  readonly #unasked = new Set<string>();
  readonly #turns: ScanTurns;

  constructor(ports: CatalogPorts) {
    this.#ports = ports;
    this.#remembered = new Map(ports.ledger.remembered().map((model) => [model.id, model]));
    this.#turns = new ScanTurns({
      clock: ports.clock,
      noticed: () => ({
        known: [...ports.registry.all()].map((record) => toKnown(record, this.#away.has(record.id))),
        remembered: [...this.#remembered.values()],
        folders: ports.folders(),
      }),
      apply: (event, folder) => this.#applyEvent(event, folder),
      rescan: (folder) => ports.tracker.rescan(folder),
    });
    ports.registry.onChange(({ record, previous, event }) => {
      if (record === null || previous === null) this.#turns.modelsChanged();
      // Each transition, and each change of name, pin or path; not every step of a load's progress.
      if (record !== null && (record.state.name !== previous?.name || event === null)) this.#remember(record);
    });
  }

  /** Paths that a person registered in an earlier run: to be tracked again. */
  addedPaths(): readonly string[] {
    return [...this.#remembered.values()].filter((model) => model.added).map((model) => model.path);
  }

  /**
   * Takes a scan in; a notification is only a hint, this list is the truth.
   * @returns there is more in it: it is handed in again in a later turn.
   */
  apply(scan: FolderScan): boolean {
    return this.#turns.next(scan);
  }

  /**
   * Registers a file or folder where it lies; served in place and remembered (I8).
   * @param load false: nobody asks for it yet.
   * @throws ModeliumError path-invalid when there is nothing that can be read, or no model can be.
   */
  async add(path: string, { load }: { readonly load: boolean }): Promise<AddedModel> {
    refuseOtherPaths(path);
    const { tracker, clock, admission, inspectAgain } = this.#ports;
    const already = this.#byPath(path);
    if (already !== null) {
      if (load) admission.want(already.id, 'person', clock.now());
      inspectAgain(already.id);
      return { id: already.id, message: `${path} is already registered as ${already.id}.`, isKnown: true };
    }
    if (!load) this.#unasked.add(path);
    const scan = await tracker.track(path).finally(() => this.#unasked.delete(path));
    const record = this.#byPath(path);
    if (record !== null) return { id: record.id, message: `${path} is registered as ${record.id}.`, isKnown: false };
    await tracker.untrack(path);
    throw new ModeliumError('path-invalid', scan.ok ? `${path} is not a model file or folder.` : scan.message, { param: 'path' });
  }

  /**
   * Forgets a path that a person registered; its files stay. @throws ModeliumError path-invalid for
   * what lies in a watch folder.
   */
  async forget(id: string): Promise<void> {
    const record = this.#ports.registry.get(id);
    if (record === undefined) return;
    const { server } = record;
    if (server !== undefined)
      throw new ModeliumError(
        'path-invalid',
        `${id} cannot be forgotten, because ${server.where} offers it: remove that server from the settings.`,
      );
    if (!record.added) {
      throw new ModeliumError(
        'path-invalid',
        `${id} cannot be forgotten, because it is in a watch folder: move ${record.path} out of that folder.`,
      );
    }
    await this.#ports.tracker.untrack(record.path);
    await this.#leave(record);
  }

  /**
   * Models of folders that are no longer watched leave as if they were gone; what a person
   * registered stays.
   */
  keepOnly(folders: readonly string[]): void {
    for (const record of [...this.#ports.registry.all()]) {
      if (record.added || folders.some((folder) => record.path.startsWith(`${folder}/`))) continue;
      this.#ports.log.say(`${record.id} is no longer watched: ${record.path} lies in none of the folders`);
      void this.#leave(record);
    }
  }

  /**
   * How content that was served before ended: it is never new again, whatever a restart or a
   * remount did in between (I4).
   */
  endedBefore(record: ModelRecord): Extract<ModelState, { name: 'unloaded' | 'failed' }> | null {
    const before = this.#remembered.get(record.id);
    if (before?.ended == null || this.#ports.admission.isWanted(record.id)) return null;
    if (before.ended === 'unloaded' || before.failure === null)
      return { name: 'unloaded', reason: 'restart', atMs: this.#ports.clock.now() };
    const { code, message, attempts } = before.failure;
    const failure = { code, message, lastOutput: [], permanent: false };
    return { name: 'failed', failure, attempts, retryAtMs: this.#ports.clock.now() };
  }

  close(): void {
    this.#turns.close();
  }

  #applyEvent(event: CandidateEvent, folder: string): void {
    const { registry, log } = this.#ports;
    switch (event.type) {
      case 'appeared':
        return this.#appeared(event, folder);
      case 'recognised':
        return this.#recognised(event, folder);
      case 'changed': {
        registry.update(event.id, { ...placeOf(event.listing), force: false });
        return this.#changed(event.id);
      }
      case 'renamed':
        log.say(`${event.id} is now also called ${event.newName}: its files were renamed`);
        registry.update(event.id, { aliases: event.aliases, ...placeOf(event.listing) });
        return this.#moved(event.id);
      case 'touched':
        registry.update(event.id, placeOf(event.listing));
        return rightsChanged(registry, event.id);
      case 'away':
        this.#away.add(event.id);
        return;
      case 'returned':
        this.#away.delete(event.id);
        registry.update(event.id, placeOf(event.listing));
        return rightsChanged(registry, event.id);
      case 'gone': {
        const record = registry.get(event.id);
        if (record === undefined) return;
        log.say(`${event.id} is gone: ${record.path} was removed`);
        void this.#leave(record);
        return;
      }
      default:
        assertNever(event);
    }
  }

  #appeared({ id, aliases, listing, remembered, sameContentAs }: Extract<CandidateEvent, { type: 'appeared' }>, folder: string): void {
    const { log, settings } = this.#ports;
    log.say(discoveredSentence(id));
    this.#remembered.delete(id);
    const added = listing.path === folder;
    const isNewContent = settings().orchestration.policies.load === 'on_drop' && sameContentAs === null;
    // A person asks for the path; other bytes in it, which came while no engine ran, are content
    // like any.
    const byPerson = added && (remembered === null || remembered.ended === null);
    const who = added && this.#unasked.has(folder) ? null : byPerson ? 'person' : isNewContent ? 'content' : null;
    this.#add({ id, aliases, listing, added, pinned: remembered?.pinned ?? false }, who);
  }

  #recognised({ id, aliases, listing, remembered }: Extract<CandidateEvent, { type: 'recognised' }>, folder: string): void {
    this.#ports.log.say(`Known model found again: ${id}`);
    const { pinned, force, ended } = remembered;
    const added = listing.path === folder;
    const isNew = ended === null && !this.#unasked.has(folder);
    const onDrop = this.#ports.settings().orchestration.policies.load === 'on_drop';
    this.#add({ id, aliases, listing, added, pinned, force }, !isNew ? null : added ? 'person' : onDrop ? 'content' : null);
  }

  #add(
    model: { id: string; aliases: readonly string[]; listing: CandidateListing; added: boolean; pinned: boolean; force?: boolean },
    who: 'person' | 'content' | null,
  ): void {
    const { registry, admission, clock, settings } = this.#ports;
    const { id, aliases, listing, added, pinned, force = false } = model;
    // The wish first: the record's first step already asks who wants it.
    if (who !== null) admission.want(id, who, clock.now());
    if (isAlwaysLoaded({ id, aliases }, settings())) admission.want(id, 'always', clock.now());
    registry.add({ id, aliases, added, pinned, force, kind: listing.kind, ...placeOf(listing) });
  }

  /**
   * Who reads its files now may find them under the old name no more: it is loaded from the new
   * place. What has read them is not disturbed.
   */
  #moved(id: string): void {
    const { registry, doer } = this.#ports;
    const state = registry.get(id)?.state;
    if (state?.name === 'loading' || state?.name === 'preparing') void doer.unloadModel(id, 'files-changed', { to: 'analyzed' });
    // The name was gone before anybody saw where to.
    else if (state?.name === 'failed') this.#changed(id);
  }

  /** Other bytes under a known name: what was said of the old ones holds no more. */
  #changed(id: string): void {
    const { registry, admission, clock, doer, settings, inspectAgain } = this.#ports;
    const state = registry.get(id)?.state;
    this.#remembered.delete(id);
    if (settings().orchestration.policies.load === 'on_drop') admission.want(id, 'content', clock.now());
    switch (state?.name) {
      case undefined:
        return;
      case 'discovered':
      case 'settling':
        return inspectAgain(id);
      case 'blocked':
      case 'unloaded':
      case 'failed':
        registry.apply(id, { type: 'files-changed', copy: NOTHING_COPIED });
        return;
      case 'queued':
        if (hasProcess(state)) return void doer.unloadModel(id, 'files-changed', { to: 'settling' });
        return void registry.apply(id, { type: 'files-changed', copy: NOTHING_COPIED });
      case 'preparing':
      case 'loading':
      case 'ready':
      case 'asleep':
        return void doer.unloadModel(id, 'files-changed', { to: 'settling' });
      case 'draining':
        // Also where it was to be forgotten: its files are there again.
        return void registry.apply(id, { type: 'drain-redirected', becomes: { to: 'settling' } });
      case 'analyzed':
        return;
      default:
        assertNever(state);
    }
  }

  /** The record ends; a process of it is drained first. */
  async #leave(record: ModelRecord): Promise<void> {
    const { registry, doer, ledger } = this.#ports;
    const { id, state } = record;
    this.#remembered.delete(id);
    this.#away.delete(id);
    this.#tryToWrite(() => ledger.forget(id));
    if (hasProcess(state) || state.name === 'draining') return doer.unloadModel(id, 'gone', { to: 'forgotten' });
    registry.apply(id, { type: 'gone' });
  }

  #byPath(path: string): ModelRecord | null {
    return [...this.#ports.registry.all()].find((record) => record.path === path || record.realPath === path) ?? null;
  }

  #remember(record: ModelRecord): void {
    const isEarly = EARLY_STATES.has(record.state.name);
    // Of one elsewhere nothing is written down: the settings name its server.
    if (record.server !== undefined || (!isEarly && !REMEMBERED_STATES.has(record.state.name))) return;
    const { id, aliases, path, added, pinned, force, files, device, inode } = record;
    // Nobody would find the path again that a person named.
    if (isEarly && !added) return;
    const failed = stateOf(record, 'failed');
    const failure = failed === null ? null : { code: failed.failure.code, message: failed.failure.message, attempts: failed.attempts };
    const ended = failed !== null ? 'failed' : isEarly && this.#ports.admission.isWanted(id) ? null : 'unloaded';
    const memory: RememberedModel = { id, aliases, path, added, pinned, force, files, device, inode, ended, failure };
    if (JSON.stringify(this.#remembered.get(id)) === JSON.stringify(memory)) return;
    // For the next run alone: in this one a copy under way ended nothing.
    if (!isEarly) this.#remembered.set(id, memory);
    this.#tryToWrite(() => this.#ports.ledger.remember(memory));
  }

  /** Memory is a help, not a condition: a full disk must not stop a model that can be served. */
  #tryToWrite(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#ports.log.warn(`The list of models could not be saved: ${error instanceof Error ? error.message : error}`);
    }
  }
}

/** Before a verdict: only what a person registered is remembered. */
const EARLY_STATES: ReadonlySet<string> = new Set(['discovered', 'settling']);
/** Content that a verdict was reached on is known from then on; a copy under way is not. */
const REMEMBERED_STATES: ReadonlySet<string> = new Set(['queued', 'loading', 'ready', 'unloaded', 'failed', 'blocked']);
