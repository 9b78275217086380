/**
 * Decides where a model goes: rules over facts that the caller passes in, in about a millisecond,
 * with a sentence for each option. Pure: it changes nothing, so a dry run is the same call.
 * `brain-options.ts` lists the options, `brain-fit.ts` checks whether they fit.
 *
 * The order of preference:
 *
 * 1. All layers on GPUs, then part of them, then the CPU, because a model is used far longer than
 *    it is loaded. So an idle model is evicted from a GPU before the next one runs on the CPU, and
 *    a short, bounded wait for a GPU beats the CPU. Servers elsewhere take what this machine
 *    cannot hold.
 * 2. Within that: fits now; fits when models that are leaving have left; fits after the cheapest
 *    eviction; must wait.
 * 3. The runtime that suits the kind of model; more layers on the GPU; original weights before
 *    converted ones; fewer GPUs.
 * 4. The GPU that leaves the largest free space on the machine, then the emptiest GPU.
 */
import type { Candidate, Decision, RefusalReason } from '../../../shared/decision.ts';
import type { Asleep } from '../../../shared/model.ts';
import type { Reason } from '../../../shared/reason.ts';
import type { Policies } from '../../../shared/settings.ts';
import { shellWord, visibleName } from '../../../shared/visible.ts';
import type { BaseVerdict } from '../analyzer/lora-base.ts';
import type { Room } from '../memory/devices.ts';
import type { Resident } from '../memory/evictor.ts';
import { listed } from '../sentences.ts';
import { type Box, boxOf, type Fit, type Weighed, weigh } from './brain-fit.ts';
import {
  deadOptions,
  isMeantFor,
  needsTrust,
  type Option,
  type OptionsInput,
  type Route,
  routesOf,
  splitOptions,
  usableGpus,
  wakeOption,
  wholeOptions,
} from './brain-options.ts';
import { noRoomReason, reasonOf, toCandidate, type Weighing, wakingReason } from './brain-reasons.ts';
import { HELP_CHECK, noRuntimeWords } from './brain-words.ts';
import { quotedReason, sentenceReason, withSentence } from './reasoned.ts';

export interface BrainInput extends OptionsInput {
  readonly policies: Policies;
  readonly residents: readonly Resident[];
  /**
   * `empty`: could this box serve it at all? No residents, nobody else's memory; answers place or
   * refuse, never wait.
   */
  readonly box: 'empty' | 'present';
  /** False for content that nobody asked for: it takes free room only. */
  readonly mayEvict: boolean;
  /** For a LoRA: whether its base is here. Null for any other model. */
  readonly base: BaseVerdict | null;
  /** Of one that sleeps: it is woken where it is, or ended. */
  readonly asleep: Asleep | null;
  /** How long the oldest request or person has waited. */
  readonly waitedMs: number;
  readonly nowMs: number;
}

/**
 * A split with less than this share of the layers that it could have is hardly faster than the CPU:
 * victims are worth it then.
 */
const WORTHWHILE_SPLIT = 0.5;

const CLASSES = ['gpu', 'split', 'cpu', 'elsewhere'] as const;
const FITS: readonly Fit[] = ['now', 'draining', 'victims', 'waits'];

/**
 * Place, wait or refuse, always with every option that was weighed and a reason. At `present`,
 * `refuse` means that waiting for models of ours is no use.
 */
