/**
 * How a load ended, for its row in the ledger: written when the model is ready, and again when its runtime has told which buffers it made,
 * which may come a moment later. Pure.
 */
import type { BufferBytes, DecisionOutcome } from '../../shared/decision.ts';

/** Far more than any box has (I10). */
const MOST_DEVICES = 64;
const FIELDS = ['modelBytes', 'kvBytes', 'computeBytes'] as const;

export class LoadOutcome {
  readonly #write: (outcome: DecisionOutcome) => void;
  #reported: Readonly<Record<string, BufferBytes>> | null = null;
  #outcome: DecisionOutcome | null = null;

  constructor(write: (outcome: DecisionOutcome) => void) {
    this.#write = write;
  }

  /** A child says what it took: `{type: "memory", devices: {cpu: {modelBytes, kvBytes, computeBytes}}}`. */
  hear(message: unknown): void {
    const reported = reportOf(message);
    if (reported === null) return;
    this.#reported = reported;
    if (this.#outcome !== null) this.ready(this.#outcome);
  }

  /** What the runtime's words tell of it, where it has no channel to us. */
  reports(reported: Readonly<Record<string, BufferBytes>>): void {
    this.#reported = reported;
  }

  ready(outcome: DecisionOutcome): void {
    this.#outcome = outcome;
    this.#write(this.#reported === null ? outcome : { ...outcome, reportedBytes: this.#reported });
  }
}

function reportOf(message: unknown): Readonly<Record<string, BufferBytes>> | null {
  const { type, devices } = (message ?? {}) as { type?: unknown; devices?: unknown };
  if (type !== 'memory' || typeof devices !== 'object' || devices === null) return null;
  const entries = Object.entries(devices as Record<string, Partial<Record<string, unknown>> | null>).slice(0, MOST_DEVICES);
  const isWhole = entries.every(([, bytes]) => FIELDS.every((field) => typeof bytes?.[field] === 'number'));
  if (!isWhole) return null;
  return Object.fromEntries(
    entries.map(([device, bytes]) => [
      device,
      { modelBytes: Number(bytes?.['modelBytes']), kvBytes: Number(bytes?.['kvBytes']), computeBytes: Number(bytes?.['computeBytes']) },
    ]),
  );
}
