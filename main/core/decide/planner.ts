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
  /**
   * It is not here because the settings are wrong about it, and not because nobody installed it.
   */
  readonly isWrong?: boolean;
  /** What this runtime can compute on besides the CPU, and why not, in a sentence. */
  readonly gpu: { readonly usable: boolean; readonly why: string };
  /** Absent: it can compute on the CPU alone too. */
  readonly cpu?: { readonly usable: boolean; readonly why: string };
}

export interface Support {
  readonly supported: boolean;
  /** A sentence either way. */
  readonly why: string;
}

export interface Estimate {
  readonly bytes: DeviceBytes;
  /**
   * Where the bytes go, for people; they add up to `bytes`. The names are those of
   * `memory-parts.ts`.
   */
  readonly parts: MemoryParts;
  readonly notes: readonly string[];
  /**
   * Nobody knows what the runtime does with its memory: once a load was measured, that counts
   * alone.
   */
  readonly isGuess?: boolean;
}

/** The LoRAs that their base is to be started for. */
export interface LoraFacts {
  readonly count: number;
  readonly maxRank: number;
}

/** A model's own settings, and what an explained failure asked for. */
export type LaunchSettings = Omit<ModelSettings, 'runtime'> & {
  readonly runtime?: RuntimeId | undefined;
  /** Bytes that the runtime shall reckon with on each GPU, in place of what it would plan. */
  readonly gpuBytes?: number;
  /** Bytes on each GPU beside what it would plan. */
  readonly moreGpuBytes?: number;
  /** What the runtime said that an earlier load of this model took, on as many devices. */
  readonly learned?: BufferBytes | undefined;
  /** Absolute path of the model, where it lies here. */
  readonly path?: string | undefined;
  /** The LoRAs here that are to be loaded into it. */
  readonly loras?: LoraFacts | undefined;
};

/** A runtime's half of planning; implemented by its adapter, pure. */
export interface RuntimePlanner {
  readonly id: RuntimeId;
  supports(profile: ModelProfile, form: ModelForm): Support;
  /**
   * Where it serves this form, in words, if that is not on this machine's devices: there is one
   * place then, and it always fits. Absent: here.
   */
  readonly elsewhere?: ((form: ModelForm) => string) | undefined;
  /**
   * Its models are asked by OpenAI's routes, so that none takes tensors. Absent: as its server says
   * when a model is loaded.
   */
  readonly speaks?: 'openai';
  /** True: it serves only models whose own settings name it. */
  readonly onlyWhenChosen?: boolean;
  /** Can a model be spread over several GPUs, and layers left on the CPU? */
  readonly splits: boolean;
  readonly groups: boolean;
  /**
   * The launch for a placement: context, sequences and arguments from the model's settings and the
   * profile.
   */
  plan(profile: ModelProfile, form: ModelForm, placement: Placement, settings: LaunchSettings, preparation?: Preparation): LaunchPlan;
  /**
   * What can be made of the form so that this runtime loads it, the most faithful first; null or
   * absent: it loads the form as it is.
   */
  preparations?(profile: ModelProfile, form: ModelForm): readonly Preparation[] | null;
  estimate(profile: ModelProfile, plan: LaunchPlan): Estimate;
  /**
   * A sentence: why this model cannot be at this place, however much room there is; null: it can.
   */
  obstacle?(profile: ModelProfile, placement: Placement, settings: LaunchSettings, form: ModelForm): string | null;
  /**
   * A sentence: what a person has to say of the model in the settings before it can be loaded;
   * null: nothing. Absent: files tell all.
   */
  lacks?(form: ModelForm, settings: LaunchSettings, profile: ModelProfile): string | null;
  /** What a refusal for that is called; absent: `needs-input`. */
  readonly lacking?: 'needs-input' | 'not-visible-on-cluster';
  /**
   * Does it serve what servers of others offer: nothing else (`only`), or that beside models that
   * lie here (`too`)? Absent: it does not.
   */
  readonly offered?: 'only' | 'too';
  /**
   * Why a LoRA cannot be loaded into a base that was launched so (null: into any); null: it
   * can. Absent: it serves no LoRAs.
   */
  whyNotAttached?(form: ModelForm, base: LaunchPlan | null): string | null;
}

/**
 * Its place in the line of those that take a model of this kind in this form: the lowest goes
 * first; null: it does not suit. Whether it takes the model at all is `supports`.
 */
export type RuntimePreference = (kind: ModelKind, form: FormKind, placement: Placement['kind']) => number | null;

export interface NamedRuntime {
  /** As people call it. */
  readonly name: string;
  readonly preference: RuntimePreference;
}

/**
 * A line of `modelium check`. `missing` is nothing wrong, only something that Modelium could use.
 */
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
