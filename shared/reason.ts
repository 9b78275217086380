/**
 * The reason of a decision, as data: its result and cause, and the facts for and against.
 * `reason-words.ts` turns it into words. Rows of earlier versions have a sentence instead.
 */
import type { FormKind } from './profile.ts';

/** A device as people name it. */
export interface DeviceRef {
  /** A GPU's UUID, or `cpu`. */
  readonly id: string;
  /** As nvidia-smi counts; null for the CPU, and for a GPU that is not there. */
  readonly index: number | null;
}

export interface PlaceRef {
  readonly kind: 'cpu' | 'gpu' | 'split' | 'elsewhere';
  /** GPUs; the CPU where the model is on none. */
  readonly devices: readonly DeviceRef[];
  /** Of `split`: the layers on the GPU, and all that the model has. */
  readonly gpuLayers: number | null;
  readonly layers: number | null;
  /** Of `elsewhere`. */
  readonly where?: string | undefined;
}

/** What a model that holds memory does. */
export type Use =
  | { readonly is: 'busy'; readonly inFlight: number }
  | { readonly is: 'idle'; readonly idleMs: number }
  /** It became ready so lately that it may not leave yet. */
  | { readonly is: 'new' }
  | { readonly is: 'loading' | 'asleep' | 'draining' }
  | { readonly is: 'unknown' };

/** Why no GPU has all of the model, or none of it. */
export type NotOnGpu =
  | { readonly is: 'absent' | 'not-allowed' }
  | { readonly is: 'full' | 'too-large' | 'unusable'; readonly gpus: readonly DeviceRef[]; readonly runtime: string };

/** Who has memory that a model cannot have. */
export type Holder =
  | { readonly by: 'pinned'; readonly model: string }
  /** Models that ended and did not give it back. */
  | { readonly by: 'ended' }
  /** Another program; without a name where only the sum is known. */
  | { readonly by: 'program'; readonly name: string | null; readonly pid: number | null };

export type Cause =
  | { readonly kind: 'fits'; readonly place: PlaceRef; readonly notOnGpu: NotOnGpu | null; readonly isTooLargeForOne: boolean }
  | { readonly kind: 'evicts'; readonly place: PlaceRef; readonly victims: readonly string[] }
  | { readonly kind: 'wakes'; readonly place: PlaceRef }
  | { readonly kind: 'attaches'; readonly base: string }
  | { readonly kind: 'converts'; readonly place: PlaceRef; readonly type: string }
  /** `others`: it would have to push models out, and nobody has asked for it. */
  | {
      readonly kind: 'waits';
      readonly place: PlaceRef;
      readonly until: 'loaded' | 'left' | 'room' | 'asked';
      readonly models: readonly string[];
    }
  | { readonly kind: 'waits-for-base'; readonly base: string; readonly isRestarted: boolean }
  | { readonly kind: 'waits-for-turn'; readonly turn: 'queue' | 'load' | 'conversion' | 'waking' | 'prepared' }
  | { readonly kind: 'rests'; readonly place: PlaceRef | null; readonly base: string | null }
  | { readonly kind: 'no-room'; readonly place: PlaceRef | null; readonly holders: readonly Holder[]; readonly isWaking: boolean }
  | {
      readonly kind: 'too-large';
      readonly device: DeviceRef | null;
      readonly bytes: number;
      readonly emptyBytes: number;
    }
  | { readonly kind: 'not-taken'; readonly form: FormKind | null }
  | { readonly kind: 'not-ready'; readonly runtimes: readonly string[] }
  | { readonly kind: 'no-device' }
  | { readonly kind: 'no-such-gpu' }
  | { readonly kind: 'needs-trust' }
  | { readonly kind: 'base-not-served'; readonly base: string }
  /** What a reader of files, a server elsewhere or a runtime says in its own words. */
  | { readonly kind: 'said'; readonly sentence: string }
  | { readonly kind: 'failed'; readonly code: string; readonly place: PlaceRef | null; readonly sentence: string }
  | { readonly kind: 'idle'; readonly idleMs: number; readonly queriesPerSecond: number }
  | { readonly kind: 'sleeps'; readonly idleMs: number }
  | { readonly kind: 'made-room'; readonly for: string }
  | { readonly kind: 'by-hand' };

export type Fact =
  | { readonly fact: 'needs'; readonly device: DeviceRef; readonly bytes: number; readonly freeBytes: number }
  | { readonly fact: 'capacity'; readonly device: DeviceRef; readonly bytes: number; readonly emptyBytes: number }
  | { readonly fact: 'holds'; readonly device: DeviceRef; readonly holder: Holder; readonly bytes: number }
  | { readonly fact: 'leaves'; readonly model: string; readonly use: Use; readonly isCut: boolean }
  | { readonly fact: 'in-the-way'; readonly model: string; readonly use: Use }
  | { readonly fact: 'weights'; readonly type: string; readonly insteadOf: string | null }
  | { readonly fact: 'quantization'; readonly type: string; readonly of: readonly string[] }
  /** The settings say what it takes, and the estimate does not count. */
  | { readonly fact: 'overridden'; readonly bytes: number; readonly estimatedBytes: number }
  | { readonly fact: 'obstacle'; readonly text: string }
  /**
   * The estimate was corrected by what earlier loads took: of this plan, of this model, of this
   * runtime.
   */
  | {
      readonly fact: 'corrected';
      readonly side: 'gpu' | 'host';
      readonly factor: number;
      readonly from: 'plan' | 'model' | 'runtime';
      readonly isClamped: boolean;
    }
  | { readonly fact: 'note'; readonly text: string }
  /** Whole sentences, which say all of it by themselves. */
  | { readonly fact: 'said'; readonly text: string };

export type Correction = Extract<Fact, { fact: 'corrected' }>;

export interface Reason {
  readonly cause: Cause;
  readonly facts: readonly Fact[];
}