export function decide(input: BrainInput): Decision {
  if (input.base?.verdict === 'needs-base') return refusal('needs-base', sentenceReason(input.base.sentence), HELP_BASE, []);
  const box = boxOf({
    devices: input.devices,
    residents: input.residents.filter((resident) => resident.modelId !== input.modelId),
    box: input.box,
    mayEvict: input.mayEvict,
    rules: {
      minResidencyMs: input.policies.min_residency_seconds * 1000,
      busyToo: input.waitedMs >= input.policies.fairness_max_wait_seconds * 1000,
      nowMs: input.nowMs,
    },
  });
  if (input.asleep !== null && input.box === 'present') return decideWake(input, input.asleep, box);
  const routes = routesOf(input);
  const weighed = weighAll(input, routes, box);
  const best = choose(
    weighed.filter(({ option }) => !option.needsTrust),
    box,
  );
  // The one that was taken, or is waited for, stands on top.
  const ordered = best === null ? weighed : [best, ...weighed.filter((each) => each !== best)];
  const candidates = [...ordered, ...deadOptions(input).map((option) => weigh(option, box))].map((each) => toCandidate(each, box));
  if (best === null) return refuse(input, routes, weighed, candidates, box);
  const why = withSentence(reasonOf(best, weighingOf(input, weighed, box)));
  if (best.fit === 'now' || best.fit === 'victims') {
    // Must be the same object as in the list: the ledger compares by identity to mark the chosen
    // one.
    return { kind: 'place', candidate: candidates[0] ?? toCandidate(best, box), candidates, ...why };
  }
  const { waitsFor, lacksRoom, option } = best;
  return { kind: 'wait', devices: option.slots, waitsFor, lacksRoom, candidates, ...why };
}

function weighingOf(input: BrainInput, weighed: readonly Weighed[], box: Box): Weighing {
  return { box, weighed, devices: input.devices, usable: usableGpus(input), layers: input.profile.layers };
}

/**
 * It has its place: what it gave back must be there again. Refused: it is ended, and asked about
 * like any other.
 */
function decideWake(input: BrainInput, asleep: Asleep, box: Box): Decision {
  const option = wakeOption(input, asleep);
  const weighed = weigh(option, box);
  const candidate = toCandidate(weighed, box);
  const because = wakingReason(weighed, box);
  const why = withSentence(because);
  if (weighed.fit === 'now' || weighed.fit === 'victims') return { kind: 'place', candidate, candidates: [candidate], ...why };
  if (weighed.fit === 'waits' || weighed.fit === 'draining') {
    const { waitsFor, lacksRoom } = weighed;
    return { kind: 'wait', devices: option.slots, waitsFor, lacksRoom, candidates: [candidate], ...why };
  }
  return refusal('no-room', because, HELP_NO_ROOM, [candidate]);
}

function weighAll(input: BrainInput, routes: readonly Route[], box: Box): readonly Weighed[] {
  const whole = routes
    .flatMap((route) => wholeOptions(input, route, (gpu) => box.reachable[gpu.id] ?? 0))
    .map((option) => weigh(option, box));
  const onGpu = whole.some(({ option, fit }) => option.plan.placement.kind === 'gpu' && !option.needsTrust && FITS.includes(fit));
  return onGpu ? whole : [...whole, ...routes.flatMap((route) => splits(input, route, box)).map((option) => weigh(option, box))];
}

/**
 * As many layers as fit beside those who are here, unless the GPU could have twice as many if they
 * left.
 */
function splits(input: BrainInput, route: Route, box: Box): readonly Option[] {
  const most = splitOptions(input, route, (gpu) => Math.min(gpu.emptyBytes, box.reachable[gpu.id] ?? 0));
  if (most.length === 0 || input.box === 'empty') {
    return most.length > 0 ? most : splitOptions(input, route, (gpu) => gpu.emptyBytes);
  }
  const now = splitOptions(input, route, (gpu) => box.there[gpu.id] ?? 0);
  return most.flatMap((option) => {
    const [gpu] = option.plan.placement.gpus;
    const beside = now.find(({ plan }) => plan.placement.gpus[0] === gpu);
    if (beside === undefined || layersOf(beside) === layersOf(option)) return [option];
    // Both are weighed: fewer layers on the GPU are more on the host, where there may be no room
    // for them.
    return layersOf(beside) >= layersOf(option) * WORTHWHILE_SPLIT ? [beside, option] : [option];
  });
}

function choose(weighed: readonly Weighed[], box: Box): Weighed | null {
  for (const kind of CLASSES) {
    for (const fit of FITS) {
      const same = weighed.filter((each) => each.fit === fit && each.option.plan.placement.kind === kind);
      if (same.length > 0) return bestOf(same, box);
    }
  }
  return null;
}

