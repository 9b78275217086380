/**
 * Decides about LoRAs: a LoRA is loaded into its base, and the base is loaded first.
 * Pure. `analyzer/lora-base.ts` finds the base; `grants.ts` has it loaded.
 */
import type { Decision, LaunchPlan, Placement, RuntimeId } from '../../../shared/decision.ts';
import type { ModelState } from '../../../shared/model.ts';
import type { ModelForm, ModelProfile } from '../../../shared/profile.ts';
import { shellWord, visibleName } from '../../../shared/visible.ts';
import { listed } from '../sentences.ts';
import type { KnownRuntime } from './planner.ts';
import { quotedReason, sentenceReason, withSentence } from './reasoned.ts';

export interface DerivedQuestion {
  readonly modelId: string;
  readonly form: ModelForm;
  readonly needsTrust: boolean;
  readonly base: { readonly id: string; readonly state: ModelState; readonly profile: ModelProfile | null };
  /** The runtime that the settings name for the base. */
  readonly chosen: RuntimeId | undefined;
  readonly runtimes: readonly KnownRuntime[];
  /** As the brain's: `empty` asks whether it could ever be. */
  readonly box: 'empty' | 'present';
}

const NOWHERE: Placement = { kind: 'cpu', gpus: [], gpuLayers: null };

/**
 * Place: its base is ready for it; wait: the base comes first; refuse: nothing here serves LoRAs
 * of that base.
 */
export function decideDerived(question: DerivedQuestion): Decision {
  const { modelId, form, base, chosen, runtimes, box } = question;
  if (base.profile === null) {
    const reason = `Its base ${base.id} is here and is still being analyzed.`;
    return {
      kind: 'refuse',
      refusal: 'needs-base',
      candidates: [],
      ...withSentence(sentenceReason(reason)),
      help: 'It continues automatically after that.',
    };
  }
  const server = runtimes.find(({ planner }) => planner.whyNotAttached !== undefined);
  const obstacle =
    server === undefined
      ? 'no runtime of this version serves adapters'
      : whyNot(server, form, { id: base.id, profile: base.profile }, chosen);
  if (obstacle !== null || server === undefined) {
    const reason = `This is an adapter for ${base.id}, which is here, but it cannot be served with it: ${(obstacle ?? '').replace(/\.$/, '')}.`;
    const serves =
      server === undefined
        ? ''
        : `${server.name} serves adapters together with their base: \`modelium check\` says what it lacks here. Or `;
    const help = `${serves}${serves === '' ? 'Merge' : 'merge'} it into its base and drop that.`;
    const because = quotedReason({ kind: 'not-taken', form: form.kind }, reason);
    return { kind: 'refuse', refusal: 'no-runtime', candidates: [], ...withSentence(because), help };
  }
  if (question.needsTrust) {
    const files = listed(form.codeFiles.map(visibleName));
    const reason = `It contains code that would run here and is not trusted yet: ${files}.`;
    return {
      kind: 'refuse',
      refusal: 'needs-trust',
      candidates: [],
      ...withSentence(quotedReason({ kind: 'needs-trust' }, reason)),
      help: `\`modelium trust ${shellWord(modelId)}\` shows it; trust it if you know who wrote it.`,
    };
  }
  const place = placed(server, form, base);
  if (box === 'empty') return place;
  if (base.state.name === 'failed' || base.state.name === 'blocked') {
    const why = base.state.name === 'failed' ? base.state.failure.message : base.state.message;
    return {
      kind: 'refuse',
      refusal: 'needs-base',
      candidates: [],
      ...withSentence(quotedReason({ kind: 'base-not-served', base: base.id }, `Its base ${base.id} cannot be served: ${why}`)),
      help: `Fix that first: \`modelium why ${base.id}\`.`,
      base: base.id,
    };
  }
  const serves = base.state.name === 'ready' && base.state.runtime === server.planner.id;
  if (serves && base.state.name === 'ready' && (server.planner.whyNotAttached?.(form, base.state.plan) ?? null) === null) return place;
  const isRestarted = base.state.name === 'ready';
  return {
    kind: 'wait',
    devices: [],
    waitsFor: [base.id],
    lacksRoom: false,
    candidates: [],
    ...withSentence({ cause: { kind: 'waits-for-base', base: base.id, isRestarted }, facts: [] }),
    base: base.id,
  };
}

function whyNot(
  { planner, enabled, found }: KnownRuntime,
  form: ModelForm,
  base: { readonly id: string; readonly profile: ModelProfile },
  chosen: DerivedQuestion['chosen'],
): string | null {
  if (!enabled) return `${planner.id} is switched off in the settings`;
  if (!found.found) return found.message;
  if (chosen !== undefined && chosen !== planner.id) return `models.${base.id}.runtime says ${chosen}`;
  const { profile } = base;
  const supports = profile.forms.map((each) => planner.supports(profile, each));
  if (!supports.some(({ supported }) => supported)) return supports[0]?.why ?? `${planner.id} does not serve ${base.id}`;
  return planner.whyNotAttached?.(form, null) ?? null;
}

function placed({ planner }: KnownRuntime, form: ModelForm, { id, state }: DerivedQuestion['base']): Extract<Decision, { kind: 'place' }> {
  const placement = state.name === 'ready' ? state.plan.placement : NOWHERE;
  const launch = { contextTokens: 0, parallelSequences: 0, args: [], env: {} };
  const plan: LaunchPlan = { runtime: planner.id, form: form.kind, file: form.files[0] ?? '', placement, ...launch, base: id };
  const candidate = {
    plan,
    feasible: true,
    why: 'served with its base, as one of its adapters',
    bytesNeeded: {},
    bytesThere: {},
    victims: [],
    loadSeconds: null,
    needsTrust: false,
  };
  return { kind: 'place', candidate, candidates: [candidate], ...withSentence({ cause: { kind: 'attaches', base: id }, facts: [] }) };
}
