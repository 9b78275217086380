/**
 * Executes an adapter's steps in order: those that need only time and HTTP itself, the others
 * through its host. Any step can be interrupted, and stalls are detected. Knows no processes, files
 * or states.
 */
import { ModeliumError } from '../../shared/errors.ts';
import type { Clock } from '../core/ports.ts';
import type { HttpClient } from '../core/process-ports.ts';
import type { Progress } from './adapter.ts';
import { type Activity, type StallLimits, StallWatch } from './stall-watch.ts';
import type { Step, Steps } from './step.ts';

export interface StepPorts {
  readonly clock: Clock;
  readonly http: HttpClient;
  /** An unguessable word: keys and launch ids. */
  randomWord(): string;
}

/** What every host can do by the runner alone. */
type CommonStep = Extract<Step, { do: 'http' | 'upload' | 'pause' | 'phase' | 'key' | 'alone' }>;
export type HostStep = Exclude<Step, CommonStep>;

/** What a host adds. */
export interface StepHost {
  /** Throws for a step that this host cannot carry out: a bug of the adapter. */
  carryOut(step: HostStep): Promise<unknown> | unknown;
  activity(): Activity;
  /** In words: it was cancelled, or stands still. */
  cancelled(): ModeliumError;
  failure(code: 'load-stalled' | 'load-too-long', what: string): ModeliumError;
}

/** Of a host without processes. */
export const NO_ACTIVITY: Activity = { readBytes: 0, residentBytes: 0, cpuMs: 0 };

/**
 * The last of those who run steps under a name, and wait for their turn: settled when it is over.
 */
const turns = new Map<string, Promise<unknown>>();

export class StepRunner {
  readonly #ports: StepPorts;
  readonly #host: StepHost;
  readonly #stall: StallWatch;
  #interruption: ModeliumError | null = null;
  #rejectStep: (error: unknown) => void = () => {};
  #onProgress: (progress: Progress) => void = () => {};
  #progress: Progress | null = null;

  constructor(ports: StepPorts, host: StepHost) {
    this.#ports = ports;
    this.#host = host;
    this.#stall = new StallWatch(ports.clock);
  }

  /**
   * On abort the generator is dropped where it stands; whoever aborts cleans up.
   * @throws ModeliumError load-stalled, load-too-long, cancelled, and whatever interrupted it or a
   * step threw.
   */
  async run<Result>(
    steps: Steps<Result>,
    limits: StallLimits,
    signal: AbortSignal,
    onProgress: (progress: Progress) => void = () => {},
  ): Promise<Result> {
    this.#onProgress = onProgress;
    this.#interruption = null;
    const cancelled = () => this.interrupt(this.#host.cancelled());
    signal.addEventListener('abort', cancelled, { once: true });
    if (signal.aborted) cancelled();
    const endWatch = this.#stall.start(
      limits,
      () => this.#host.activity(),
      (code, what) => this.interrupt(this.#host.failure(code, what)),
    );
    try {
      return await this.#all(steps, signal);
    } finally {
      endWatch();
      signal.removeEventListener('abort', cancelled);
      this.#onProgress = () => {};
    }
  }

  /**
   * Ends what runs, and what would run next, with this error: the first one counts. Nothing more is
   * told from here on: whoever aborted has gone on (I11).
   */
  interrupt(error: ModeliumError): void {
    this.#interruption ??= error;
    this.#onProgress = () => {};
    this.#rejectStep(error);
  }

  signOfLife(): void {
    this.#stall.signOfLife();
  }

  /** What it is at, in words; null before the first word of it. */
  get phase(): string | null {
    return this.#progress?.phase ?? null;
  }

  /** A phase has begun, or got further. */
  progressed(progress: Progress): void {
    this.#stall.phase(progress.isSilent ?? false);
    this.#progress = progress;
    this.#onProgress(progress);
  }

  /** Tells the last phase again: something that is told with it changed. */
  repeatProgress(): void {
    if (this.#progress !== null) this.#onProgress(this.#progress);
  }

  async #all<Result>(steps: Steps<Result>, signal: AbortSignal): Promise<Result> {
    let turn = steps.next();
    while (!turn.done) turn = await this.#turn(steps, turn.value, signal);
    return turn.value;
  }

  /** Whoever is interrupted while it waits lets its turn pass. */
  async #alone({ name, steps }: Extract<Step, { do: 'alone' }>, signal: AbortSignal): Promise<unknown> {
    const before = turns.get(name) ?? Promise.resolve();
    const own = before.then(async () => {
      if (this.#interruption !== null) throw this.#interruption;
      return this.#all(steps(), signal);
    });
    const over = own.catch(() => {});
    turns.set(name, over);
    try {
      return await own;
    } finally {
      if (turns.get(name) === over) turns.delete(name);
    }
  }

  async #turn<Result>(steps: Steps<Result>, step: Step, signal: AbortSignal): Promise<IteratorResult<Step, Result>> {
    let answer: unknown;
    try {
      answer = await this.#unlessInterrupted(async () => this.#carryOut(step, signal));
    } catch (error) {
      // Stall, exit and abort are not the adapter's business; a step that failed by itself is.
      if (error instanceof ModeliumError) throw error;
      return steps.throw(error);
    }
    return steps.next(answer);
  }

  /**
   * Races a step against exit, abort and stall, with one rejection at a time: promises that stay
   * pending for an hour must not collect reactions.
   */
  #unlessInterrupted(step: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#interruption !== null) return reject(this.#interruption);
      this.#rejectStep = reject;
      step().then(resolve, reject);
    });
  }

  #carryOut(step: Step, signal: AbortSignal): Promise<unknown> | unknown {
    const { http, clock, randomWord } = this.#ports;
    switch (step.do) {
      case 'key':
        return randomWord();
      case 'phase':
        return this.progressed({ phase: step.phase, progress: step.progress, isSilent: step.isSilent ?? false });
      case 'pause':
        return new Promise((resolve) => clock.after(step.ms, () => resolve(undefined)));
      case 'http': {
        const { at, key, keyHeader, method, path, body, timeoutMs, reportsWhy = false } = step;
        const asked = http.request({ at, key, keyHeader }, { method, path, body, timeoutMs, signal });
        return asked.catch((error: Error) => (reportsWhy ? { status: 0, body: causeOf(error) } : null));
      }
      case 'upload': {
        const { do: _step, at, key, keyHeader, ...request } = step;
        return http.upload({ at, key, keyHeader }, { ...request, signal }).catch(nobodyThere);
      }
      case 'alone':
        return this.#alone(step, signal);
      default:
        return this.#host.carryOut(step);
    }
  }
}

/** A file that cannot be read is told; that nobody listens (yet) is an answer. */
function nobodyThere(error: NodeJS.ErrnoException | ModeliumError): null {
  if (error instanceof ModeliumError || error.syscall === 'open' || error.syscall === 'read' || error.syscall === 'stat') throw error;
  return null;
}

function causeOf(error: Error & { readonly code?: string }): string {
  return [error.code, error.message].filter(Boolean).join(' ');
}

/** For a host's last case. */
export function cannotDo(host: string, step: HostStep): never {
  throw new Error(`${host} carries out no step "${step.do}"`);
}
