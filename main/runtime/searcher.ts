/**
 * Executes the search for a runtime: reads files, and runs small programs for their output. Starts
 * no lasting process.
 */
import { ModeliumError } from '../../shared/errors.ts';
import type { MachineFiles } from '../core/machine-files.ts';
import type { Clock } from '../core/ports.ts';
import type { HttpClient, Processes } from '../core/process-ports.ts';
import { askProgram } from './ask-program.ts';
import type { Steps } from './step.ts';
import { cannotDo, type HostStep, NO_ACTIVITY, StepRunner } from './steps.ts';

export interface SearchPorts {
  readonly clock: Clock;
  readonly machineFiles: MachineFiles;
  readonly processes: Pick<Processes, 'launch' | 'identify' | 'signal'>;
  readonly http: HttpClient;
}

/** Far more than any search takes (I10). */
const SEARCH_MS = 120_000;

export class Searcher {
  readonly #ports: SearchPorts;

  constructor(ports: SearchPorts) {
    this.#ports = ports;
  }

  /** @throws ModeliumError load-too-long, and whatever the search throws. */
  search<Result>(steps: Steps<Result>): Promise<Result> {
    const runner = new StepRunner(
      { ...this.#ports, randomWord: () => '' },
      {
        carryOut: (step) => this.#carryOut(step),
        activity: () => NO_ACTIVITY,
        cancelled: () => new ModeliumError('cancelled', 'The search was cancelled.'),
        failure: (code, what) => new ModeliumError(code, `The search for a runtime ${what}.`),
      },
    );
    return runner.run(steps, { stallMs: SEARCH_MS, maxMs: SEARCH_MS }, new AbortController().signal);
  }

  #carryOut(step: HostStep): Promise<unknown> {
    const { machineFiles } = this.#ports;
    switch (step.do) {
      case 'stats':
        return machineFiles.stats(step.paths);
      case 'names':
        return machineFiles.names(step.folder);
      case 'read':
        return machineFiles.read(step.path, step.mostBytes, step.isCut);
      case 'own':
        return machineFiles.whyNotOwn(step.path);
      case 'real':
        return machineFiles.real(step.path);
      case 'package':
        return machineFiles.packageFolder(step.name);
      case 'pack':
        return machineFiles.pack(step.folder, step.packing);
      case 'ask':
        return askProgram(this.#ports, step);
      default:
        return cannotDo('A search', step);
    }
  }
}
