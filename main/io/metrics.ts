/**
 * The Prometheus metrics: names, labels and help of every series. A sink: values are counted at
 * events or read from the snapshot at scrape time; no decision reads them (I9). Every label value
 * comes from a fixed list, or names a model or device that exists now (I10). The only importer of
 * prom-client.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { DeviceBytes } from '../../shared/decision.ts';
import type { Snapshot } from '../../shared/snapshot.ts';
import type { RequestReport } from '../core/gateway.ts';

export interface Metrics {
  readonly contentType: string;
  /** The exposition text, gauges read now. */
  text(): Promise<string>;
  request(report: RequestReport): void;
  loadEnded(load: { runtime: string; ok: boolean; seconds: number; predicted: DeviceBytes; measured: DeviceBytes }): void;
  unloaded(runtime: string, reason: string): void;
  released(seconds: number): void;
  decided(action: string, reason: string): void;
  /** A forgotten model takes its series along. */
  forget(modelId: string): void;
}

const LATENCY_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 180, 600];
const LOAD_BUCKETS = [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600];
const RATIO_BUCKETS = [0.5, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.3, 1.5, 2];
/** A finer event-loop monitor costs 0.7 % of a core (measured). */
const EVENT_LOOP_PRECISION_MS = 1_000;

export function createMetrics(snapshot: () => Snapshot): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });
  const counters = createCounters(registry);
  createGauges(registry, snapshot);
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    request: (report) => countRequest(counters, report),
    loadEnded({ runtime, ok, seconds, predicted, measured }) {
      counters.loads.inc({ runtime, status: ok ? 'ok' : 'failed' });
      if (!ok) return;
      counters.loadSeconds.observe({ runtime }, seconds);
      const [wanted, taken] = [sum(predicted), sum(measured)];
      if (wanted > 0 && taken > 0) counters.predictionError.observe({ runtime }, taken / wanted);
    },
    unloaded: (runtime, reason) => counters.unloads.inc({ runtime, reason }),
    released: (seconds) => counters.release.observe(seconds),
    decided: (action, reason) => counters.decisions.inc({ action, reason }),
    forget: (modelId) => forgetModel(counters, modelId),
  };
}

type Counters = ReturnType<typeof createCounters>;

