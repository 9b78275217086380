/**
 * The ports that one launch was given. Between the choice of a port and its use another user's
 * program may take it and answer as the model would: it would get what people ask. Guarded by
 * test/model-port.test.ts.
 */
import { ModeliumError } from '../../shared/errors.ts';
import type { Processes } from '../core/process-ports.ts';

export class GivenPorts {
  readonly #processes: Pick<Processes, 'freePort' | 'strangerAt'>;
  readonly #ports: number[] = [];

  constructor(processes: Pick<Processes, 'freePort' | 'strangerAt'>) {
    this.#processes = processes;
  }

  /** A port that is free now. */
  async give(range: readonly [number, number]): Promise<number> {
    const port = await this.#processes.freePort(range);
    this.#ports.push(port);
    return port;
  }

  /** @param pids of the launch. @throws ModeliumError runtime-exited where a stranger listens. */
  async refuseStrangers(modelId: string, pids: readonly number[]): Promise<void> {
    for (const port of this.#ports) {
      const user = await this.#processes.strangerAt(port, pids);
      if (user === null) continue;
      const message = `A program of another user (${user}) took the port ${port} of ${modelId} at the same moment. The next attempt uses another port.`;
      throw new ModeliumError('runtime-exited', message);
    }
  }
}
