/**
 * The interface between the manager and the host of a model: its own process tree
 * (`process-host.ts`), or a shared server (`shared-host.ts`). Types only.
 */
import type { DeviceBytes } from '../../shared/decision.ts';
import type { Sample } from '../core/ports.ts';
import type { Exit, ProcessIdentity } from '../core/process-ports.ts';
import type { Explanation, Progress } from './adapter.ts';
import type { LastOutput } from './last-output.ts';
import type { Activity, StallLimits } from './stall-watch.ts';
import type { Steps } from './step.ts';

/**
 * How it ended without being asked: its process is gone; its server is being restarted; its server,
 * which is not ours, does not offer it now, or no longer has it although we loaded it there.
 */
export type Breaking = 'exited' | 'recycled' | 'away' | 'lost';

export interface ModelHost {
  readonly output: LastOutput;
  /** Null while what it lives in is there. */
  readonly exit: Exit | null;
  /** What the adapter made of the exit; null while there is none. */
  readonly explanation: Explanation | null;
  /**
   * When what it lives in may be started again, in monotonic milliseconds; null: this model's own
   * back-off counts.
   */
  readonly retryAtMs: number | null;
  /** Others live in it too: that it ended is no verdict on this model. */
  readonly isShared: boolean;
  /** Processes of this model alone. */
  pids(): readonly number[];
  /** What the processes that serve it do. */
  activity(): Activity;
  /**
   * Bytes that it holds, by device. @param before the sample before it took any. @param predicted
   * names the devices.
   */
  measure(sample: Sample, before: Sample | null, predicted: DeviceBytes): DeviceBytes;
  /** Called when it breaks, once. */
  onBreak(listener: (how: Breaking) => void): void;
  onMessage(listener: (message: unknown) => void): void;
  send(message: unknown): void;
  /** Carries out an adapter's steps. @throws ModeliumError; see `StepRunner.run`. */
  run<Result>(steps: Steps<Result>, limits: StallLimits, signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<Result>;
  /** Ends it. @returns processes that still live after all that. */
  stop(graceMs: number): Promise<readonly ProcessIdentity[]>;
  /** It hangs: it lives, and answers no more. */
  hung(): void;
  /** Memory of it stayed taken after it was ended. */
  leaked(): void;
}
