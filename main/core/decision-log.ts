/**
 * Writes one ledger row for each decision (I14). If the disk is full, the row is lost and serving
 * continues.
 */
import type { Candidate, DecisionAction } from '../../shared/decision.ts';
import type { Reasoned } from './decide/reasoned.ts';
import type { Devices } from './memory/devices.ts';
import type { Ledger, Log } from './ports.ts';

export interface DecisionLogPorts {
  readonly ledger: Ledger;
  readonly devices: Devices;
  readonly log: Log;
}

export class DecisionLog {
  readonly #ports: DecisionLogPorts;

  constructor(ports: DecisionLogPorts) {
    this.#ports = ports;
  }

  /**
   * @param reason from a short fixed list; `why` is for people.
   * @returns the row's id; 0 when it could not be written.
   */
  write(
    modelId: string,
    action: DecisionAction,
    reason: string,
    why: Reasoned,
    candidates: readonly Candidate[] = [],
    inputs: unknown = { devices: this.#ports.devices.rooms() },
  ): number {
    try {
      return this.#ports.ledger.decide({ modelId, action, reason, sentence: why.reason, because: why.because, inputs, candidates });
    } catch (error) {
      this.#ports.log.warn(`The decision on ${modelId} could not be saved: ${error instanceof Error ? error.message : error}`);
      return 0;
    }
  }
}
