/**
 * Gathers the brain's inputs (devices, residents, runtimes, settings) from their owners and calls
 * the brain. Nothing is decided or committed here.
 */
import type { Decision, LaunchWish, OwnLaunch, Placement, RuntimeId } from '../../../shared/decision.ts';
import type { StateOf } from '../../../shared/model.ts';
import { formOf, type ModelForm, type ModelProfile } from '../../../shared/profile.ts';
import type { Settings } from '../../../shared/settings.ts';
import type { Admission } from '../admission.ts';
import { type BaseVerdict, baseOf, type KnownModel } from '../analyzer/lora-base.ts';
import { RECENT_MEASUREMENTS } from '../measurements.ts';
import { type Devices, isNamed, type Room } from '../memory/devices.ts';
import { type ResidentFacts, residents, settingsOf } from '../memory/residents.ts';
import type { Problem } from '../notice/elsewhere.ts';
import type { Clock, Ledger } from '../ports.ts';
import { type ModelRecord, stateOf } from '../registry.ts';
import { storedName } from '../stores/names.ts';
import { type BrainInput, decide } from './brain.ts';
import { isChosen, isMeantFor } from './brain-options.ts';
import { decideDerived } from './derived.ts';
import { planHash } from './plan-hash.ts';
import type { KnownRuntime, LaunchSettings, LoraFacts, NamedRuntime } from './planner.ts';
import { sentenceReason, withSentence } from './reasoned.ts';
import { boxAfter } from './together.ts';

export interface QuestionPorts {
  readonly admission: Admission;
  readonly devices: Devices;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly facts: ResidentFacts;
  runtimes(): readonly KnownRuntime[];
  readonly laterRuntimes: readonly NamedRuntime[];
  settings(): Settings;
  /** Why a model of somebody else's server cannot be asked now; null: it can, or it is none. */
  away(id: string): Problem | null;
  /** Has a person trusted the code that this form of the model has now? */
  trusted(record: ModelRecord, form: ModelForm): boolean;
}

export class Questions {
  readonly #ports: QuestionPorts;

  constructor(ports: QuestionPorts) {
    this.#ports = ports;
  }

  /** Where does it go? `empty`: could this box serve it at all; `present`: now. */
  ask(record: ModelRecord, box: BrainInput['box']): Decision {
    const away = this.#ports.away(record.id);
    if (away !== null)
      return { kind: 'refuse', refusal: 'away', candidates: [], ...withSentence(sentenceReason(away.why)), help: away.help };
    return (
      this.#derived(record.id, record.profile, box, (form) => this.#ports.trusted(record, form)) ?? decide(this.#question(record, box))
    );
  }

