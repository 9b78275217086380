/**
 * Lists the options for running a model on this machine: each runtime x form x placement, with the
 * bytes it needs and any obstacle other than memory. `brain-fit.ts` checks whether it fits and who
 * would have to leave.
 */
import {
  type BufferBytes,
  type DeviceBytes,
  type DeviceId,
  HOST_DEVICE,
  type LaunchPlan,
  type MemoryParts,
  type Placement,
  type Preparation,
} from '../../../shared/decision.ts';
import type { Asleep } from '../../../shared/model.ts';
import type { ModelForm, ModelProfile } from '../../../shared/profile.ts';
import type { Fact } from '../../../shared/reason.ts';
import { MIB } from '../../../shared/units.ts';
import { isNamed, type Room, slotsOf } from '../memory/devices.ts';
import type { Measurement } from '../ports.ts';
import { correctedEstimate, expectedLoadSeconds, expectedWakeSeconds } from './estimate.ts';
import type { KnownRuntime, LaunchSettings, NamedRuntime, RuntimePlanner } from './planner.ts';
import { placeOf } from './runtime-preference.ts';

export interface OptionsInput {
  readonly modelId: string;
  readonly profile: ModelProfile;
  readonly settings: LaunchSettings;
  /**
   * Has a person trusted the bytes that the code-bearing files of this form have now? Asked only
   * where it has some.
   */
  trusted(form: ModelForm): boolean;
  readonly devices: readonly Room[];
  readonly runtimes: readonly KnownRuntime[];
  /** Those of a later version: a refusal names the one that would serve it. */
  readonly laterRuntimes: readonly NamedRuntime[];
  readonly measurements: readonly Measurement[];
}

export interface Option {
  readonly plan: LaunchPlan;
  readonly bytes: DeviceBytes;
  /** What the bytes are for; empty where nobody reckoned. */
  readonly parts: MemoryParts;
  /** How its figures came about. */
  readonly facts: readonly Fact[];
  readonly slots: readonly DeviceId[];
  readonly loadSeconds: number | null;
  readonly needsTrust: boolean;
  /** 0: the runtime that suits this kind of model best. */
  readonly preference: number;
  /** 0: the weights as they are; more for what is made of them with less precision. */
  readonly losses: number;
  /** A sentence: why it cannot be, however much room there is; null where only the room decides. */
  readonly obstacle: string | null;
  /** A sentence: what only a person can say of the model; null: nothing. */
  readonly lacks: string | null;
}

/**
 * A runtime with a form that it takes, found and switched on, and what is made of the form first.
 */
export interface Route {
  readonly runtime: KnownRuntime;
  readonly form: ModelForm;
  readonly preparation: Preparation | undefined;
  readonly losses: number;
}

const GROUP_SIZES = [2, 4, 8] as const;
const ON_CPU: Placement = { kind: 'cpu', gpus: [], gpuLayers: null };

export function routesOf({ profile, runtimes, settings }: OptionsInput): readonly Route[] {
  return runtimes.flatMap((runtime) =>
    profile.forms
      .filter((form) => isUsable(runtime, settings) && isChosen(form, settings) && runtime.planner.supports(profile, form).supported)
      .flatMap((form) => {
        const preparations = runtime.planner.preparations?.(profile, form) ?? [undefined];
        return preparations.map((preparation, losses) => ({ runtime, form, preparation, losses: losses + smallerBy(form, profile) }));
      }),
  );
}

/** Did a person choose this quantisation, or none of several? */
export function isChosen({ weights, detail }: ModelForm, { quantization }: LaunchSettings): boolean {
  return weights === undefined || quantization === undefined || quantization.toLowerCase() === detail?.toLowerCase();
}

/**
 * How many quantisations of the same model are larger than this one: they are nearer to the
 * original.
 */
function smallerBy({ weights }: ModelForm, { forms }: ModelProfile): number {
  return weights === undefined ? 0 : forms.filter((other) => (other.weights?.weightBytes ?? 0) > weights.weightBytes).length;
}

/**
 * Runtime and form that do not go together, or a runtime that is off or not here: named in the
 * ledger, so that `why` can tell.
 */
export function deadOptions({ profile, runtimes, settings, modelId }: OptionsInput): readonly Option[] {
  return runtimes.flatMap((runtime) => {
    const { runtime: chosen } = settings;
    // It has nothing to do with models that do not name it, and nobody wants to read so of each of
    // them.
    if (runtime.planner.onlyWhenChosen && chosen !== runtime.planner.id) return [];
    const another = chosen === undefined || chosen === runtime.planner.id ? null : `models.${modelId}.runtime says ${chosen}`;
    return profile.forms.flatMap((form) => {
      const chosenOther = isChosen(form, settings)
        ? null
        : `models.${modelId}.quantization says ${settings.quantization}, and this is ${form.detail}`;
      return deadOption(profile, runtime, form, another ?? chosenOther) ?? [];
    });
  });
}

function isUsable({ planner, enabled, found }: KnownRuntime, settings: LaunchSettings): boolean {
  return enabled && found.found && isMeantFor(planner, settings);
}

