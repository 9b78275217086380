/**
 * Executes steps that are only HTTP calls, for models that are loaded by a call to a running
 * process. Starts nothing.
 */
import { ModeliumError } from '../../shared/errors.ts';
import type { Steps } from './step.ts';
import { cannotDo, NO_ACTIVITY, type StepPorts, StepRunner } from './steps.ts';

/** A call that is not answered within this has not worked. */
const CALL_MS = 120_000;

/**
 * @param what in words, for the sentence when it fails: `Loading x`. @throws ModeliumError
 * cancelled, load-stalled, load-too-long, and what a step throws.
 */
export function runCalls<Result>(ports: StepPorts, what: string, steps: Steps<Result>, signal: AbortSignal): Promise<Result> {
  const runner = new StepRunner(ports, {
    carryOut: (step) => cannotDo('A host of calls', step),
    activity: () => NO_ACTIVITY,
    cancelled: () => new ModeliumError('cancelled', `${what} was cancelled.`),
    failure: (code, how) => new ModeliumError(code, `${what} ${how}.`),
  });
  return runner.run(steps, { stallMs: CALL_MS, maxMs: CALL_MS }, signal);
}