function bestOf(weighed: readonly Weighed[], box: Box): Weighed | null {
  const gpus = [...box.rooms.values()].filter((room) => room.kind === 'gpu');
  const ranked = weighed.map((each) => ({ each, keys: rankOf(each, gpus, box) }));
  ranked.sort((a, b) => compareKeys(a.keys, b.keys));
  return ranked[0]?.each ?? null;
}

/** Smaller is better, the first difference decides. */
function rankOf({ option, cuts, cost, lacksRoom }: Weighed, gpus: readonly Room[], box: Box): readonly number[] {
  const { placement } = option.plan;
  const left = gpus.map((gpu) => (box.there[gpu.id] ?? 0) - (option.bytes[gpu.id] ?? 0));
  const chosen = placement.gpus.map((id) => (box.there[id] ?? 0) - (option.bytes[id] ?? 0));
  const largestHole = Math.max(0, ...left);
  const leastLeft = chosen.length === 0 ? 0 : Math.min(...chosen);
  const { preference, losses } = option;
  return [Number(cuts), Number(lacksRoom), cost, preference, -layersOf(option), losses, placement.gpus.length, -largestHole, -leastLeft];
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < a.length; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function layersOf({ plan }: Option): number {
  return plan.placement.gpuLayers ?? 0;
}

/**
 * Why there is no way. At `present` the empty box is asked first: what it refuses no box can have;
 * what it takes somebody else is holding up.
 */
function refuse(
  input: BrainInput,
  routes: readonly Route[],
  weighed: readonly Weighed[],
  candidates: readonly Candidate[],
  box: Box,
): Decision {
  if (input.box === 'present') {
    const verdict = decide({ ...input, box: 'empty' });
    if (verdict.kind === 'refuse') return { ...verdict, candidates };
    return refusal('no-room', noRoomReason(closestOf(weighed, box), box, 'no-room'), HELP_NO_ROOM, candidates);
  }
  const { profile, modelId } = input;
  if (profile.forms.every((form) => form.kind === 'unknown')) {
    const [reason = 'Nothing in it is a model that any runtime of Modelium knows.'] = profile.notes;
    return refusal('not-servable', sentenceReason(reason), 'Drop a GGUF file or a model folder.', candidates);
  }
  if (routes.length === 0) return withoutRoute(input, candidates);
  const possible = weighed.filter(({ fit }) => fit !== 'impossible');
  if (possible.length === 0) {
    const lacking = weighed.find(({ option }) => option.lacks !== null && option.obstacle === option.lacks)?.option;
    if (lacking?.lacks != null) {
      const kind = routes.find(({ runtime }) => runtime.planner.id === lacking.plan.runtime)?.runtime.planner.lacking ?? 'needs-input';
      return refusal(kind, sentenceReason(lacking.lacks.replaceAll('models.NAME', `models.${modelId}`)), HELP_INPUT, candidates);
    }
    const asked = input.settings.gpus !== undefined && usableGpus(input).length === 0;
    const sentence = asked
      ? `models.${modelId}.gpus names no GPU that is here.`
      : `No runtime can run it here: ${(weighed[0]?.option.obstacle ?? 'there is no device for it').replace(/\.$/, '')}.`;
    return refusal(
      'no-runtime',
      quotedReason({ kind: asked ? 'no-such-gpu' : 'no-device' }, sentence),
      asked ? `Change models.${modelId}.gpus in the settings.` : HELP_CHECK,
      candidates,
    );
  }
  if (possible.some(({ option, fit }) => option.needsTrust && fit === 'now')) return untrusted(input, '', candidates);
  const help = `Give it less context (models.${modelId}.context), or use a smaller quantisation of the model.`;
  return refusal('too-large', noRoomReason(closestOf(possible, box), box, 'too-large'), help, candidates);
}

/**
 * Each way to run it would execute code of the model's own (I7). @param more a sentence that a
 * person should know beside it.
 */
function untrusted(input: BrainInput, more: string, candidates: readonly Candidate[]): Decision {
  const files = input.profile.forms.filter((form) => needsTrust(input, form)).flatMap((form) => form.codeFiles);
  const reason = `It contains code that would run here and is not trusted yet: ${listed([...new Set(files)].map(visibleName))}.${more}`;
  return refusal(
    'needs-trust',
    quotedReason({ kind: 'needs-trust' }, reason),
    `\`modelium trust ${shellWord(input.modelId)}\` shows it; trust it if you know who wrote it.`,
    candidates,
  );
}

const HELP_INPUT = 'It continues automatically when the settings contain what is missing.';
const HELP_BASE =
  'It continues automatically when its base arrives. If the base has another name here, add an alias to it (models.NAME.aliases).';
const HELP_NO_ROOM = 'Unpin a model, or end the other program that holds the memory.';

function refusal(kind: RefusalReason, because: Reason, help: string, candidates: readonly Candidate[]): Decision {
  return { kind: 'refuse', refusal: kind, candidates, ...withSentence(because, '.'), help };
}

/** No runtime takes it, or those who would are off or not here. */
function withoutRoute(input: BrainInput, candidates: readonly Candidate[]): Decision {
  const { profile, runtimes } = input;
  const able = runtimes.filter(
    ({ planner }) =>
      (!planner.onlyWhenChosen || planner.id === input.settings.runtime) &&
      profile.forms.some((form) => planner.supports(profile, form).supported),
  );
  // Where the settings name one that takes it, what that one lacks is the reason.
  const meant = able.filter(({ planner }) => isMeantFor(planner, input.settings));
  const takers = (meant.length > 0 ? meant : able).map(({ planner }) => planner.id);
  const isUntrusted = profile.forms.every((form) => needsTrust(input, form));
  const converter = runtimes.find(({ planner }) => planner.preparations !== undefined);
  if (takers.length > 0) {
    const whyNot = (id: string): string => (candidates.find(({ plan }) => plan.runtime === id)?.why ?? '').replace(/\.$/, '');
    const converted = profile.forms.find(({ conversion }) => conversion?.why != null)?.conversion?.why ?? null;
    const alsoNot = converted === null || converter === undefined ? '' : ` ${converter.name} does not serve it: ${converted}.`;
    const missing = `${takers.map((id) => `${id} would serve it, but: ${whyNot(id)}.`).join(' ')}${alsoNot}`;
    return isUntrusted
      ? untrusted(input, ` ${missing}`, candidates)
      : refusal('no-runtime', quotedReason({ kind: 'not-ready', runtimes: takers }, missing), HELP_CHECK, candidates);
  }
  const { reason, help } = noRuntimeWords(profile, runtimes, input.laterRuntimes);
  // Whatever runtime comes, it would not run this code: that is told first, and what else is
  // missing with it.
  if (isUntrusted) return untrusted(input, ` ${reason}`, candidates);
  // Why such a folder is not converted is in the reason already.
  const isFolder = profile.forms.some((form) => form.kind === 'transformers');
  const besides = candidates
    .filter(({ plan }) => !isFolder || plan.runtime !== converter?.planner.id)
    .map(({ why }) => ` ${why.replace(/\.$/, '')}.`)
    .join('');
  const form = profile.forms[0]?.kind ?? null;
  return refusal('no-runtime', quotedReason({ kind: 'not-taken', form }, `${reason}${besides}`), help, candidates);
}

/** The option that lacks least, so that the refusal names the figure that matters. */
function closestOf(weighed: readonly Weighed[], box: Box): Weighed | null {
  let best: Weighed | null = null;
  let leastBytes = Number.POSITIVE_INFINITY;
  for (const each of weighed) {
    if (each.fit === 'impossible') continue;
    const limit = (id: string) => (each.fit === 'held' ? (box.reachable[id] ?? 0) : (box.rooms.get(id)?.emptyBytes ?? 0));
    const lackingBytes = Math.max(...Object.entries(each.option.bytes).map(([id, bytes]) => bytes - limit(id)));
    if (lackingBytes >= leastBytes) continue;
    best = each;
    leastBytes = lackingBytes;
  }
  return best;
}