/** Do a model's own settings leave it to this runtime? */
export function isMeantFor({ id, onlyWhenChosen = false }: RuntimePlanner, { runtime }: LaunchSettings): boolean {
  return runtime === undefined ? !onlyWhenChosen : runtime === id;
}

/** @param another a sentence: the settings name another runtime for it; null: they do not. */
function deadOption(profile: ModelProfile, runtime: KnownRuntime, form: ModelForm, another: string | null): Option | null {
  const { planner, enabled, found } = runtime;
  const support = planner.supports(profile, form);
  const off = enabled ? null : `${planner.id} is switched off in the settings`;
  const obstacle = support.supported ? (off ?? (found.found ? another : found.message)) : support.why;
  if (obstacle === null) return null;
  // No planner is asked for a launch of what it does not take.
  const nothing = { contextTokens: 0, parallelSequences: 0, args: [], env: {} };
  const plan: LaunchPlan = { runtime: planner.id, form: form.kind, file: form.files[0] ?? '', placement: ON_CPU, ...nothing };
  const preference = placeOf(runtime, profile.kind, form.kind, ON_CPU.kind);
  return {
    plan,
    bytes: {},
    parts: {},
    facts: [],
    slots: [],
    loadSeconds: null,
    needsTrust: false,
    preference,
    losses: 0,
    obstacle,
    lacks: null,
  };
}

/** Would it execute code that nobody has trusted (I7)? */
export function needsTrust(input: Pick<OptionsInput, 'trusted'>, form: ModelForm): boolean {
  return form.codeFiles.length > 0 && !input.trusted(form);
}

/**
 * GPUs that this model may use: those of `gpus.use`, and of these the ones that `models.NAME.gpus`
 * names.
 */
export function usableGpus({ devices, settings }: OptionsInput): readonly Room[] {
  return devices.filter((room) => room.kind === 'gpu' && room.allowed && (settings.gpus === undefined || isNamed(settings.gpus, room)));
}

/**
 * All layers on GPUs (one, or groups where the runtime spreads a model), and the CPU; or the one
 * place elsewhere.
 * @param reachable bytes that a GPU would have if every model that may leave had left.
 */
export function wholeOptions(input: OptionsInput, route: Route, reachable: (gpu: Room) => number): readonly Option[] {
  const where = route.runtime.planner.elsewhere?.(route.form);
  if (where !== undefined) return [option(input, route, { kind: 'elsewhere', gpus: [], gpuLayers: null, where })];
  const gpus = usableGpus(input);
  const groups = route.runtime.planner.groups ? groupsOf(gpus, input.profile.heads, reachable) : [];
  const placements: Placement[] = [...gpus.map((gpu) => [gpu]), ...groups].map((group) => ({
    kind: 'gpu',
    gpus: group.map((gpu) => gpu.id),
    gpuLayers: null,
  }));
  // Who names GPUs for a model does not want it on the CPU.
  const cpu = (input.settings.gpus?.length ?? 0) === 0 ? [ON_CPU] : [];
  return [...placements, ...cpu].map((placement) => option(input, route, placement));
}

/**
 * Part of the layers on a GPU, as many as `room` says there is place for, the rest on the CPU. For
 * runtimes that split; nothing where not even one layer fits.
 */
export function splitOptions(input: OptionsInput, route: Route, room: (gpu: Room) => number): readonly Option[] {
  const layers = input.profile.layers ?? 0;
  if (!route.runtime.planner.splits || route.runtime.planner.elsewhere !== undefined || !route.runtime.found.gpu.usable || layers < 1)
    return [];
  return usableGpus(input).flatMap((gpu) => {
    const roomBytes = room(gpu);
    let best: Option | null = null;
    let low = 1;
    let high = layers;
    // More layers on a GPU never need less of it.
    while (low <= high) {
      const middle = Math.ceil((low + high) / 2);
      const tried = option(input, route, { kind: 'split', gpus: [gpu.id], gpuLayers: middle });
      if ((tried.bytes[gpu.id] ?? 0) <= roomBytes) {
        best = tried;
        low = middle + 1;
      } else high = middle - 1;
    }
    return best === null ? [] : [best];
  });
}

function option(input: OptionsInput, { runtime, form, preparation, losses }: Route, placement: Placement): Option {
  const { profile, modelId, measurements } = input;
  const learned = learnedAt(input, runtime.planner.id, placement);
  const plan = runtime.planner.plan(profile, form, placement, { ...input.settings, learned }, preparation);
  const lacks = runtime.planner.lacks?.(form, input.settings, profile) ?? null;
  const estimate = correctedEstimate(runtime.planner, profile, plan, modelId, measurements);
  const { notes, corrections } = estimate;
  const { bytes, overrides } = overridden(estimate.bytes, placement, input.settings);
  // Of what a person says nobody knows what it is for.
  const parts = overrides.length === 0 ? estimate.parts : { guess: Object.values(bytes).reduce((sum, each) => sum + each, 0) };
  return {
    plan,
    bytes,
    parts,
    facts: [...quantizationFact(form, profile), ...overrides, ...corrections, ...notes.map((text) => ({ fact: 'note', text }) as const)],
    slots: slotsOf(placement),
    loadSeconds: expectedLoadSeconds(modelId, plan.runtime, bytes, measurements),
    // Who loads what was made of it never sees the folder: weights and tokenizer were carried over,
    // and no code (I7).
    needsTrust: preparation === undefined && needsTrust(input, form),
    preference: placeOf(runtime, profile.kind, form.kind, placement.kind),
    losses,
    obstacle: obstacleAt(placement, runtime) ?? runtime.planner.obstacle?.(profile, placement, input.settings, form) ?? lacks,
    lacks,
  };
}

