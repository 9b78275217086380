/**
 * An in-memory copy of the ledger's measurements of earlier loads, because each pass over the
 * waiting models reads them, every quarter of a second. Reads the ledger once for each model and
 * runtime; writes new measurements to it at once.
 */
import type { RuntimeId } from '../../shared/decision.ts';
import type { Ledger, Measurement } from './ports.ts';

/** Loads that a prediction may learn from. */
export const RECENT_MEASUREMENTS = 16;

/**
 * The same ledger, whose measurements are read once. More than `RECENT_MEASUREMENTS` of them it
 * does not answer.
 */
export function withMeasurementsInMemory(ledger: Ledger): Ledger {
  /** By runtime, then by model; null: of all models. */
  const known = new Map<RuntimeId, Map<string | null, readonly Measurement[]>>();
  const ofRuntime = (runtime: RuntimeId): Map<string | null, readonly Measurement[]> => {
    const there = known.get(runtime) ?? new Map<string | null, readonly Measurement[]>();
    known.set(runtime, there);
    return there;
  };
  return {
    ...ledger,
    measurements(modelId, runtime, limit) {
      const there = ofRuntime(runtime);
      const recent = there.get(modelId) ?? ledger.measurements(modelId, runtime, RECENT_MEASUREMENTS);
      there.set(modelId, recent);
      return recent.length <= limit ? recent : recent.slice(0, limit);
    },
    learn(measurement) {
      const there = ofRuntime(measurement.runtime);
      for (const key of [measurement.modelId, null]) {
        const before = there.get(key);
        if (before !== undefined) there.set(key, [measurement, ...before].slice(0, RECENT_MEASUREMENTS));
      }
      // Last: where the disk is full this run has learned from the load all the same.
      ledger.learn(measurement);
    },
    forget(modelId) {
      for (const there of known.values()) there.delete(modelId);
      ledger.forget(modelId);
    },
  };
}
