/**
 * Implements `Control`, the actions that the window, the command line and scripts may request.
 * Wires parts that `engine.ts` built; owns nothing.
 */
import { ModeliumError } from '../../shared/errors.ts';
import { hasProcess, NOTHING_COPIED } from '../../shared/model.ts';
import { nearestNames } from '../../shared/nearest.ts';
import type { Reason } from '../../shared/reason.ts';
import { sentenceOf } from '../../shared/reason-words.ts';
import type { ModelView, Snapshot } from '../../shared/snapshot.ts';
import type { Admission } from '../core/admission.ts';
import type { Questions } from '../core/decide/questions.ts';
import type { Doer } from '../core/doer.ts';
import type { Control, PlanOptions } from '../core/gateway.ts';
import type { Catalog } from '../core/notice/catalog.ts';
import { refuseOtherPaths } from '../core/notice/models-path.ts';
import type { Orchestrator } from '../core/orchestrator.ts';
import type { Clock, FoundModels, Ledger, Library, ModelFinder } from '../core/ports.ts';
import type { HttpClient } from '../core/process-ports.ts';
import { isBlockedByFiles, type ModelRecord, type Registry } from '../core/registry.ts';
import { settlingInWords } from '../core/sentences.ts';
import type { Activity } from '../core/tell/activity.ts';
import type { Changes } from '../core/tell/changes.ts';
import type { DayHistory, History } from '../core/tell/history.ts';
import type { Trust } from '../core/trust.ts';
import type { Uploads } from '../io/files/upload.ts';
import { ServerStatistics } from '../io/server-statistics.ts';
import type { Manager } from '../runtime/manager.ts';

export interface ControlPorts {
  readonly registry: Registry;
  readonly catalog: Catalog;
  readonly admission: Admission;
  readonly orchestrator: Orchestrator;
  readonly questions: Questions;
  readonly manager: Manager;
  readonly doer: Doer;
  readonly trust: Trust;
  readonly ledger: Ledger;
  readonly library: Library;
  readonly finder: ModelFinder;
  readonly sample: Control['sample'];
  readonly uploads: Uploads;
  readonly changes: Changes;
  readonly history: History;
  readonly day: DayHistory;
  readonly activity: Activity;
  readonly clock: Clock;
  readonly engineLog: { lines(): readonly string[]; follow(listener: (line: string) => void): () => void };
  /** Asks the servers that models live in. */
  readonly upstreams: Pick<HttpClient, 'request'>;
  snapshot(): Snapshot;
  view(id: string): ModelView | null;
  rescanRuntimes(): Promise<void>;
  readonly settings: Control['settings'];
  readonly editSettings: Control['editSettings'];
  /** Why the engine cannot serve; null when it can. */
  trouble(): string | null;
}

export function createControl(ports: ControlPorts): Control {
  const { registry, catalog, changes, ledger, manager } = ports;
  const named = (name: string) => requireModel(registry, name);
  const served = new ServerStatistics(ports.upstreams, ports.clock);
  return {
    snapshot: ports.snapshot,
    statistics: () =>
      served.of([...registry.all()].flatMap(({ id, state }) => (state.name === 'ready' ? [{ id, endpoint: state.endpoint }] : []))),
    history: (span) => (span === 'day' ? ports.day : ports.history).read(ports.clock.wallTime()),
    activity: (filter) => ports.activity.read(filter, ports.clock.wallTime()),
    model: (name) => {
      const id = registry.resolve(name);
      return id === null ? null : ports.view(id);
    },
    health: () => {
      const reason = ports.trouble();
      return { ok: reason === null, reason };
    },
    load: (name, { force }) => load(ports, named(name), force),
    unload: async (name, { force }) => unload(ports, named(name), force),
    pin(name, pinned) {
      registry.update(named(name).id, { pinned });
      ports.orchestrator.pinsChanged();
    },
    showTrust: async (name, signal) => ports.trust.show(named(name).id, signal),
    trust: async (name, wish, signal) => ports.trust.set(named(name).id, wish, signal),
    add: (path, options) => catalog.add(path, options),
    found: async () => withRegistered(await ports.finder.find(), registry),
    sample: (signal) => ports.sample(signal),
    upload: (name, bytes, key) =>
      ports.uploads.keep(name, bytes, key, async (path) => ({ path, id: (await catalog.add(path, { load: true })).id })),
    takeBack: (key) => ports.uploads.takeBack(key),
    forget: (name) => catalog.forget(named(name).id),
    plan: (target, options) => plan(ports, target, options),
    decisions: ({ model, beforeId, limit }) => {
      const modelId = model === undefined ? undefined : (registry.resolve(model) ?? model);
      return ledger.decisions({ limit, ...(modelId === undefined ? {} : { modelId }), ...(beforeId === undefined ? {} : { beforeId }) });
    },
    logs: (name) => {
      if (name === null) return { lines: ports.engineLog.lines(), follow: ports.engineLog.follow };
      const output = manager.output(named(name).id);
      return { lines: output.all(), follow: (listener) => output.follow(listener) };
    },
    rescanRuntimes: ports.rescanRuntimes,
    subscribe: (afterId, listener) => changes.subscribe(afterId, listener),
    settings: ports.settings,
    editSettings: ports.editSettings,
  };
}

