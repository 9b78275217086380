/**
 * Prepares models before their load (a GGUF from a Hugging Face folder): one at a time, in a
 * separate process, with progress, and cancelled like a load. Owns the running preparation; the
 * resulting files belong to `PreparedFiles`, states to the registry.
 */
import type { LaunchPlan, RuntimeId } from '../../shared/decision.ts';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';
import type { AfterDrain, DrainReason } from '../../shared/model.ts';
import type { Policies } from '../../shared/settings.ts';
import type { FileChecks } from '../core/file-checks.ts';
import { sameFiles } from '../core/notice/settle.ts';
import type { Ledger, Log, PreparedFiles, SourceListing } from '../core/ports.ts';
import type { ModelRecord, Registry } from '../core/registry.ts';
import { convertedSentence } from '../core/sentences.ts';
import type { Adapter } from './adapter.ts';
import { failedLoad } from './failed-load.ts';
import type { LastOutput } from './last-output.ts';
import { Leases } from './leases.ts';
import { type HostPorts, ProcessHost } from './process-host.ts';
import { Stay, type StayPorts } from './stay.ts';

export interface PreparationPorts extends HostPorts, Pick<StayPorts, 'usage'>, Pick<FileChecks, 'confirmReadable'> {
  readonly registry: Registry;
  readonly log: Log;
  readonly ledger: Pick<Ledger, 'settle'>;
  readonly prepared: PreparedFiles;
  adapter(runtime: RuntimeId): Adapter;
  policies(): Policies;
  /** The kept output of the model; its later loads add to it. */
  output(id: string): LastOutput;
  /** The folder's files now. Rejects where it cannot be read. */
  list(path: string): Promise<SourceListing>;
}

interface Running {
  readonly id: string;
  readonly stay: Stay;
  readonly decisionId: number;
  readonly startedMs: number;
  readonly output: string;
  readonly host: ProcessHost;
}

export class Preparations {
  readonly #ports: PreparationPorts;
  #running: Running | null = null;

  constructor(ports: PreparationPorts) {
    this.#ports = ports;
  }

  /** Where what the plan loads lies; null where that is the files themselves. */
  fileOf({ files }: ModelRecord, { preparation }: LaunchPlan): string | null {
    return preparation === undefined ? null : this.#ports.prepared.pathOf(files, preparation);
  }

  /** The same, for who is about to load it: a file that was just used is the last to be cleaned. */
  use(record: ModelRecord, plan: LaunchPlan): string | null {
    const file = this.fileOf(record, plan);
    if (file !== null) this.#ports.prepared.used(file);
    return file;
  }

  isPrepared(record: ModelRecord, plan: LaunchPlan): boolean {
    const file = this.fileOf(record, plan);
    return file === null || this.#ports.prepared.bytesOf(file) !== null;
  }

  /** Does nothing run? */
  get isFree(): boolean {
    return this.#running === null;
  }