function createCounters(registry: Registry) {
  const registers = [registry];
  return {
    requests: new Counter({
      name: 'modelium_requests_total',
      help: 'Inference requests answered',
      labelNames: ['model', 'runtime', 'status'],
      registers,
    }),
    latency: new Histogram({
      name: 'modelium_latency_seconds',
      help: 'From the request to the last byte of its answer',
      labelNames: ['model'],
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    firstToken: new Histogram({
      name: 'modelium_time_to_first_token_seconds',
      help: 'From the request to the first token',
      labelNames: ['model'],
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    tokens: new Counter({ name: 'modelium_tokens_total', help: 'Tokens read and written', labelNames: ['model', 'direction'], registers }),
    queue: new Histogram({
      name: 'modelium_request_queue_seconds',
      help: 'Time that requests waited before they reached the runtime',
      labelNames: ['model', 'cause'],
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    ignoredFields: new Counter({
      name: 'modelium_ignored_fields_total',
      help: 'Fields of requests that clients send by habit and that change nothing here',
      labelNames: ['field'],
      registers,
    }),
    loads: new Counter({ name: 'modelium_model_loads_total', help: 'Loads ended', labelNames: ['runtime', 'status'], registers }),
    unloads: new Counter({ name: 'modelium_model_unloads_total', help: 'Models unloaded', labelNames: ['runtime', 'reason'], registers }),
    loadSeconds: new Histogram({
      name: 'modelium_load_seconds',
      help: 'From the start of a runtime to its first real answer',
      labelNames: ['runtime'],
      buckets: LOAD_BUCKETS,
      registers,
    }),
    release: new Histogram({
      name: 'modelium_memory_release_seconds',
      help: "From the end of a model's last process until its memory was seen free",
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    predictionError: new Histogram({
      name: 'modelium_prediction_error_ratio',
      help: 'Measured bytes over predicted bytes of a load',
      labelNames: ['runtime'],
      buckets: RATIO_BUCKETS,
      registers,
    }),
    decisions: new Counter({
      name: 'modelium_orchestration_decisions_total',
      help: 'Rows written to the ledger of decisions',
      labelNames: ['action', 'reason'],
      registers,
    }),
  };
}

function countRequest(counters: Counters, report: RequestReport): void {
  const { modelId: model, runtime, status, totalMs, firstTokenMs, queueMs, queueCause, promptTokens, completionTokens } = report;
  counters.requests.inc({ model, runtime: runtime ?? 'none', status: String(status) });
  counters.latency.observe({ model }, totalMs / 1000);
  if (firstTokenMs !== null) counters.firstToken.observe({ model }, firstTokenMs / 1000);
  if (queueCause !== null) counters.queue.observe({ model, cause: queueCause }, queueMs / 1000);
  if (promptTokens !== null) counters.tokens.inc({ model, direction: 'prompt' }, promptTokens);
  for (const field of report.ignoredFields) counters.ignoredFields.inc({ field });
  if (completionTokens !== null) counters.tokens.inc({ model, direction: 'completion' }, completionTokens);
}

function forgetModel(counters: Counters, modelId: string): void {
  const { requests, latency, firstToken, tokens, queue } = counters;
  const metrics: readonly { remove(labels: Record<string, string>): void }[] = [requests, latency, firstToken, tokens, queue];
  for (const metric of metrics) {
    // prom-client drops one exact set of labels at a time.
    for (const labels of labelSets(metric)) if (labels['model'] === modelId) metric.remove(labels);
  }
}

/**
 * The label sets that a metric holds: prom-client keeps them in `hashMap`, the only way to them
 * without rendering everything.
 */
function labelSets(metric: object): readonly Record<string, string>[] {
  const { hashMap } = metric as { hashMap?: Record<string, { labels: Record<string, string> }> };
  return Object.values(hashMap ?? {}).map(({ labels }) => labels);
}

function createGauges(registry: Registry, snapshot: () => Snapshot): void {
  const gauge = (
    name: string,
    help: string,
    labelNames: readonly string[],
    read: (set: (labels: Record<string, string>, value: number) => void) => void,
  ) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        read((labels, value) => this.set(labels, value));
      },
    });
  createModelGauges(gauge, snapshot);
  createDeviceGauges(gauge, snapshot);
}

type MakeGauge = (
  name: string,
  help: string,
  labelNames: readonly string[],
  read: (set: (labels: Record<string, string>, value: number) => void) => void,
) => unknown;

function createModelGauges(gauge: MakeGauge, snapshot: () => Snapshot): void {
  gauge('modelium_requests_in_flight', 'Requests at the runtime now', ['model'], (set) => {
    for (const { id, inFlight, state } of snapshot().models) if (state === 'ready' || inFlight > 0) set({ model: id }, inFlight);
  });
  gauge('modelium_requests_waiting', 'Requests that wait for a model to be loaded, or for a free slot', ['model'], (set) => {
    for (const { id, waiting, state } of snapshot().models) if (state === 'ready' || waiting > 0) set({ model: id }, waiting);
  });
  gauge('modelium_model_qps', 'Requests a second over the last minute', ['model'], (set) => {
    for (const { id, queriesPerSecond, state } of snapshot().models) if (state === 'ready') set({ model: id }, queriesPerSecond);
  });
  gauge('modelium_model_idle_seconds', 'Seconds since the last inference of a loaded model', ['model', 'runtime'], (set) => {
    for (const { id, idleMs, runtime } of snapshot().models)
      if (idleMs !== null && runtime !== null) set({ model: id, runtime }, idleMs / 1000);
  });
  gauge('modelium_model_state', 'The state that each model is in (1)', ['model', 'state'], (set) => {
    for (const { id, state } of snapshot().models) set({ model: id, state }, 1);
  });
  gauge('modelium_models_loaded', 'Models that are ready', ['runtime'], (set) => {
    for (const { id: runtime } of snapshot().runtimes) {
      set({ runtime }, snapshot().models.filter((model) => model.state === 'ready' && model.runtime === runtime).length);
    }
  });
  gauge('modelium_model_memory_bytes', 'Memory of a loaded model', ['model', 'device', 'kind'], (set) => {
    for (const { id, predictedBytes, measuredBytes } of snapshot().models) {
      for (const [device, bytes] of Object.entries(predictedBytes ?? {})) set({ model: id, device, kind: 'predicted' }, bytes);
      for (const [device, bytes] of Object.entries(measuredBytes ?? {})) set({ model: id, device, kind: 'measured' }, bytes);
    }
  });
}

function createDeviceGauges(gauge: MakeGauge, snapshot: () => Snapshot): void {
  const gpus = () => snapshot().devices.filter((device) => device.kind === 'gpu');
  const figures = [
    ['modelium_gpu_memory_used_bytes', 'GPU memory in use', 'usedBytes'],
    ['modelium_gpu_memory_total_bytes', 'GPU memory in all', 'totalBytes'],
    ['modelium_gpu_utilization_ratio', 'Share of time in which a kernel ran', 'utilizationRatio'],
    ['modelium_gpu_power_watts', 'Power draw', 'powerWatts'],
    ['modelium_gpu_temperature_celsius', 'Temperature', 'temperatureCelsius'],
  ] as const;
  for (const [name, help, field] of figures) {
    gauge(name, help, ['gpu'], (set) => {
      for (const gpu of gpus()) {
        const value = gpu[field];
        if (value !== null) set({ gpu: String(gpu.index ?? gpu.id) }, value);
      }
    });
  }
}

function sum(bytes: DeviceBytes): number {
  return Object.values(bytes).reduce((total, each) => total + each, 0);
}
