/**
 * The interface through which the orchestrator has its decisions carried out. `runtime/doer.ts`
 * implements it. Types only.
 */
import type { Candidate, LaunchPlan } from '../../shared/decision.ts';
import type { AfterDrain, DrainReason } from '../../shared/model.ts';
import type { ModelRecord } from './registry.ts';

export interface Doer {
  loadModel(record: ModelRecord, candidate: Candidate, decisionId: number): void;
  unloadModel(id: string, reason: DrainReason, becomes: AfterDrain, options?: { readonly force?: boolean }): Promise<void>;
  /** Frees most of its GPU memory while its process stays; unloads it where that fails. */
  sleepModel(id: string, decisionId: number): Promise<void>;
  /** Was it started so that it can? */
  canSleep(id: string): boolean;
  inFlight(id: string): number;
  /** Is what the plan loads there: the files themselves, or what was made of them? */
  isPrepared(record: ModelRecord, plan: LaunchPlan): boolean;
  /** One thing is made at a time. */
  mayPrepare(): boolean;
  /** Begins to make it; the state is `preparing` then. */
  prepare(record: ModelRecord, plan: LaunchPlan, decisionId: number): void;
}
