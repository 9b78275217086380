/** How the number of copies of a model follows its requests, as options of Ray Serve. Pure. */
import type { ModelSettings } from '../../../shared/settings.ts';

type Autoscaling = NonNullable<NonNullable<ModelSettings['ray']>['autoscaling']>;

/**
 * Ray averages requests over 30 s whatever is said here: an average over less was seen to miss what
 * busy replicas report late, and no copy was added.
 */
export function scaling({ min, max, target, up_after_seconds, down_after_seconds }: Autoscaling): Readonly<Record<string, number>> {
  return {
    min_replicas: min,
    max_replicas: max,
    target_ongoing_requests: target,
    upscale_delay_s: up_after_seconds,
    downscale_delay_s: down_after_seconds,
  };
}
