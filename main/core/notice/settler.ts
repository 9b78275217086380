/**
 * Follows each new or changed candidate until its copy is complete: has the reader read it, asks
 * the pure `settle` for the verdict, and reports it to the registry. Owns only the running checks,
 * the time of the next ones, and the refusals it has said. Guarded by test/core/settler.test.ts.
 */
import { ModeliumError } from '../../../shared/errors.ts';
import type { CopyProgress, ModelState } from '../../../shared/model.ts';
import type { Clock, Inspection, Library, Log } from '../ports.ts';
import { isBlockedByFiles, type ModelRecord, type Registry } from '../registry.ts';
import { offeredProfile } from './elsewhere.ts';
import { type Observation, settle } from './settle.ts';

export interface SettlerPorts {
  readonly registry: Registry;
  readonly library: Library;
  readonly clock: Clock;
  readonly log: Log;
  /** How this content ended when it was served before; null for content that is new. */
  known(record: ModelRecord, inspection: Inspection): Extract<ModelState, { name: 'unloaded' | 'failed' }> | null;
}

interface Watch {
  readonly abort: AbortController;
  previous: Observation | null;
  looking: boolean;
  /** Something changed while a look was under way. */
  again: boolean;
  cancelTimer: () => void;
}

export class Settler {
  readonly #ports: SettlerPorts;
  readonly #watches = new Map<string, Watch>();
  /**
   * What the log has of each model that is refused: files that go on changing give the same verdict
   * again and again.
   */
  readonly #refusals = new Map<string, string>();

  constructor(ports: SettlerPorts) {
    this.#ports = ports;
    ports.registry.onChange(({ id, record }) => {
      if (record === null || !(isSettling(record.state) || isBlockedByFiles(record.state))) this.#refusals.delete(id);
    });
  }

  /** Begins to follow a model, if nobody does yet: the looks after that come by themselves. */
  follow(id: string): void {
    if (!this.#watches.has(id)) this.inspect(id);
  }

  /**
   * Looks at a model that is discovered or settling; a second call while a look is under way makes
   * it look once more.
   */
  inspect(id: string): void {
    const watch = this.#watches.get(id) ?? {
      abort: new AbortController(),
      previous: null,
      looking: false,
      again: false,
      cancelTimer: () => {},
    };
    this.#watches.set(id, watch);
    if (watch.looking) {
      watch.again = true;
      return;
    }
    const record = this.#ports.registry.get(id);
    if (record === undefined || !isSettling(record.state)) return this.leave(id);
    if (record.server !== undefined) return this.#takeOffer(record, record.server);
    watch.cancelTimer();
    watch.looking = true;
    watch.again = false;
    void this.#inspect(record, watch);
  }

  /** The model is gone, or settled. */
  leave(id: string): void {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    // Only what is under way: an abort makes an error, and most are left with their verdict.
    if (watch.looking) watch.abort.abort();
    watch.cancelTimer();
    this.#watches.delete(id);
  }

  close(): void {
    for (const id of [...this.#watches.keys()]) this.leave(id);
  }

  /** There are no files to look at: what its server says of it is all there is. */
  #takeOffer({ id }: ModelRecord, { name, offer }: NonNullable<ModelRecord['server']>): void {
    const { registry } = this.#ports;
    this.leave(id);
    registry.apply(id, { type: 'listed', copy: { bytesPresent: 0, bytesExpected: 0, missing: [] } });
    registry.update(id, { profile: offeredProfile(offer, name) });
    registry.apply(id, { type: 'analyzed' });
  }

  async #inspect(record: ModelRecord, watch: Watch): Promise<void> {
    const { library, clock, log, registry } = this.#ports;
    try {
      const last = watch.previous?.inspection ?? null;
      const inspection = await library.inspect(record.path, { force: record.force, last, signal: watch.abort.signal });
      if (watch.abort.signal.aborted) return;
      watch.looking = false;
      const current = registry.get(record.id);
      if (current === undefined || !isSettling(current.state)) return this.leave(record.id);
      this.#understand(current, watch, { inspection, atMs: clock.now() });
    } catch (error) {
      if (watch.abort.signal.aborted) return;
      watch.looking = false;
      log.error(`Looking at ${record.id} failed`, error);
      const message = error instanceof Error ? error.message : String(error);
      this.leave(record.id);
      const now = registry.get(record.id);
      if (now === undefined || !isSettling(now.state)) return;
      registry.apply(record.id, {
        type: 'blocked',
        reason: 'unreadable',
        message,
        help: 'Touch the file or copy it again, so that Modelium reads it again.',
      });
    }
  }

  #understand(record: ModelRecord, watch: Watch, observation: Observation): void {
    const { registry, clock } = this.#ports;
    const { id } = record;
    const { inspection } = observation;
    const known = inspection.whole && record.state.name === 'discovered' ? this.#ports.known(record, inspection) : null;
    if (known !== null) {
      registry.update(id, { profile: inspection.profile, files: inspection.files, analyzedFiles: inspection.files });
      // Left after the update: it wakes the orchestrator, which would else begin to follow, and
      // read it all once more.
      this.leave(id);
      registry.apply(id, { type: 'recognised', as: known });
      return;
    }
    if (record.state.name === 'discovered' && inspection.unreadable === null) registry.apply(id, { type: 'listed', copy: inspection.copy });
    const outcome = settle(watch.previous, observation, { force: record.force });
    watch.previous = outcome.observation;
    switch (outcome.kind) {
      case 'settling': {
        this.#showProgress(id, outcome.copy);
        const againMs = watch.again ? 0 : outcome.againMs;
        watch.cancelTimer = clock.after(againMs, () => this.inspect(id));
        return;
      }
      case 'whole':
        if (inspection.profile === null) throw new ModeliumError('internal', `${id} is whole but has no profile`);
        registry.update(id, { profile: inspection.profile, files: inspection.files, analyzedFiles: inspection.files });
        this.leave(id);
        registry.apply(id, { type: 'analyzed' });
        return;
      default:
        registry.update(id, { files: inspection.files });
        this.leave(id);
        this.#sayRefusal(id, outcome.message);
        registry.apply(id, { type: 'blocked', reason: outcome.kind, message: outcome.message, help: outcome.help });
    }
  }

  /** Once, until it is another one or the model was anything else in between. */
  #sayRefusal(id: string, message: string): void {
    if (this.#refusals.get(id) === message) return;
    this.#refusals.set(id, message);
    this.#ports.log.say(`${id} is not served: ${message}`);
  }

  #showProgress(id: string, copy: CopyProgress): void {
    const state = this.#ports.registry.get(id)?.state;
    if (state?.name !== 'settling' || sameProgress(state.copy, copy)) return;
    this.#ports.registry.apply(id, { type: 'copied', copy });
  }
}

function isSettling(state: ModelState): boolean {
  return state.name === 'discovered' || state.name === 'settling';
}

function sameProgress(a: CopyProgress, b: CopyProgress): boolean {
  return a.bytesPresent === b.bytesPresent && a.bytesExpected === b.bytesExpected && a.missing.join('\n') === b.missing.join('\n');
}
