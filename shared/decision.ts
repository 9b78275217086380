/**
 * The type of a decision: where a model goes, all candidates that the brain considered, and a
 * sentence for users. Pure data.
 */
import type { FormKind } from './profile.ts';
import type { Fact, Reason } from './reason.ts';

/**
 * The runtimes that Modelium knows by itself; a person's settings name more of them
 * (`runtime-names.ts`).
 */
export const RUNTIME_IDS = ['llama', 'vllm', 'triton', 'ray'] as const;
export type RuntimeId = string;

/** A GPU's UUID, or `cpu` for the machine's memory and processors. */
export type DeviceId = string;
export const HOST_DEVICE: DeviceId = 'cpu';

/** Bytes by device. */
export type DeviceBytes = Readonly<Record<DeviceId, number>>;

/** Parts of the memory that a model takes, as a planner reckons them, on all devices together. */
export const MEMORY_PARTS = ['model', 'repacked', 'kv', 'compute', 'gpuContext', 'server', 'program', 'guess', 'learned'] as const;
export type MemoryPart = (typeof MEMORY_PARTS)[number];
/** Bytes by part. `learned`: what earlier loads took beyond the arithmetic; below zero: less. */
export type MemoryParts = Readonly<Partial<Record<MemoryPart, number>>>;

export interface Placement {
  /**
   * `cpu`: no GPU; `gpu`: all layers on the devices named; `split`: part of the layers on the GPU,
   * the rest on the CPU; `elsewhere`: on another machine, or in a server that is not ours, so that
   * it takes no memory that we reckon with.
   */
  readonly kind: 'cpu' | 'gpu' | 'split' | 'elsewhere';
  /** GPU UUIDs; empty for `cpu` and `elsewhere`. */
  readonly gpus: readonly DeviceId[];
  /** Layers on the GPUs; null where the runtime does not split. */
  readonly gpuLayers: number | null;
  /** Of `elsewhere`: where that is, in words. */
  readonly where?: string | undefined;
}

/** Types of weights that a conversion writes. */
export const CONVERTED_TYPES = ['F32', 'F16', 'BF16', 'Q8_0'] as const;
export type ConvertedType = (typeof CONVERTED_TYPES)[number];

/**
 * What is made of the files before they can be loaded, with no memory promised: a GGUF with weights
 * of this type.
 */
export interface Preparation {
  readonly type: ConvertedType;
}

/**
 * What the brain computed the bytes from, and what the runtime is started with. Compared by hash:
 * an equal plan never disturbs a load.
 */
export interface LaunchPlan {
  readonly runtime: RuntimeId;
  readonly form: FormKind;
  /**
   * The form's first file, relative to the candidate: a folder may hold two forms of a kind. Empty
   * for what lies in none.
   */
  readonly file: string;
  readonly placement: Placement;
  /** Context in tokens for each sequence, and how many run side by side. */
  readonly contextTokens: number;
  readonly parallelSequences: number;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absent: the files are loaded as they are. */
  readonly preparation?: Preparation | undefined;
  /** For a LoRA: the model that it is loaded into. */
  readonly base?: string | undefined;
  /** Of a model that lives in a server with others: its name. */
  readonly server?: string | undefined;
  /** The LoRAs that it was started for: how many at once, and of which rank at most. */
  readonly adapters?: { readonly count: number; readonly maxRank: number } | undefined;
  /**
   * How its server is asked, where the settings say that (protocol, health check, name of the
   * model): a server that is asked otherwise is launched again.
   */
  readonly asked?: readonly string[] | undefined;
  /** What the runtime said that an earlier load took, which this plan was computed from. */
  readonly learned?: BufferBytes | undefined;
}

/** A dry run with other launch settings of the model; null: as if the settings did not say it. */
export interface LaunchWish {
  readonly context?: number | null | undefined;
  readonly parallel?: number | null | undefined;
  readonly gpus?: readonly (number | string)[] | null | undefined;
  readonly runtime?: RuntimeId | null | undefined;
  readonly memory_mb?: number | null | undefined;
}

