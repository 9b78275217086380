/**
 * Fetches what a tensor server counts of each of its models (the statistics extension of the Open
 * Inference Protocol, version 2), when somebody requests Modelium's figures. A sink: no decision
 * reads it (I9), and fetching is not use of the model (I5). The server is not trusted: a wrong or
 * missing answer affects only its own figures.
 */
import type { Endpoint } from '../../shared/model.ts';
import type { ServedStatistics } from '../../shared/snapshot.ts';
import type { Clock } from '../core/ports.ts';
import type { HttpClient } from '../core/process-ports.ts';

export interface CountedModel {
  readonly id: string;
  readonly endpoint: Endpoint;
}

const ANSWER_MS = 1_000;
/** For so long an answer counts for everybody who asks: the route that shows it is open. */
const KEPT_MS = 2_000;
/** Of one model with a few versions: some kilobytes. */
const MOST_CHARACTERS = 256 * 1024;
/** At once (I10). */
const MOST_MODELS = 64;
const NS_PER_MS = 1e6;
/** Of a date in JavaScript (ECMA-262, time values). */
const LAST_DATE_MS = 8.64e15;

interface Asked {
  readonly endpoint: Endpoint;
  readonly askedMs: number;
  readonly answer: Promise<ServedStatistics | null>;
  /** It reported nothing last time: nobody waits for it now. */
  readonly wasSilent: boolean;
  /** Undefined: it has not answered yet. */
  reported: ServedStatistics | null | undefined;
}

export class ServerStatistics {
  readonly #http: Pick<HttpClient, 'request'>;
  readonly #clock: Pick<Clock, 'now'>;
  #asked: ReadonlyMap<string, Asked> = new Map();

  constructor(http: Pick<HttpClient, 'request'>, clock: Pick<Clock, 'now'>) {
    this.#http = http;
    this.#clock = clock;
  }

  /**
   * By model. One whose server tells nothing is left out, and the next caller does not wait for it.
   */
  async of(models: readonly CountedModel[]): Promise<Readonly<Record<string, ServedStatistics>>> {
    const counted = models.filter(({ endpoint }) => endpoint.protocol === 'v2').slice(0, MOST_MODELS);
    const before = this.#asked;
    this.#asked = new Map(counted.map((model) => [model.id, this.#current(model, before.get(model.id))]));
    const reported = [...this.#asked].map(
      async ([id, asked]) => [id, asked.wasSilent ? (asked.reported ?? null) : await asked.answer] as const,
    );
    return Object.fromEntries((await Promise.all(reported)).flatMap(([id, statistics]) => (statistics === null ? [] : [[id, statistics]])));
  }

  #current({ endpoint }: CountedModel, last: Asked | undefined): Asked {
    const nowMs = this.#clock.now();
    if (last?.endpoint === endpoint && (last.reported === undefined || nowMs - last.askedMs < KEPT_MS)) return last;
    const answer = this.#ask(endpoint).catch(() => null);
    const wasSilent = last?.endpoint === endpoint && last.reported === null;
    const asked: Asked = { endpoint, askedMs: nowMs, answer, wasSilent, reported: undefined };
    void answer.then((reported) => {
      asked.reported = reported;
    });
    return asked;
  }

  async #ask(endpoint: Endpoint): Promise<ServedStatistics | null> {
    const path = `/v2/models/${encodeURIComponent(endpoint.model)}/stats`;
    const request = { method: 'GET', path, body: null, timeoutMs: ANSWER_MS, signal: new AbortController().signal } as const;
    const { status, body } = await this.#http.request(endpoint, request);
    return status === 200 && body.length <= MOST_CHARACTERS ? statisticsIn(body) : null;
  }
}

/** Of all versions of one model together. Null: that is no answer of such a server. */
export function statisticsIn(body: string): ServedStatistics | null {
  let versions: unknown;
  try {
    versions = member(JSON.parse(body), 'model_stats');
  } catch {
    return null;
  }
  if (!Array.isArray(versions) || versions.length === 0) return null;
  const sum = (...path: readonly string[]): number => versions.reduce((total: number, reported) => total + figureIn(reported, path), 0);
  const average = (name: 'queue' | 'compute_infer'): number | null => {
    const count = sum('inference_stats', name, 'count');
    return count === 0 ? null : sum('inference_stats', name, 'ns') / count / NS_PER_MS;
  };
  const lastMs = versions.reduce((latest: number, reported) => Math.max(latest, figureIn(reported, ['last_inference'], LAST_DATE_MS)), 0);
  return {
    requests: sum('inference_stats', 'success', 'count'),
    failed: sum('inference_stats', 'fail', 'count'),
    inferences: sum('inference_count'),
    executions: sum('execution_count'),
    averageQueueMs: average('queue'),
    averageComputeMs: average('compute_infer'),
    lastAt: lastMs > 0 ? new Date(lastMs).toISOString() : null,
  };
}

/** Zero where there is none: what is no count counts nothing. */
function figureIn(reported: unknown, path: readonly string[], most = Number.MAX_SAFE_INTEGER): number {
  const figure = path.reduce(member, reported);
  return typeof figure === 'number' && figure > 0 && figure <= most ? figure : 0;
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
