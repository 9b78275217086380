/** Who carries the orchestrator's decisions out; `runtime/manager.ts` is the real one. Types only. */
import type { Candidate } from '../../shared/decision.ts';
import type { AfterDrain, DrainReason } from '../../shared/model.ts';
import type { ModelRecord } from './registry.ts';

export interface Doer {
  loadModel(record: ModelRecord, candidate: Candidate, decisionId: number): void;
  unloadModel(id: string, reason: DrainReason, becomes: AfterDrain, options?: { readonly force?: boolean }): Promise<void>;
  inFlight(id: string): number;
}
