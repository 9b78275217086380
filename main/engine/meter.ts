/**
 * Counts decisions, loads and unloads, and collects the runtimes' own metrics. A sink: nothing is
 * decided here.
 */
import type { RuntimeId } from '../../shared/decision.ts';
import type { Settings } from '../../shared/settings.ts';
import type { Clock, Ledger } from '../core/ports.ts';
import type { Registry } from '../core/registry.ts';
import type { Upstreams } from '../io/http-client.ts';
import type { Metrics } from '../io/metrics.ts';
import { type MeteredModel, runtimeMetrics } from '../io/runtime-metrics.ts';
import type { Core } from './core.ts';

/**
 * The ledger with each decision counted. `lastDecisionId` lets the page tell what it has not seen.
 */
export class Meter {
  readonly #metrics: Metrics;
  readonly ledger: Ledger;
  lastDecisionId: number;

  constructor(metrics: Metrics, ledger: Ledger) {
    this.#metrics = metrics;
    this.lastDecisionId = ledger.decisions({ limit: 1 })[0]?.id ?? 0;
    const decide: Ledger['decide'] = (decision) => {
      metrics.decided(decision.action, decision.reason);
      this.lastDecisionId = ledger.decide(decision);
      return this.lastDecisionId;
    };
    this.ledger = { ...ledger, decide };
  }

  /** The text of /metrics: ours, and where the settings say so those of the runtimes. */
  async text({ registry, runtimes }: Core, upstreams: Upstreams, settings: Settings): Promise<string> {
    const own = await this.#metrics.text();
    if (!settings.metrics.include_runtime) return own;
    const models = meteredModels(registry, (id) => runtimes.metricsOf(id));
    return own + (await runtimeMetrics(upstreams, models));
  }
}

/** Counts loads and unloads from the registry's facts. */
export function followMetrics(registry: Registry, metrics: Metrics, clock: Clock): void {
  registry.onChange(({ id, record, previous, event }) => {
    if (record === null) metrics.forget(id);
    if (event?.type === 'loaded' && previous?.name === 'loading' && record?.state.name === 'ready') {
      const { runtime, loadSeconds, predicted, measured } = record.state;
      metrics.loadEnded({ runtime, ok: true, seconds: loadSeconds, predicted, measured });
    }
    if (event?.type === 'drain-started' && event.reason === 'load-failed' && previous?.name === 'loading') {
      const seconds = (clock.now() - previous.sinceMs) / 1000;
      metrics.loadEnded({ runtime: previous.plan.runtime, ok: false, seconds, predicted: {}, measured: {} });
    }
    if (event?.type === 'drained' && previous?.name === 'draining' && previous.ready !== null) {
      metrics.unloaded(previous.ready.runtime, previous.reason);
    }
  });
}

/** Models whose runtime keeps figures of its own; LoRAs are counted in those of their base. */
function meteredModels(registry: Registry, prefixOf: (runtime: RuntimeId) => string | null): readonly MeteredModel[] {
  return [...registry.all()].flatMap(({ id, state }) => {
    const prefix = state.name === 'ready' && state.plan.base === undefined ? prefixOf(state.runtime) : null;
    return state.name === 'ready' && prefix !== null ? [{ id, endpoint: state.endpoint, prefix }] : [];
  });
}