/**
 * A person knows better than the estimate: what `models.NAME.memory_mb` says counts where it runs;
 * of a split, over its GPU and the host as the estimate spreads it.
 */
function overridden(
  bytes: DeviceBytes,
  { kind, gpus }: Placement,
  { memory_mb: megabytes }: LaunchSettings,
): { readonly bytes: DeviceBytes; readonly overrides: readonly Fact[] } {
  const devices = kind === 'gpu' ? gpus : kind === 'cpu' ? [HOST_DEVICE] : kind === 'split' ? Object.keys(bytes) : [];
  const estimatedBytes = devices.reduce((sum, id) => sum + (bytes[id] ?? 0), 0);
  if (megabytes === undefined || estimatedBytes === 0) return { bytes, overrides: [] };
  const configuredBytes = megabytes * MIB;
  const configured = Object.fromEntries(devices.map((id) => [id, Math.ceil((configuredBytes * (bytes[id] ?? 0)) / estimatedBytes)]));
  return { bytes: { ...bytes, ...configured }, overrides: [{ fact: 'overridden', bytes: configuredBytes, estimatedBytes }] };
}

/** Which one of several quantisations. */
function quantizationFact({ weights, detail }: ModelForm, { forms }: ModelProfile): readonly Fact[] {
  if (weights === undefined || detail === undefined) return [];
  const of = forms.flatMap((form) => (form.weights === undefined ? [] : (form.detail ?? [])));
  return [{ fact: 'quantization', type: detail, of }];
}

/** To wake it where it sleeps: the bytes that it gave back, on the GPUs that it had. */
export function wakeOption({ modelId, measurements }: OptionsInput, { plan, held, awake }: Asleep): Option {
  const bytes: Record<DeviceId, number> = {};
  for (const id of plan.placement.gpus) bytes[id] = Math.max(0, (awake[id] ?? 0) - (held[id] ?? 0));
  const loadSeconds = expectedWakeSeconds(modelId, plan, measurements);
  return {
    plan,
    bytes,
    parts: {},
    facts: [],
    slots: slotsOf(plan.placement),
    loadSeconds,
    needsTrust: false,
    preference: 0,
    losses: 0,
    obstacle: null,
    lacks: null,
  };
}

/** What the runtime said that the newest load of this model took, on as many devices. */
function learnedAt({ modelId, measurements }: OptionsInput, runtime: string, { gpus }: Placement): BufferBytes | undefined {
  const isAlike = (one: Measurement): boolean => Object.keys(one.measured).filter((id) => id !== HOST_DEVICE).length === gpus.length;
  return measurements.find((one) => one.modelId === modelId && one.runtime === runtime && one.reported !== undefined && isAlike(one))
    ?.reported;
}

function obstacleAt({ kind }: Placement, { found }: KnownRuntime): string | null {
  if (kind === 'elsewhere') return null;
  const device = kind === 'cpu' ? (found.cpu ?? null) : found.gpu;
  return device === null || device.usable ? null : device.why;
}

/**
 * Groups of 2, 4 and 8 equal GPUs, where the attention heads divide: neighbours by index (they
 * share the faster links), the emptiest ones, and those that could be emptiest. Not every
 * combination: 8 GPUs have 99 of them, and nobody gains by a choice between them.
 */
function groupsOf(gpus: readonly Room[], heads: number | null, reachable: (gpu: Room) => number): readonly (readonly Room[])[] {
  const groups = new Map<string, readonly Room[]>();
  const kinds = new Map<string, Room[]>();
  for (const gpu of gpus) {
    const kind = `${gpu.name} ${gpu.totalBytes}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), gpu]);
  }
  for (const equal of kinds.values()) {
    const byIndex = [...equal].sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
    const byRoom = [...equal].sort((a, b) => b.availableBytes - a.availableBytes);
    const byReach = [...equal].sort((a, b) => reachable(b) - reachable(a));
    for (const size of GROUP_SIZES) {
      if (size > equal.length || (heads !== null && heads % size !== 0)) continue;
      const neighbours = byIndex.flatMap((_, at) => (at % size === 0 && at + size <= byIndex.length ? [byIndex.slice(at, at + size)] : []));
      const emptiest = [byRoom, byReach].map((all) => all.slice(0, size).sort((a, b) => (a.index ?? 0) - (b.index ?? 0)));
      for (const group of [...neighbours, ...emptiest]) groups.set(group.map((gpu) => gpu.id).join(' '), group);
    }
  }
  return [...groups.values()];
}