  /**
   * The brain's answer with nothing committed; null before the model was analyzed. @param wish in
   * place of what the settings say of it: the model would be restarted then, so that what it
   * holds now counts as free. @param after models that are asked for before it, and are busy then.
   */
  whatIf(record: ModelRecord, wish?: LaunchWish, after: readonly ModelRecord[] = []): Decision | null {
    if (record.profile === null) return null;
    const derived = this.#derived(record.id, record.profile, 'present', (form) => this.#ports.trusted(record, form));
    if (derived !== null) return derived;
    const asked = { ...this.#question(record, 'present'), mayEvict: true };
    const earlier = after.filter(({ id, profile }) => id !== record.id && profile !== null);
    const box = boxAfter(
      earlier.map((other) => this.#question(other, 'present')),
      asked,
    );
    const question = { ...asked, devices: box.devices, residents: box.residents };
    if (wish === undefined) return decide(question);
    const own = { ...this.#lorasOf(record.id), ...settingsOf(record, this.#ports.settings()), path: record.realPath };
    const settings = wished(own, wish);
    return decide({ ...question, asleep: null, settings, devices: question.devices.map((room) => without(record, room)) });
  }

  /** The same for content that is no model of ours (yet). */
  whatIfProfile(name: string, profile: ModelProfile, wish: LaunchWish = {}): Decision {
    const derived = this.#derived(name, profile, 'present', () => false);
    if (derived !== null) return derived;
    const settings = wished({}, wish);
    return decide(
      this.#questionFor(name, profile, settings, { box: 'present', mayEvict: true, waitedMs: 0, trusted: () => false, asleep: null }),
    );
  }

  /** What the settings say of how it is launched. */
  launchSettings(record: ModelRecord): OwnLaunch {
    const settings = this.#ports.settings();
    const name = [record.id, ...record.aliases].find((each) => settings.models[each] !== undefined) ?? record.id;
    const { context = null, parallel = null, gpus = null, runtime = null, memory_mb = null } = settings.models[name] ?? {};
    return { name, context, parallel, gpus, runtime, memory_mb };
  }

  /**
   * Only settings that the plan was computed from disturb a model: the plan for the same place is
   * computed again and compared.
   */
  launchDiffers(record: ModelRecord, state: StateOf<'loading'> | StateOf<'ready'> | StateOf<'asleep'>): boolean {
    const runtime = this.#ports.runtimes().find(({ planner }) => planner.id === state.plan.runtime);
    const form = record.profile === null ? undefined : formOf(record.profile, state.plan);
    if (runtime === undefined || form === undefined || record.profile === null) return true;
    const { settings } = this.#question(record, 'present');
    if (!isMeantFor(runtime.planner, settings)) return true;
    if (!isChosen(form, settings)) return true;
    // By what is known now another share might be planned: no reason to disturb one that serves.
    const { placement, preparation, learned, adapters, base } = state.plan;
    if (base !== undefined) return false;
    if (isBarred(placement, settings, this.#ports.devices.rooms())) return true;
    return (
      planHash(runtime.planner.plan(record.profile, form, placement, { ...settings, learned, loras: adapters }, preparation)) !==
      planHash(state.plan)
    );
  }

  /** For a LoRA: which of the models here it changes. Null for any other model. */
  base(id: string, profile: ModelProfile | null): BaseVerdict | null {
    if (profile === null || !isLora(profile)) return null;
    const known = [...this.#ports.facts.registry.all()].filter((other) => other.id !== id && !(other.profile && isLora(other.profile)));
    return baseOf(
      profile.base,
      known.map((other) => toKnownModel(other, this.#ports.settings())),
    );
  }

  /** For a LoRA whose base is here; null for any other model. */
  #derived(id: string, profile: ModelProfile | null, box: BrainInput['box'], trusted: (form: ModelForm) => boolean): Decision | null {
    const verdict = this.base(id, profile);
    const form = profile?.forms[0];
    const base = verdict?.verdict === 'found' ? this.#ports.facts.registry.get(verdict.id) : undefined;
    if (base === undefined || form === undefined) return null;
    const needsTrust = form.codeFiles.length > 0 && !trusted(form);
    const chosen = settingsOf(base, this.#ports.settings()).runtime;
    return decideDerived({ modelId: id, form, needsTrust, base, chosen, runtimes: this.#ports.runtimes(), box });
  }

  /**
   * What a model must be started with for the LoRAs here that change it; on which runtime, once
   * one of them is wanted.
   */
  #lorasOf(baseId: string): { readonly loras?: LoraFacts; readonly runtime?: RuntimeId } {
    const server = this.#ports.runtimes().find(({ planner }) => planner.whyNotAttached !== undefined);
    if (server === undefined) return {};
    let isWanted = false;
    const ranks: number[] = [];
    for (const { id, profile } of this.#ports.facts.registry.all()) {
      if (profile === null || !isLora(profile)) continue;
      const verdict = this.base(id, profile);
      const [form] = profile.forms;
      const isOurs = verdict?.verdict === 'found' && verdict.id === baseId;
      if (!isOurs || form === undefined || server.planner.whyNotAttached?.(form, null) !== null) continue;
      isWanted ||= this.#ports.admission.isWanted(id);
      ranks.push(form.adapter?.rank ?? 0);
    }
    if (ranks.length === 0) return {};
    // By itself it may suit another runtime better, and would be started there again and again.
    return { loras: { count: ranks.length, maxRank: Math.max(...ranks) }, ...(isWanted ? { runtime: server.planner.id } : {}) };
  }

  #question(record: ModelRecord, box: BrainInput['box']): BrainInput {
    const { admission, clock, settings } = this.#ports;
    if (record.profile === null) throw new Error(`${record.id} has no profile to decide on`);
    const waitedMs = admission.oldestWaitMs(record.id, clock.now());
    const own = settingsOf(record, settings());
    const { contextTokens, gpuBytes, moreGpuBytes } = record.retried;
    const retried = {
      ...(contextTokens === null ? {} : { context: Math.min(contextTokens, own.context ?? contextTokens) }),
      ...(gpuBytes === null ? {} : { gpuBytes }),
      ...(moreGpuBytes === null ? {} : { moreGpuBytes }),
    };
    const forLoras = this.#lorasOf(record.id);
    const trusted = (form: ModelForm): boolean => this.#ports.trusted(record, form);
    const mayEvict = admission.mayEvict(record.id);
    const asleep = stateOf(record, 'queued')?.asleep ?? null;
    return this.#questionFor(
      record.id,
      record.profile,
      { ...forLoras, ...own, ...retried, path: record.realPath },
      { box, mayEvict, waitedMs, trusted, asleep },
    );
  }

  #questionFor(
    modelId: string,
    profile: ModelProfile,
    own: LaunchSettings,
    asked: Pick<BrainInput, 'box' | 'mayEvict' | 'waitedMs' | 'trusted' | 'asleep'>,
  ): BrainInput {
    const { devices, ledger, clock, facts, settings } = this.#ports;
    const isElsewhere = profile.forms.some(({ server }) => server !== undefined);
    // What lies here and what is offered elsewhere have nothing to do with each other's runtimes.
    const runtimes = this.#ports
      .runtimes()
      .filter(({ planner }) => (isElsewhere ? planner.offered !== undefined : planner.offered !== 'only'));
    return {
      modelId,
      profile,
      base: this.base(modelId, profile),
      settings: own,
      policies: settings().orchestration.policies,
      devices: devices.rooms(),
      residents: residents(facts),
      runtimes,
      laterRuntimes: this.#ports.laterRuntimes,
      measurements: runtimes.flatMap(({ planner }) => [
        ...ledger.measurements(modelId, planner.id, RECENT_MEASUREMENTS),
        ...ledger.measurements(null, planner.id, RECENT_MEASUREMENTS),
      ]),
      ...asked,
      nowMs: clock.now(),
    };
  }
}

/** What is wished for, on top of what the settings say; null takes a key of theirs away. */
function wished(own: LaunchSettings, wish: LaunchWish): LaunchSettings {
  const settings: Record<string, unknown> = { ...own };
  for (const [key, value] of Object.entries(wish)) {
    if (value === null || value === undefined) delete settings[key];
    else settings[key] = value;
  }
  return settings;
}

/** Is it on a GPU that its own settings do not name, or off all of them where they name some? */
function isBarred({ kind, gpus }: Placement, { gpus: named }: LaunchSettings, rooms: readonly Room[]): boolean {
  if (named === undefined || kind === 'elsewhere') return false;
  if (kind === 'cpu') return named.length > 0;
  return rooms.some((room) => gpus.includes(room.id) && !isNamed(named, room));
}

/** The room as it would be without what this model holds of it. */
function without({ id, state }: ModelRecord, room: Room): Room {
  const promisedBytes = state.name === 'loading' ? (state.predicted[room.id] ?? 0) : 0;
  const heldBytes = Math.max(room.byModel[id] ?? 0, promisedBytes);
  const availableBytes = Math.min(room.emptyBytes, room.availableBytes + heldBytes);
  return { ...room, availableBytes, loading: room.loading === id ? null : room.loading };
}

/** Whether there is nothing else in it that could be served by itself. */
export function isLora({ forms }: ModelProfile): boolean {
  return forms.length > 0 && forms.every(({ kind }) => kind === 'adapter');
}

function toKnownModel(record: ModelRecord, settings: Settings): KnownModel {
  const { id, aliases, path, realPath, profile } = record;
  const names = [profile?.name ?? null, path, realPath, storedName(path)].filter((name) => name !== null);
  return { id, aliases: [...aliases, ...(settingsOf(record, settings).aliases ?? [])], names };
}