/** Which of them are known here: by the path that was registered, or by where it leads. */
export function withRegistered(found: FoundModels, registry: Registry): FoundModels {
  const ids = new Map([...registry.all()].flatMap(({ id, path, realPath }) => [[realPath, id] as const, [path, id] as const]));
  return {
    ...found,
    models: found.models.map((model) => ({ ...model, registered: ids.get(model.path) ?? ids.get(model.realPath) ?? null })),
  };
}

function requireModel(registry: Registry, name: string): ModelRecord {
  const id = registry.resolve(name);
  const record = id === null ? undefined : registry.get(id);
  if (record !== undefined) return record;
  const near = nearestNames(name, registry.names());
  throw new ModeliumError('model-not-found', `There is no model ${name}.${near.length === 0 ? '' : ` Did you mean ${near.join(', ')}?`}`, {
    param: 'model',
  });
}

/**
 * A person asks: the wish stands until it is ready, a back-off ends at once, a blocked model is
 * looked at again.
 */
function load({ registry, admission, orchestrator, clock }: ControlPorts, record: ModelRecord, force: boolean): void {
  const { id, state } = record;
  if (state.name === 'ready') return;
  admission.want(id, 'person', clock.now());
  // Forced content is looked at again: what counted as missing counts as data now.
  if (force && !record.force) registry.update(id, { force: true });
  // What its files stood in the way of begins with another look at them.
  if (isBlockedByFiles(state)) registry.apply(id, { type: 'files-changed', copy: NOTHING_COPIED });
  const now = registry.get(id)?.state;
  if (now?.name === 'failed' || now?.name === 'blocked') registry.apply(id, { type: 'reconsidered' });
  if (now?.name === 'draining' && now.becomes.to === 'unloaded' && now.becomes.reason !== 'quit') {
    registry.apply(id, { type: 'drain-redirected', becomes: { to: 'analyzed' } });
  }
  orchestrator.wake(id);
}

const BY_HAND: Reason = { cause: { kind: 'by-hand' }, facts: [] };

async function unload(
  { registry, admission, doer, orchestrator, ledger, clock }: ControlPorts,
  record: ModelRecord,
  force: boolean,
): Promise<void> {
  const { id, state } = record;
  admission.unwant(id);
  if (state.name === 'queued' && state.asleep === null) {
    registry.apply(id, { type: 'rested', reason: 'user', atMs: clock.now() });
    return;
  }
  if (!hasProcess(state) && state.name !== 'draining') return orchestrator.wake(id);
  try {
    ledger.decide({
      modelId: id,
      action: 'evict',
      reason: 'user',
      sentence: sentenceOf(BY_HAND),
      because: BY_HAND,
      inputs: { force },
      candidates: [],
    });
  } catch {
    // A full disk costs the row, not the service.
  }
  await doer.unloadModel(id, 'user', { to: 'unloaded', reason: 'user' }, { force });
}

/** What would happen, with nothing committed: for a model that is known, or for any path. */
async function plan(
  { registry, library, questions }: ControlPorts,
  target: string,
  { wish, after = [] }: PlanOptions,
): ReturnType<Control['plan']> {
  const id = registry.resolve(target);
  const known = id === null ? undefined : registry.get(id);
  if (known !== undefined) {
    const own = questions.launchSettings(known);
    const decision = questions.whatIf(
      known,
      wish,
      after.map((name) => requireModel(registry, name)),
    );
    if (decision !== null) return { profile: known.profile, decision, message: decision.reason, own };
    // Not whole, or damaged: what its bytes tell all the same, file by file.
    const { profile } = await library.inspect(known.path, { force: known.force, signal: new AbortController().signal });
    return { profile, decision, message: notAnalyzed(known), own };
  }
  if (!target.startsWith('/')) requireModel(registry, target);
  refuseOtherPaths(target);
  const inspection = await library.inspect(target, { force: false, signal: new AbortController().signal });
  const { profile, copy } = inspection;
  if (inspection.unreadable !== null) throw new ModeliumError('path-invalid', `${target} cannot be read: ${inspection.unreadable}`);
  if (!inspection.whole || profile === null)
    return { profile, own: null, decision: null, message: inspection.damage ?? settlingInWords({ name: 'settling', copy }) };
  const decision = questions.whatIfProfile(target.split('/').at(-1) ?? target, profile, wish);
  return { profile, decision, message: decision.reason, own: null };
}

function notAnalyzed({ state }: ModelRecord): string {
  if (state.name === 'settling') return settlingInWords(state);
  return state.name === 'blocked' ? state.message : 'it is being analyzed';
}
