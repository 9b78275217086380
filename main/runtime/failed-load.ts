/** What becomes of a model whose load or preparation failed: the failure in words, and when it is tried again. */
import type { ModeliumError } from '../../shared/errors.ts';
import type { AfterDrain, LoadFailure } from '../../shared/model.ts';
import { backoff } from '../core/backoff.ts';
import type { Clock } from '../core/ports.ts';
import type { ModelRecord, Registry } from '../core/registry.ts';

/** Counts the attempt. @param permanent no retry by itself would help. */
export function failedLoad(
  { registry, clock }: { readonly registry: Registry; readonly clock: Clock },
  record: ModelRecord,
  error: ModeliumError,
  { permanent, lastWords }: { readonly permanent: boolean; readonly lastWords: readonly string[] },
): AfterDrain {
  const attempts = record.attempts + 1;
  registry.update(record.id, { attempts });
  const failure: LoadFailure = { code: error.code, message: error.message, lastWords: error.details.lastWords ?? lastWords, permanent };
  return { to: 'failed', failure, attempts, retryAtMs: permanent ? null : backoff(attempts, clock.now()).retryAtMs };
}
