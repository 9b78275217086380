/**
 * Turns a failed load or preparation into its result: the failure as a sentence, and the time of
 * the next attempt.
 */
import type { ModeliumError } from '../../shared/errors.ts';
import type { AfterDrain, LoadFailure } from '../../shared/model.ts';
import { backoff } from '../core/backoff.ts';
import type { Clock } from '../core/ports.ts';
import type { ModelRecord, Registry } from '../core/registry.ts';
import type { LastOutput } from './last-output.ts';

interface FailedHow {
  /** No retry by itself would help. */
  readonly permanent: boolean;
  /** Of its process: what the error quotes of it is for everybody. */
  readonly output: Pick<LastOutput, 'lines' | 'quotable'>;
  /** Of a model in a server that failed: when that may be started again. */
  readonly retryAtMs?: number | null;
}

/** Counts the attempt. */
export function failedLoad(
  { registry, clock }: { readonly registry: Registry; readonly clock: Clock },
  record: ModelRecord,
  error: ModeliumError,
  { permanent, output, retryAtMs = null }: FailedHow,
): AfterDrain {
  // Where its server has a back-off of its own, the models in it have none beside that.
  const attempts = retryAtMs === null ? record.attempts + 1 : record.attempts;
  registry.update(record.id, { attempts });
  const { state } = record;
  const placement = 'plan' in state ? state.plan.placement : undefined;
  const failure: LoadFailure = {
    code: error.code,
    message: output.quotable(error.message),
    placement,
    lastOutput: error.details.lastOutput ?? output.lines(),
    permanent,
  };
  return { to: 'failed', failure, attempts, retryAtMs: permanent ? null : (retryAtMs ?? backoff(attempts, clock.now()).retryAtMs) };
}
