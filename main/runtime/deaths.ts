/**
 * Remembers which serving processes died by themselves, and describes a death for the log and for
 * the requests in flight. A first death does not count as a failure of the model; a second one soon
 * after it does.
 */
import { ModeliumError } from '../../shared/errors.ts';
import { READY_FORGIVES_MS } from '../core/backoff.ts';
import type { Runner } from './runner.ts';

export class Deaths {
  readonly #lastMs = new Map<string, number>();

  /** Notes one. @returns whether it is the first within ten minutes. */
  isFirst(modelId: string, nowMs: number): boolean {
    const beforeMs = this.#lastMs.get(modelId);
    this.#lastMs.set(modelId, nowMs);
    return beforeMs === undefined || nowMs - beforeMs >= READY_FORGIVES_MS;
  }

  forget(modelId: string): void {
    this.#lastMs.delete(modelId);
  }
}

/** Its process ended by itself. */
export function endedError({ host }: Pick<Runner, 'host'>): ModeliumError {
  return new ModeliumError('runtime-exited', host.explanation?.message ?? 'its process ended', { lastOutput: host.output.lines() });
}

/** What requests are answered that are cut because of it. */
export function cutError({ id, adapter, host }: Pick<Runner, 'id' | 'adapter' | 'host'>, error: ModeliumError): ModeliumError {
  return new ModeliumError(
    'upstream-failed',
    `${adapter.id} failed while it answered a request to ${id}: ${host.output.quotable(error.message)}`,
    {
      origin: adapter.id,
    },
  );
}
