/**
 * Watches a ready model: detects a hanging process (`health-check.ts`), and, after an answer that
 * looks broken, tests the model, because its server may call it ready while every request fails.
 * The manager decides what follows. Guarded by test/runtime/watch.test.ts.
 */
import { ModeliumError } from '../../shared/errors.ts';
import type { Endpoint } from '../../shared/model.ts';
import { runCalls } from './call-host.ts';
import { type HealthCheckPorts, watchHealth } from './health-check.ts';
import type { Runner } from './runner.ts';
import type { StepPorts } from './steps.ts';

/**
 * Between two looks: requests that fail because they are wrong must not have the model asked all
 * the time (I10).
 */
const LEAST_MS = 1_000;

type Watched = Pick<Runner, 'id' | 'adapter' | 'host' | 'stay' | 'endHealthCheck' | 'doubt'>;

/** @param broke called with why it answers nothing any more; null: its process hangs. */
export function watchRunner(
  ports: StepPorts & HealthCheckPorts,
  runner: Watched,
  endpoint: Endpoint,
  isElsewhere: boolean,
  broke: (error: ModeliumError | null) => void,
): void {
  const { adapter, host, stay } = runner;
  const { leases } = stay;
  const cpuMs = () => (adapter.isSilentAtWork === true ? host.activity().cpuMs : null);
  const work = { isBusy: () => leases.inFlight > 0, chunks: () => leases.chunks, cpuMs };
  // Whether one elsewhere lives is looked at for all of its models together.
  if (endpoint.protocol !== 'none' && !isElsewhere) runner.endHealthCheck = watchHealth(ports, endpoint, work, () => broke(null));
  runner.doubt = watchDoubts(ports, runner, endpoint, broke);
}

/**
 * One look at a time; whoever comes meanwhile, or right after one, has it looked at once more when
 * the time is over.
 */
function watchDoubts(
  ports: StepPorts,
  { id, adapter, stay }: Watched,
  endpoint: Endpoint,
  broke: (error: ModeliumError) => void,
): () => void {
  const { clock } = ports;
  const { signal } = stay.abort;
  let isDue = false;
  let checkedMs = Number.NEGATIVE_INFINITY;
  const check = async (): Promise<void> => {
    const steps = signal.aborted ? undefined : adapter.checkModel?.(endpoint);
    const why = steps === undefined ? null : await runCalls(ports, `Looking at ${id}`, steps, signal).catch(() => null);
    checkedMs = clock.now();
    isDue = false;
    if (why !== null) broke(new ModeliumError('runtime-exited', why));
  };
  return () => {
    if (isDue || adapter.checkModel === undefined) return;
    isDue = true;
    clock.after(Math.max(0, checkedMs + LEAST_MS - clock.now()), () => void check());
  };
}