  /** Begins, where it is free. */
  prepare(record: ModelRecord, plan: LaunchPlan, decisionId: number): void {
    const { registry, clock } = this.#ports;
    if (!this.isFree || plan.preparation === undefined) return;
    const output = this.#ports.prepared.pathOf(record.files, plan.preparation);
    const adapter = this.#ports.adapter(plan.runtime);
    const lastOutput = this.#ports.output(record.id);
    lastOutput.begin(`--- ${new Date(clock.wallTime()).toISOString()} converting ---`);
    const host = new ProcessHost(this.#ports, adapter, record.id, lastOutput);
    const running: Running = {
      id: record.id,
      decisionId,
      startedMs: clock.now(),
      output,
      host,
      stay: new Stay(this.#ports, record.id, new Leases(() => {})),
    };
    this.#running = running;
    registry.apply(record.id, { type: 'preparation-started', sinceMs: clock.now() });
    running.stay.bringUp = this.#work(running, adapter, record, plan);
  }

  /** Is this model being prepared, or on its way out of that? */
  holds(id: string): boolean {
    return this.#running?.id === id;
  }

  /**
   * Ends it and leaves nothing of it. Resolves when the state after that is committed; a second
   * call redirects where it goes.
   */
  stop(id: string, reason: DrainReason, becomes: AfterDrain): Promise<void> {
    const running = this.#running;
    if (running === null || running.id !== id) return Promise.resolve();
    // Nobody asks it anything: there is nothing to wait for.
    return running.stay.leave(reason, becomes, () => this.#end(running), { force: true });
  }

  async close(): Promise<void> {
    if (this.#running !== null) await this.stop(this.#running.id, 'quit', { to: 'unloaded', reason: 'quit' });
  }

  async #work(running: Running, adapter: Adapter, record: ModelRecord, plan: LaunchPlan): Promise<void> {
    const { registry, clock, policies, prepared, log } = this.#ports;
    const { id, output, host, stay, startedMs } = running;
    const { signal } = stay.abort;
    try {
      const { preparation } = plan;
      if (adapter.prepare === undefined || record.profile === null || preparation === undefined)
        throw new Error(`${adapter.id} prepares nothing`);
      const bytes = adapter.preparedBytes?.(record.profile, preparation) ?? 0;
      const earlier = prepared.earlier(output);
      // It takes the place of the earlier one.
      if (earlier === null) await prepared.makeRoom(bytes, this.#inUse());
      await this.#ports.confirmReadable(id, plan);
      const { places } = await this.#sameFiles(record);
      const { load_stall_seconds, load_max_seconds } = policies();
      const limits = { stallMs: load_stall_seconds * 1000, maxMs: load_max_seconds * 1000 };
      await host.run(
        adapter.prepare({ modelId: id, places, output: prepared.partOf(output), earlier, preparation }),
        limits,
        signal,
        ({ progress }) => {
          if (progress !== null) registry.apply(id, { type: 'preparation-progressed', progress });
        },
      );
      await this.#sameFiles(record);
      if (signal.aborted) return;
      await prepared.commit(output);
      await host.stop(0);
      // Whoever cancelled in the meantime drains it.
      if (signal.aborted) return;
      this.#running = null;
      log.say(convertedSentence(id, prepared.bytesOf(output) ?? bytes, (clock.now() - startedMs) / 1000));
      this.#settle(running, true, 'converted');
      registry.apply(id, { type: 'prepared', sinceMs: clock.now() });
    } catch (thrown) {
      if (!signal.aborted) this.#fail(running, toModeliumError(thrown));
    }
  }

  /** Those that the decision was for: what is made of others would bear their name. */
  async #sameFiles(record: ModelRecord): Promise<SourceListing> {
    const listing = await this.#ports.list(record.realPath);
    if (!sameFiles(record.files, listing.files, true)) {
      throw new ModeliumError('content-changed', `The files of ${record.id} changed while they were converted.`);
    }
    return listing;
  }

  #fail(running: Running, error: ModeliumError): void {
    const { registry, log } = this.#ports;
    const record = registry.get(running.id);
    if (record === undefined) return;
    log.warn(`${running.id} could not be converted: ${error.message}`);
    this.#settle(running, false, error.message);
    if (error.code === 'content-changed') return void this.stop(running.id, 'files-changed', { to: 'settling' });
    const permanent = error.code === 'not-convertible';
    const { output } = running.host;
    void this.stop(running.id, 'load-failed', failedLoad(this.#ports, record, error, { permanent, output }));
  }

  /** How it ended, in the row of its decision (I14). */
  #settle({ decisionId, startedMs }: Running, ok: boolean, message: string): void {
    const { ledger, clock, log } = this.#ports;
    const seconds = (clock.now() - startedMs) / 1000;
    try {
      ledger.settle(decisionId, { ok, message, predictedBytes: null, measuredBytes: null, seconds });
    } catch (error) {
      // A full disk must not cost a model that is ready to be loaded.
      log.warn(toModeliumError(error).message);
    }
  }

  async #end({ host, output }: Running): Promise<null> {
    // It holds no memory that is waited for, and what it has written is worth nothing: it is
    // killed.
    await host.stop(0);
    this.#ports.prepared.discard(output);
    this.#running = null;
    return null;
  }

  /** Files that models on their devices read from. */
  #inUse(): ReadonlySet<string> {
    const paths = new Set<string>();
    for (const record of this.#ports.registry.all()) {
      const plan =
        'plan' in record.state ? record.state.plan : record.state.name === 'draining' ? (record.state.ready?.plan ?? null) : null;
      const file = plan === null ? null : this.fileOf(record, plan);
      if (file !== null) paths.add(file);
    }
    return paths;
  }
}
