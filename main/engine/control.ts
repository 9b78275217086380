/**
 * `Control` for the window, the command line and scripts: what a person may ask of the engine.
 * Wires parts that `engine.ts` built; owns nothing.
 */
import type { LaunchWish } from '../../shared/decision.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { hasProcess, NOTHING_COPIED } from '../../shared/model.ts';
import { nearestNames } from '../../shared/nearest.ts';
import type { Reason } from '../../shared/reason.ts';
import { sentenceOf } from '../../shared/reason-words.ts';
import type { ModelView, Snapshot } from '../../shared/snapshot.ts';
import type { Admission } from '../core/admission.ts';
import type { Questions } from '../core/decide/questions.ts';
import type { Doer } from '../core/doer.ts';
import type { Control } from '../core/gateway.ts';
import type { Catalog } from '../core/notice/catalog.ts';
import type { Orchestrator } from '../core/orchestrator.ts';
import type { Clock, FoundModels, Ledger, Library, ModelFinder } from '../core/ports.ts';
import { isBlockedByFiles, type ModelRecord, type Registry } from '../core/registry.ts';
import { settlingInWords } from '../core/sentences.ts';
import type { Activity } from '../core/tell/activity.ts';
import type { Changes } from '../core/tell/changes.ts';
import type { DayHistory, History } from '../core/tell/history.ts';
import type { Trust } from '../core/trust.ts';
import type { Manager } from '../runtime/manager.ts';

export interface ControlParts {
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
  readonly changes: Changes;
  readonly history: History;
  readonly day: DayHistory;
  readonly activity: Activity;
  readonly clock: Clock;
  readonly engineLog: { lines(): readonly string[]; follow(listener: (line: string) => void): () => void };
  snapshot(): Snapshot;
  view(id: string): ModelView | null;
  rescanRuntimes(): Promise<void>;
  readonly settings: Control['settings'];
  readonly editSettings: Control['editSettings'];
  /** Why the engine cannot serve; null when it can. */
  trouble(): string | null;
}

export function createControl(parts: ControlParts): Control {
  const { registry, catalog, changes, ledger, manager } = parts;
  const named = (name: string) => requireModel(registry, name);
  return {
    snapshot: parts.snapshot,
    history: (span) => (span === 'day' ? parts.day : parts.history).read(parts.clock.wallTime()),
    activity: (filter) => parts.activity.read(filter, parts.clock.wallTime()),
    model: (name) => {
      const id = registry.resolve(name);
      return id === null ? null : parts.view(id);
    },
    health: () => {
      const reason = parts.trouble();
      return { ok: reason === null, reason };
    },
    load: (name, { force }) => load(parts, named(name), force),
    unload: async (name, { force }) => unload(parts, named(name), force),
    pin(name, pinned) {
      registry.update(named(name).id, { pinned });
      parts.orchestrator.pinsChanged();
    },
    showTrust: async (name, signal) => parts.trust.show(named(name).id, signal),
    trust: async (name, wish, signal) => parts.trust.set(named(name).id, wish, signal),
    add: (path, options) => catalog.add(path, options),
    found: async () => withRegistered(await parts.finder.find(), registry),
    sample: (signal) => parts.sample(signal),
    forget: (name) => catalog.forget(named(name).id),
    plan: (target, wish) => plan(parts, target, wish),
    decisions: ({ model, beforeId, limit }) => {
      const modelId = model === undefined ? undefined : (registry.resolve(model) ?? model);
      return ledger.decisions({ limit, ...(modelId === undefined ? {} : { modelId }), ...(beforeId === undefined ? {} : { beforeId }) });
    },
    logs: (name) => {
      if (name === null) return { lines: parts.engineLog.lines(), follow: parts.engineLog.follow };
      const words = manager.words(named(name).id);
      return { lines: words.all(), follow: (listener) => words.follow(listener) };
    },
    rescanRuntimes: parts.rescanRuntimes,
    subscribe: (afterId, listener) => changes.subscribe(afterId, listener),
    settings: parts.settings,
    editSettings: parts.editSettings,
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
function load({ registry, admission, orchestrator, clock }: ControlParts, record: ModelRecord, force: boolean): void {
  const { id, state } = record;
  if (state.name === 'ready') return;
  admission.want(id, 'person', clock.now());
  // Forced content is looked at anew: what counted as missing counts as data now.
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
  { registry, admission, doer, orchestrator, ledger, clock }: ControlParts,
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
async function plan({ registry, library, questions }: ControlParts, target: string, wish?: LaunchWish): ReturnType<Control['plan']> {
  const id = registry.resolve(target);
  const known = id === null ? undefined : registry.get(id);
  if (known !== undefined) {
    const own = questions.launchSettings(known);
    const decision = questions.whatIf(known, wish);
    if (decision !== null) return { profile: known.profile, decision, message: decision.reason, own };
    // Not whole, or damaged: what its bytes tell all the same, file by file.
    const { profile } = await library.inspect(known.path, { force: known.force, signal: new AbortController().signal });
    return { profile, decision, message: notAnalyzed(known), own };
  }
  if (!target.startsWith('/')) requireModel(registry, target);
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
  return state.name === 'blocked' ? state.message : 'it is being looked at';
}
