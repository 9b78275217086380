/**
 * Reconsiders a model after a change of settings, runtimes, pins or trust. It reports the change to
 * the registry or has the doer drain the model; the orchestrator's next step decides again.
 */
import { formOf } from '../../../shared/profile.ts';
import type { Settings } from '../../../shared/settings.ts';
import type { Admission } from '../admission.ts';
import type { Doer } from '../doer.ts';
import { isAlwaysLoaded } from '../memory/residents.ts';
import type { Clock } from '../ports.ts';
import { isBlockedByFiles, type ModelRecord, type Registry } from '../registry.ts';
import type { Trust } from '../trust.ts';
import type { Questions } from './questions.ts';

export interface ReconsiderPorts {
  readonly registry: Registry;
  readonly admission: Admission;
  readonly doer: Doer;
  readonly clock: Clock;
  readonly questions: Questions;
  readonly trust: Pick<Trust, 'standing' | 'isChecking'>;
  settings(): Settings;
}

/**
 * Who waits or is blocked by anything but its files gets another verdict; nobody else is disturbed.
 */
export function askAgain({ registry }: Pick<ReconsiderPorts, 'registry'>, { id, state }: ModelRecord): void {
  if (state.name === 'queued' || (state.name === 'blocked' && !isBlockedByFiles(state))) registry.apply(id, { type: 'reconsidered' });
}

/**
 * Settings or runtimes changed. @param wantAlways notes that the settings want the model loaded.
 */
export function reconsider(ports: ReconsiderPorts, record: ModelRecord, wantAlways: (id: string) => void): void {
  const { registry, doer, admission, settings } = ports;
  const { state, id } = record;
  askAgain(ports, record);
  // Not over a process that still lives; and back-off goes on where nobody asks.
  const mayTry = state.name === 'failed' && state.failure.code !== 'still-alive';
  if (mayTry && (state.failure.permanent || admission.isWanted(id))) registry.apply(id, { type: 'reconsidered' });
  if ((state.name === 'loading' || state.name === 'ready' || state.name === 'asleep') && ports.questions.launchDiffers(record, state)) {
    if (isAlwaysLoaded(record, settings())) wantAlways(id);
    void doer.unloadModel(id, 'launch-settings', { to: 'analyzed' });
  }
}

/** What of its code may run is other than before: a person said so, or its files did. */
export function reconsiderTrust(ports: ReconsiderPorts, record: ModelRecord, by: 'person' | 'files'): void {
  const { registry, doer, trust, admission, clock, settings } = ports;
  const { state, id } = record;
  if (state.name === 'loading' || state.name === 'ready' || state.name === 'asleep') {
    const form = record.profile === null ? undefined : formOf(record.profile, state.plan);
    // While its files are only compared it stays: what it runs it has read already.
    const runsCode = state.plan.preparation === undefined;
    if (form !== undefined && runsCode && trust.standing(record, form) === 'none')
      void doer.unloadModel(id, 'trust-lost', { to: 'analyzed' });
    return;
  }
  // What was dropped was to be loaded, and only this stood in the way.
  const wasBlocking = by === 'person' && state.name === 'blocked' && state.reason === 'needs-trust';
  if (wasBlocking && settings().orchestration.policies.load === 'on_drop') admission.want(id, 'content', clock.now());
  if (state.name === 'unloaded') registry.apply(id, { type: 'reconsidered' });
  askAgain(ports, record);
}

/**
 * A model came, left, or got another name: the LoRAs that have it, or had it, as their base get
 * another verdict.
 */
export function reconsiderLoras({ registry, questions }: Pick<ReconsiderPorts, 'registry' | 'questions'>): void {
  // Those first: it is asked at each arrival, and thousands may arrive in a row.
  const blocked: ModelRecord[] = [];
  for (const record of registry.all()) if (record.state.name === 'blocked') blocked.push(record);
  for (const { id } of blocked) {
    const record = registry.get(id);
    if (record?.state.name !== 'blocked' || isBlockedByFiles(record.state)) continue;
    const { profile, state } = record;
    const base = questions.base(id, profile);
    const lacked = state.reason === 'needs-base';
    if (base !== null && lacked !== (base.verdict === 'needs-base')) registry.apply(id, { type: 'reconsidered' });
  }
}

/** A LoRA answers to `base:adapter` too, as people know it from elsewhere. */
export function nameByBase(registry: Registry, { id, aliases }: ModelRecord, base: string | undefined): void {
  const name = `${base}:${id}`;
  if (base === undefined || aliases.includes(name)) return;
  registry.update(id, { aliases: [...aliases.filter((alias) => !alias.endsWith(`:${id}`)), name] });
}
