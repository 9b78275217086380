/**
 * The end of a load. For a ready model: its log line, measurements and counters; for a failed one:
 * its next state. Owns no runner; `manager.ts` ends runners by the result.
 */
import type { DeviceBytes } from '../../shared/decision.ts';
import type { ModeliumError } from '../../shared/errors.ts';
import type { AfterDrain, DrainReason, Endpoint } from '../../shared/model.ts';
import { READY_FORGIVES_MS } from '../core/backoff.ts';
import type { Devices } from '../core/memory/devices.ts';
import type { Clock, Ledger, Log } from '../core/ports.ts';
import type { ModelRecord, Registry } from '../core/registry.ts';
import { retriedWith, retrySentence } from '../core/retry-with.ts';
import { loadedSentence } from '../core/sentences.ts';
import type { LoadTarget } from './adapter.ts';
import { failedLoad } from './failed-load.ts';
import { measurementOf, type Runner } from './runner.ts';

export interface LoadEndPorts {
  readonly registry: Registry;
  readonly devices: Devices;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
  /** Writes to the ledger; where that fails, the load goes on. */
  write(work: () => void): void;
}

export interface Loaded {
  readonly endpoint: Endpoint;
  readonly measured: DeviceBytes;
  readonly loadSeconds: number;
}

/** Its requests are served from here on. */
export function commitReady(ports: LoadEndPorts, runner: Runner, target: LoadTarget, { endpoint, measured, loadSeconds }: Loaded): void {
  const { registry, devices, ledger, clock, log, write } = ports;
  const { id, predicted, host, outcome, adapter } = runner;
  const { plan } = target;
  devices.settlePromise(id, clock.now());
  const pids = host.pids();
  // Log and learn before registry.apply: apply() grants the next load synchronously, and its log
  // line must come after this one.
  const isElsewhere = plan.placement.kind === 'elsewhere';
  if (!isElsewhere || adapter.detach !== undefined)
    log.say(loadedSentence(id, { ...predicted, ...measured }, devices.sample, loadSeconds, plan.placement.where));
  const taken = adapter.reported?.(host.output.ofThisLaunch()) ?? null;
  if (taken !== null) outcome.reports({ [plan.runtime]: taken });
  if (!isElsewhere) write(() => ledger.learn(measurementOf(runner, target, { measured, loadSeconds, reported: taken ?? undefined })));
  outcome.phase('', clock.now());
  outcome.ready({ ok: true, message: 'ready', predictedBytes: predicted, measuredBytes: measured, seconds: loadSeconds });
  runner.endpoint = endpoint;
  registry.apply(id, { type: 'loaded', endpoint, devices: Object.keys(predicted), measured, pids, sinceMs: clock.now(), loadSeconds });
  // The smaller context that a failure asked for stays: without it the plan would differ, and the
  // next settings edit would unload the model.
  runner.cancelForgiving = clock.after(READY_FORGIVES_MS, () => registry.update(id, { attempts: 0 }));
}

/**
 * @returns why it leaves, and what it becomes: tried again with what the failure asked for,
 * settling where its files are others, or failed.
 */
export function loadFailed(
  ports: LoadEndPorts,
  { id, host, decisionId, predicted }: Runner,
  record: ModelRecord,
  error: ModeliumError,
  seconds: number,
): { readonly reason: DrainReason; readonly becomes: AfterDrain } {
  const { registry, ledger, log, write } = ports;
  const { code } = error;
  const message = host.output.quotable(error.message);
  write(() => ledger.settle(decisionId, { ok: false, code, message, predictedBytes: predicted, measuredBytes: null, seconds }));
  log.warn(`${id} could not be loaded: ${message}`);
  // No failure of the model: its files become others.
  if (code === 'content-changed') return { reason: 'files-changed', becomes: { to: 'settling' } };
  const asked = host.explanation?.retryWith ?? null;
  const retried = asked === null ? null : retriedWith(record.retried, asked);
  if (asked === null || retried === null) {
    const how = { permanent: host.explanation?.permanent ?? false, output: host.output, retryAtMs: host.retryAtMs };
    return { reason: 'load-failed', becomes: failedLoad(ports, record, error, how) };
  }
  const sentence = retrySentence(id, asked);
  log.say(sentence);
  const because = { cause: { kind: 'said' as const, sentence }, facts: [] };
  write(() => ledger.decide({ modelId: id, action: 'retry', reason: 'retry-with', sentence, because, inputs: asked, candidates: [] }));
  registry.update(id, { retried });
  return { reason: 'load-failed', becomes: { to: 'analyzed' } };
}
