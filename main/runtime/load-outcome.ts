/**
 * The outcome of a load for its ledger row: written when the model is ready, and again when the
 * runtime has logged its buffers, which may be a moment later. No I/O.
 */
import type { BufferBytes, DecisionOutcome } from '../../shared/decision.ts';

/** Far more than any box has (I10). */
const MOST_DEVICES = 64;
const MOST_PHASES = 32;
const FIELDS = ['modelBytes', 'kvBytes', 'computeBytes'] as const;

export class LoadOutcome {
  readonly #write: (outcome: DecisionOutcome) => void;
  #reported: Readonly<Record<string, BufferBytes>> | null = null;
  #outcome: DecisionOutcome | null = null;
  readonly #phaseSeconds: Record<string, number> = {};
  #phase = { name: '', sinceMs: 0 };

  constructor(write: (outcome: DecisionOutcome) => void) {
    this.#write = write;
  }

  /**
   * A child says what it took:
   * `{type: "memory", devices: {cpu: {modelBytes, kvBytes, computeBytes}}}`.
   */
  receive(message: unknown): void {
    const reported = reportOf(message);
    if (reported === null) return;
    this.#reported = reported;
    if (this.#outcome !== null) this.ready(this.#outcome);
  }

  /** What the runtime's words tell of it, where it has no channel to us. */
  reports(reported: Readonly<Record<string, BufferBytes>>): void {
    this.#reported = reported;
  }

  /** Another phase of the load begins; an empty name: none, it is over. */
  phase(name: string, atMs: number): void {
    const before = this.#phase;
    if (name === before.name) return;
    const isNew = this.#phaseSeconds[before.name] === undefined;
    if (before.name !== '' && (!isNew || Object.keys(this.#phaseSeconds).length < MOST_PHASES)) {
      const seconds = (this.#phaseSeconds[before.name] ?? 0) + (atMs - before.sinceMs) / 1000;
      this.#phaseSeconds[before.name] = Math.round(seconds * 1000) / 1000;
    }
    this.#phase = { name, sinceMs: atMs };
  }

  ready(outcome: DecisionOutcome): void {
    this.#outcome = outcome;
    const phaseSeconds = Object.keys(this.#phaseSeconds).length === 0 ? {} : { phaseSeconds: this.#phaseSeconds };
    const reported = this.#reported === null ? {} : { reportedBytes: this.#reported };
    this.#write({ ...outcome, ...phaseSeconds, ...reported });
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