/** What the settings say of a model's launch, under which name; null: left to Modelium. */
export interface OwnLaunch {
  readonly name: string;
  readonly context: number | null;
  readonly parallel: number | null;
  readonly gpus: readonly (number | string)[] | null;
  readonly runtime: RuntimeId | null;
  readonly memory_mb: number | null;
}

export interface Candidate {
  readonly plan: LaunchPlan;
  readonly feasible: boolean;
  /** A phrase: why it fits, or why not. Where it cannot be, the runtime's own sentence. */
  readonly why: string;
  /** What else speaks for and against it. Absent in rows of earlier versions. */
  readonly facts?: readonly Fact[] | undefined;
  readonly bytesNeeded: DeviceBytes;
  readonly bytesThere: DeviceBytes;
  /** What the bytes are for. Absent where nobody reckoned, and in rows of earlier versions. */
  readonly parts?: MemoryParts | undefined;
  /** Models that must leave first. */
  readonly victims: readonly string[];
  readonly loadSeconds: number | null;
  readonly needsTrust: boolean;
}

export type RefusalReason =
  | 'no-runtime'
  | 'needs-trust'
  | 'too-large'
  | 'not-servable'
  | 'no-room'
  | 'needs-base'
  | 'needs-input'
  | 'not-visible-on-cluster'
  | 'away';

/** `because` is the reason as data; `reason` says it in a sentence. */
export type Decision =
  | {
      readonly kind: 'place';
      readonly candidate: Candidate;
      readonly candidates: readonly Candidate[];
      readonly reason: string;
      readonly because: Reason;
    }
  | {
      readonly kind: 'wait';
      /** Devices that the waiting model wants: it holds back only those who want the same. */
      readonly devices: readonly DeviceId[];
      /**
       * Models whose leaving (or becoming old or idle enough) would make the room; empty when only
       * others' processes are in the way.
       */
      readonly waitsFor: readonly string[];
      /**
       * True: memory is missing. False: it is there, and only another load on the same device comes
       * first.
       */
      readonly lacksRoom?: boolean;
      /** For a LoRA: the model that has to be ready first. */
      readonly base?: string;
      readonly candidates: readonly Candidate[];
      readonly reason: string;
      readonly because: Reason;
    }
  | {
      readonly kind: 'refuse';
      /** For a LoRA: its base, which cannot be served so that it takes the LoRA. */
      readonly base?: string;
      readonly refusal: RefusalReason;
      readonly candidates: readonly Candidate[];
      readonly reason: string;
      readonly because: Reason;
      readonly help: string;
    };

export type DecisionAction = 'load' | 'refuse' | 'wait' | 'evict' | 'retry' | 'sleep' | 'rest' | 'prepare';

/** One row of the ledger (I14). */
export interface DecisionRow {
  readonly id: number;
  readonly at: string;
  readonly modelId: string;
  readonly action: DecisionAction;
  /**
   * From a short fixed list (a metric's label): `fits`, `evicts`, `idle`, `memory`, `user`,
   * `too-large` ...
   */
  readonly reason: string;
  /** The sentence for people. */
  readonly sentence: string;
  /** The same as data; absent in rows of earlier versions. */
  readonly because?: Reason | undefined;
  readonly inputs: unknown;
  readonly candidates: readonly Candidate[];
  readonly outcome: DecisionOutcome | null;
}

/** Bytes of a runtime's buffers, by what they are for. */
export interface BufferBytes {
  readonly modelBytes: number;
  readonly kvBytes: number;
  readonly computeBytes: number;
}

export interface DecisionOutcome {
  readonly ok: boolean;
  /** Of a failure: its code in `ERRORS`. Absent in rows of earlier versions. */
  readonly code?: string | undefined;
  readonly message: string;
  readonly predictedBytes: DeviceBytes | null;
  readonly measuredBytes: DeviceBytes | null;
  readonly seconds: number | null;
  /**
   * What the runtime itself says that it took, by its own names of devices; absent where it says
   * nothing.
   */
  readonly reportedBytes?: Readonly<Record<string, BufferBytes>> | undefined;
  /** Seconds of each phase of the load, in their order. */
  readonly phaseSeconds?: Readonly<Record<string, number>> | undefined;
}
