/**
 * The interface of a runtime for the deciders: what it serves, how it launches a model, what that
 * costs, and how well it suits. Types only; adapters implement it.
 */
import type { BufferBytes, DeviceBytes, LaunchPlan, MemoryParts, Placement, Preparation, RuntimeId } from '../../../shared/decision.ts';
import type { FormKind, ModelForm, ModelKind, ModelProfile } from '../../../shared/profile.ts';
import type { ModelSettings } from '../../../shared/settings.ts';

export interface RuntimeFound {
  readonly found: boolean;
  readonly version: string | null;
  readonly message: string;
  /** True: it was not found because its settings are wrong, and not because it is not installed. */
  readonly isWrong?: boolean;
  /** Whether this runtime can use the GPUs, and why or why not, in a sentence. */
  readonly gpu: { readonly usable: boolean; readonly why: string };
  /** Whether it can run on the CPU alone; absent: it can. */
  readonly cpu?: { readonly usable: boolean; readonly why: string };
}

export interface Support {
  readonly supported: boolean;
  /** A sentence in both cases. */
  readonly why: string;
}

export interface Estimate {
  readonly bytes: DeviceBytes;
  /**
   * What the bytes are for, to show to users; they add up to `bytes`. `memory-parts.ts` has the
   * names.
   */
  readonly parts: MemoryParts;
  readonly notes: readonly string[];
  /**
   * True: how the runtime uses memory is unknown, so once a load was measured, only the measurement
   * counts.
   */
  readonly isGuess?: boolean;
}

/** The LoRAs for which their base is started. */
export interface LoraFacts {
  readonly count: number;
  readonly maxRank: number;
}

/** A model's own settings, and the changes that an explained failure requested. */
export type LaunchSettings = Omit<ModelSettings, 'runtime'> & {
  readonly runtime?: RuntimeId | undefined;
  /** Bytes on each GPU, in place of those that the runtime would plan. */
  readonly gpuBytes?: number;
  /** Bytes on each GPU, in addition to those that the runtime would plan. */
  readonly moreGpuBytes?: number;
  /**
   * The memory that the runtime reported for an earlier load of this model on the same number of
   * devices.
   */
  readonly learned?: BufferBytes | undefined;
  /** Absolute path of the model, if its files are on this machine. */
  readonly path?: string | undefined;
  /** The known LoRAs that will be loaded into it. */
  readonly loras?: LoraFacts | undefined;
};

/** A runtime's part of planning. Pure; its adapter implements it. */
export interface RuntimePlanner {
  readonly id: RuntimeId;
  supports(profile: ModelProfile, form: ModelForm): Support;
  /**
   * Where the runtime serves this form, in words, if not on this machine's devices: then there is
   * one place, and it always fits. Absent: on this machine.
   */
  readonly elsewhere?: ((form: ModelForm) => string) | undefined;
  /**
   * All its models have OpenAI's routes, so none takes tensors. Absent: its server reports this
   * when a model is loaded.
   */
  readonly speaks?: 'openai';
  /** True: it serves only models whose own settings name it. */
  readonly onlyWhenChosen?: boolean;
  /**
   * `splits`: it can leave some layers on the CPU. `groups`: it can divide a model among several
   * GPUs.
   */
  readonly splits: boolean;
  readonly groups: boolean;
  /**
   * The launch for a placement: context, sequences and arguments from the model's settings and the
   * profile.
   */
  plan(profile: ModelProfile, form: ModelForm, placement: Placement, settings: LaunchSettings, preparation?: Preparation): LaunchPlan;
  /**
   * The files that can be made from the form so that this runtime can load it, the most faithful
   * first; null or absent: it loads the form as it is.
   */
  preparations?(profile: ModelProfile, form: ModelForm): readonly Preparation[] | null;
  estimate(profile: ModelProfile, plan: LaunchPlan): Estimate;
  /**
   * Why this model cannot run at this place, however much memory is free, as a sentence; null: it
   * can.
   */
  obstacle?(profile: ModelProfile, placement: Placement, settings: LaunchSettings, form: ModelForm): string | null;
  /**
   * What a user must add to the settings before the model can be loaded, as a sentence; null:
   * nothing. Absent: the files are always sufficient.
   */
  lacks?(form: ModelForm, settings: LaunchSettings, profile: ModelProfile): string | null;
  /** The reason of a refusal by `lacks`; absent: `needs-input`. */
  readonly lacking?: 'needs-input' | 'not-visible-on-cluster';
  /**
   * Whether it serves models that remote servers offer: only those (`only`), or also models on this
   * machine (`too`). Absent: it serves none of them.
   */
  readonly offered?: 'only' | 'too';
  /**
   * Why a LoRA cannot be loaded into a base that was launched by this plan (plan null: into any
   * base); null: it can. Absent: the runtime serves no LoRAs.
   */
  whyNotAttached?(form: ModelForm, base: LaunchPlan | null): string | null;
}

/**
 * The rank of a runtime for a model of this kind in this form: the lowest is preferred; null: it
 * does not suit. `supports` says whether it can serve the model at all.
 */
export type RuntimePreference = (kind: ModelKind, form: FormKind, placement: Placement['kind']) => number | null;

export interface NamedRuntime {
  /** The name for users. */
  readonly name: string;
  readonly preference: RuntimePreference;
}

/** A line of `modelium check`. `missing` is no error, only something that Modelium could use. */
export interface RuntimeFinding {
  readonly what: string;
  readonly verdict: 'ok' | 'missing' | 'wrong';
  readonly message: string;
}

export interface KnownRuntime extends NamedRuntime {
  readonly planner: RuntimePlanner;
  readonly enabled: boolean;
  readonly found: RuntimeFound;
}
