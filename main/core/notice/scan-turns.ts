/**
 * Takes scans in over several turns: thousands of models come and go at once, and requests wait
 * meanwhile (I10). Owns the absences, what is left of a scan that was compared, and the rescans
 * that time makes due. Guarded by test/core/scan-turns.test.ts.
 */
import type { Clock, FolderScan } from '../ports.ts';
import { Timers } from '../timers.ts';
import { type CandidateEvent, type Noticed, type Reconciled, reconcile } from './candidates.ts';

export interface ScanTurnsPorts {
  readonly clock: Clock;
  noticed(): Pick<Noticed, 'known' | 'remembered' | 'folders'>;
  apply(event: CandidateEvent, folder: string): void;
  rescan(folder: string): void;
}

/** What a scan means, and how much of it was applied. */
interface Plan extends Reconciled {
  readonly scan: FolderScan;
  applied: number;
}

/** Each takes up to a tenth of a millisecond to apply. */
const EVENTS_A_TURN = 10;

export class ScanTurns {
  readonly #ports: ScanTurnsPorts;
  readonly #rescans: Timers;
  readonly #absences = new Map<string, number>();
  #plan: Plan | null = null;
  #isApplying = false;

  constructor(ports: ScanTurnsPorts) {
    this.#ports = ports;
    this.#rescans = new Timers(ports.clock);
  }

  /** Call when a model came or went: a plan that was made without it may give its name away. */
  modelsChanged(): void {
    if (!this.#isApplying) this.#plan = null;
  }

  /**
   * Applies the next events of a scan.
   * @returns there are more: the same scan is handed in again in a later turn.
   */
  next(scan: FolderScan): boolean {
    const plan = this.#plan?.scan === scan ? this.#plan : this.#planFor(scan);
    // After an error half-way it is compared anew.
    this.#plan = null;
    const events = plan.events.slice(plan.applied, plan.applied + EVENTS_A_TURN);
    this.#apply(events, scan.folder);
    plan.applied += events.length;
    if (plan.applied < plan.events.length) {
      this.#plan = plan;
      return true;
    }
    const { folder } = scan;
    if (plan.againMs === null) this.#rescans.cancel(folder);
    else this.#rescans.set(folder, plan.againMs + 1, () => this.#ports.rescan(folder));
    return plan.isMore;
  }

  close(): void {
    this.#rescans.close();
  }

  #apply(events: readonly CandidateEvent[], folder: string): void {
    this.#isApplying = true;
    try {
      for (const event of events) {
        this.#absences.delete(event.id);
        this.#ports.apply(event, folder);
      }
    } finally {
      this.#isApplying = false;
    }
  }

  #planFor(scan: FolderScan): Plan {
    const { noticed, clock } = this.#ports;
    const before = new Map(this.#absences);
    const reconciled = reconcile({ ...noticed(), absences: before, scan, nowMs: clock.now() });
    this.#absences.clear();
    for (const [id, sinceMs] of reconciled.absences) this.#absences.set(id, sinceMs);
    // Who is absent stays so until its event is applied: the plan may be dropped before.
    for (const { id } of reconciled.events) {
      const sinceMs = before.get(id);
      if (sinceMs !== undefined) this.#absences.set(id, sinceMs);
    }
    return { ...reconciled, scan, applied: 0 };
  }
}
