/**
 * Every series of the design is on /metrics when its subject exists, moves with it, and goes with
 * it; the text is what Prometheus reads.
 */

import { request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMetrics } from '../main/io/metrics.ts';
import { RUNTIME_IDS } from '../shared/decision.ts';
import { eventually } from './helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { makeSimulatedBox, type SimulatedBox } from './helpers/simulated-box.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Exposition {
  readonly types: ReadonlyMap<string, string>;
  readonly series: readonly Series[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
/** A value is whatever Go's ParseFloat takes: its `nan` and `inf` in any case. */
const VALUE = '[+-]?(?:\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?|inf)|nan';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (${VALUE})$`, 'i');
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

/** Reads it line by line as the format's description says. @throws for a line that is none. */
function parse(text: string): Exposition {
  const types = new Map<string, string>();
  const series: Series[] = [];
  const seen = new Set<string>();
  expect(text.endsWith('\n')).toBe(true);
  for (const line of text.split('\n')) {
    if (line === '' || /^# HELP [\w:]+ .+$/.test(line)) continue;
    const type = /^# TYPE ([\w:]+) (counter|gauge|histogram|summary)$/.exec(line);
    if (type !== null) {
      expect(types.has(type[1]!), `${type[1]} is declared twice`).toBe(false);
      types.set(type[1]!, type[2]!);
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (sample === null) throw new Error(`not a line of the format: ${line}`);
    const [, name = '', labelText = '', value = ''] = sample;
    expect(types.has(name) || types.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram', `${name} has no type`).toBe(true);
    expect(seen.has(`${name}{${labelText}}`), `twice: ${line}`).toBe(false);
    seen.add(`${name}{${labelText}}`);
    series.push({ name, labels: parseLabels(labelText), value: Number(value.replace('Inf', 'Infinity')) });
  }
  checkHistograms({ types, series });
  return { types, series };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const label = LABEL.exec(text);
    if (label === null) throw new Error(`not labels: ${text}`);
    labels[label[1]!] = label[2]!;
  }
  return labels;
}

function checkHistograms({ types, series }: Exposition): void {
  for (const [name, type] of types) {
    if (type !== 'histogram') continue;
    for (const count of series.filter((each) => each.name === `${name}_count`)) {
      const buckets = series.filter(
        (each) => each.name === `${name}_bucket` && Object.entries(count.labels).every(([label, value]) => each.labels[label] === value),
      );
      expect(buckets.length, name).toBeLessThanOrEqual(13);
      expect(
        buckets.map(({ value }) => value),
        `${name} is cumulative`,
      ).toEqual(buckets.map(({ value }) => value).toSorted((a, b) => a - b));
      expect(buckets.at(-1)).toMatchObject({ labels: { le: '+Inf' }, value: count.value });
    }
  }
}

/** Name and labels of design section 9. */
const DESIGNED: Readonly<Record<string, readonly string[]>> = {
  modelium_requests_total: ['model', 'runtime', 'status'],
  modelium_latency_seconds: ['model'],
  modelium_time_to_first_token_seconds: ['model'],
  modelium_tokens_total: ['direction', 'model'],
  modelium_requests_in_flight: ['model'],
  modelium_requests_waiting: ['model'],
  modelium_request_queue_seconds: ['cause', 'model'],
  modelium_ignored_fields_total: ['field'],
  modelium_model_qps: ['model'],
  modelium_model_idle_seconds: ['model', 'runtime'],
  modelium_model_state: ['model', 'state'],
  modelium_models_loaded: ['runtime'],
  modelium_model_memory_bytes: ['device', 'kind', 'model'],
  modelium_model_loads_total: ['runtime', 'status'],
  modelium_model_unloads_total: ['reason', 'runtime'],
  modelium_load_seconds: ['runtime'],
  modelium_memory_release_seconds: [],
  modelium_prediction_error_ratio: ['runtime'],
  modelium_orchestration_decisions_total: ['action', 'reason'],
  modelium_gpu_memory_used_bytes: ['gpu'],
  modelium_gpu_memory_total_bytes: ['gpu'],
  modelium_gpu_utilization_ratio: ['gpu'],
  modelium_gpu_power_watts: ['gpu'],
  modelium_gpu_temperature_celsius: ['gpu'],
};

const MODELS = ['used', 'fails', 'never'];
/** All that a label may ever say in this test. */
const BOUNDED: Readonly<Record<string, readonly string[]>> = {
  model: MODELS,
  runtime: [...RUNTIME_IDS, 'none'],
  direction: ['prompt', 'completion'],
  cause: ['loading', 'busy', 'memory'],
  kind: ['predicted', 'measured'],
  gpu: ['0'],
  field: ['keep_alive'],
};

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

let box: SimulatedBox;
let live: LiveEngine;
let port: number;

beforeAll(async () => {
  box = makeSimulatedBox({ gpus: [{ totalMiB: 8_192 }] });
  port = await freePort();
  live = await startLiveEngine({
    settings: {
      llama: { command: box.runtimeCommand },
      gpus: { nvidia_smi: box.nvidiaSmi },
      orchestration: { policies: { load: 'on_request', evict_after_idle_seconds: 3 } },
      metrics: { enabled: true, port },
      models: { fails: { args: ['--oom'] }, used: { args: ['--load-ms', '1500', '--memory-mb', '64', '--layers', '1'] } },
    },
    prepare: async ({ folder, watch }) => {
      for (const name of ['fails', 'never']) await writeTinyGguf(watch, { name, contextTokens: 512 });
      await writeTinyGguf(join(folder, 'elsewhere'), { name: 'used', contextTokens: 512 });
    },
  });
});

afterAll(async () => {
  await live.close();
  box.remove();
});

describe('/metrics', () => {
  const scrape = async () => parse(await live.metrics());
  const seen = new Map<string, Set<string>>();

  /** Values of a series by exact labels; 0 where there is none. */
  function value({ series }: Exposition, name: string, labels: Readonly<Record<string, string>> = {}): number {
    return series
      .filter((each) => each.name === name && Object.entries(labels).every(([label, wanted]) => each.labels[label] === wanted))
      .reduce((sum, each) => sum + each.value, 0);
  }

  function note({ series }: Exposition): void {
    for (const { name, labels } of series) {
      if (!name.startsWith('modelium_')) continue;
      const family = name.replace(/_(bucket|sum|count)$/, '');
      const { le: _, ...own } = labels;
      if (!seen.has(family)) seen.set(family, new Set());
      seen.get(family)?.add(Object.keys(own).sort().join(' '));
      for (const [label, word] of Object.entries(own)) {
        const allowed = BOUNDED[label];
        if (allowed !== undefined) expect(allowed, `${name} ${label}`).toContain(word);
      }
    }
  }

  const namesOf = ({ series }: Exposition, model: string) => [
    ...new Set(series.filter((each) => each.labels['model'] === model).map(({ name }) => name)),
  ];

  test('a model that was never used has its state and nothing else', async () => {
    await live.comesTo('never', 'unloaded');
    const text = await scrape();
    note(text);
    expect(namesOf(text, 'never')).toEqual(['modelium_model_state']);
    expect(value(text, 'modelium_model_state', { model: 'never', state: 'unloaded' })).toBe(1);
    expect(value(text, 'modelium_models_loaded', { runtime: 'llama' })).toBe(0);
  });

  test('a load and two requests move their figures', async () => {
    await live.control('POST', '/control/library', { path: join(live.folder, 'elsewhere', 'used.gguf') });
    await live.comesTo('used', 'loading');
    expect((await live.predict('used', { prompt: 'Hello', max_tokens: 5 })).status).toBe(200);
    const chat = { model: 'used', keep_alive: '5m', max_tokens: 3, stream: true, stream_options: { include_usage: true } };
    await live.ask('POST', '/v1/chat/completions', { ...chat, messages: [{ role: 'user', content: 'Hello' }] });
    const text = await scrape();
    note(text);
    const model = 'used';
    expect(value(text, 'modelium_requests_total', { model, runtime: 'llama', status: '200' })).toBe(2);
    expect(value(text, 'modelium_latency_seconds_count', { model })).toBe(2);
    expect(value(text, 'modelium_time_to_first_token_seconds_count', { model })).toBe(2);
    expect(value(text, 'modelium_tokens_total', { model, direction: 'completion' })).toBe(8);
    expect(value(text, 'modelium_tokens_total', { model, direction: 'prompt' })).toBeGreaterThan(0);
    expect(value(text, 'modelium_request_queue_seconds_count', { model, cause: 'loading' })).toBe(1);
    expect(value(text, 'modelium_requests_in_flight', { model })).toBe(0);
    expect(value(text, 'modelium_model_qps', { model })).toBeCloseTo(2 / 60);
    expect(value(text, 'modelium_models_loaded', { runtime: 'llama' })).toBe(1);
    expect(value(text, 'modelium_model_loads_total', { runtime: 'llama', status: 'ok' })).toBe(1);
    expect(value(text, 'modelium_load_seconds_count', { runtime: 'llama' })).toBe(1);
    expect(value(text, 'modelium_load_seconds_sum', { runtime: 'llama' })).toBeGreaterThan(1);
    expect(value(text, 'modelium_prediction_error_ratio_count', { runtime: 'llama' })).toBe(1);
    expect(value(text, 'modelium_model_memory_bytes', { model, kind: 'predicted' })).toBeGreaterThan(0);
    expect(value(text, 'modelium_model_memory_bytes', { model, kind: 'measured', device: box.uuids[0]! })).toBe(64 * 1024 ** 2);
    expect(value(text, 'modelium_gpu_memory_total_bytes', { gpu: '0' })).toBe(8_192 * 1024 ** 2);
    expect(value(text, 'modelium_gpu_memory_used_bytes', { gpu: '0' })).toBeGreaterThanOrEqual(64 * 1024 ** 2);
    expect(value(text, 'modelium_orchestration_decisions_total', { action: 'load' })).toBe(1);
  });

  test('a load that fails, a name that nobody has: counted, and no label for the name', async () => {
    expect((await live.predict('fails')).status).toBe(503);
    expect((await live.predict('nobody-has-this-name')).status).toBe(404);
    // Counted when it has left; who waited for it was answered before.
    const text = await eventually('the load that failed is counted', async () => {
      const now = await scrape();
      return value(now, 'modelium_model_loads_total', { runtime: 'llama', status: 'failed' }) === 1 && now;
    });
    note(text);
    expect(value(text, 'modelium_requests_total', { model: 'fails', runtime: 'none', status: '503' })).toBe(1);
    expect(JSON.stringify(text.series)).not.toContain('nobody');
  });

  test('an idle unload is counted with its reason; figures of the loaded model end', async () => {
    await live.comesTo('used', 'unloaded');
    const text = await scrape();
    note(text);
    expect(value(text, 'modelium_model_unloads_total', { runtime: 'llama', reason: 'idle' })).toBe(1);
    expect(value(text, 'modelium_memory_release_seconds_count')).toBeGreaterThanOrEqual(1);
    expect(value(text, 'modelium_models_loaded', { runtime: 'llama' })).toBe(0);
    expect(value(text, 'modelium_orchestration_decisions_total', { action: 'evict', reason: 'idle' })).toBe(1);
    for (const name of ['modelium_model_memory_bytes', 'modelium_model_idle_seconds', 'modelium_model_qps']) {
      expect(namesOf(text, 'used')).not.toContain(name);
    }
    expect(value(text, 'modelium_requests_total', { model: 'used' })).toBe(2);
  });

  test('a forgotten model takes its series along', async () => {
    expect((await live.control('DELETE', '/control/library/used')).status).toBe(200);
    await eventually('it is forgotten', async () => (await live.model('used')) === undefined);
    // The text is kept for a moment, for all who ask.
    await eventually('its series are gone', async () => namesOf(await scrape(), 'used').length === 0);
  });

  test('requests that wait are counted as many as they are', async () => {
    const snapshot = await live.status();
    const [model] = snapshot.models;
    const reported = { ...snapshot, models: [{ ...model!, id: 'asked', state: 'loading' as const, inFlight: 2, waiting: 3 }] };
    const text = parse(await createMetrics(() => reported).text());
    expect([
      value(text, 'modelium_requests_waiting', { model: 'asked' }),
      value(text, 'modelium_requests_in_flight', { model: 'asked' }),
    ]).toEqual([3, 2]);
  });

  test('every name of the design was there, with its labels, and none beside them', async () => {
    // The simulated driver tells no power: so there is no such series, and none at zero.
    expect([...seen.keys()]).not.toContain('modelium_gpu_power_watts');
    const snapshot = await live.status();
    const reported = { ...snapshot, devices: snapshot.devices.map((device) => ({ ...device, powerWatts: 250 })) };
    note(parse(await createMetrics(() => reported).text()));
    expect(Object.fromEntries([...seen].map(([name, sets]) => [name, [...sets]]).sort())).toEqual(
      Object.fromEntries(
        Object.entries(DESIGNED)
          .map(([name, labels]) => [name, [labels.join(' ')]] as const)
          .sort(),
      ),
    );
  });
});

test('a port of its own, behind the guard; none when metrics.enabled is false', async () => {
  const statusOf = (path: string, host = `127.0.0.1:${port}`) =>
    new Promise<number>((done, reject) => {
      httpRequest({ host: '127.0.0.1', port, path, headers: { host } }, (response) => {
        response.resume();
        done(response.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });
  expect([await statusOf('/metrics'), await statusOf('/models'), await statusOf('/metrics', 'example.com')]).toEqual([200, 404, 403]);
  parse(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
  await live.engine.close();
  const without = await startLiveEngine({ settings: { metrics: { enabled: false, port } } });
  try {
    await expect(statusOf('/metrics')).rejects.toThrow('ECONNREFUSED');
    expect((await without.ask('GET', '/metrics')).status).toBe(200);
  } finally {
    await without.close();
  }
});
