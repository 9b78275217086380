/**
 * Metrics that runtimes keep themselves: fetched when Prometheus scrapes us, and exported under the
 * model's name. A sink: only the scraper reads them (I9), and fetching is not use of the model
 * (I5). A runtime that is too slow is left out.
 */
import type { Endpoint } from '../../shared/model.ts';
import type { HttpClient } from '../core/process-ports.ts';

export interface MeteredModel {
  readonly id: string;
  readonly endpoint: Endpoint;
  /** Of the families that its runtime calls its own: `engine:`. */
  readonly prefix: string;
}

const ANSWER_MS = 1_000;
/** Of one model: the largest runtime has some 60 families with a few hundred lines (I10). */
const MOST_LINES = 2_000;
const FAMILY = /^# (?:HELP|TYPE) ([\w:]+) /;
const SAMPLE = /^([\w:]+)(?:\{([^}]*)\})? (\S+)/;

/** The exposition text of all of them together; empty where there are none. */
export async function runtimeMetrics(http: HttpClient, models: readonly MeteredModel[]): Promise<string> {
  const answers = await Promise.all(
    models.map(async ({ id, endpoint, prefix }) => {
      // Where several live in one server, its figures are those of all of them.
      const model = endpoint.figuresAt === undefined ? undefined : endpoint.model;
      return { id, prefix, model, text: await ask(http, endpoint) };
    }),
  );
  return merged(answers);
}

async function ask(http: HttpClient, endpoint: Endpoint): Promise<string> {
  const request = { method: 'GET', path: '/metrics', body: null, timeoutMs: ANSWER_MS, signal: new AbortController().signal } as const;
  // What listens at another place was never said to be trusted with the key.
  const target = endpoint.figuresAt === undefined ? endpoint : { at: endpoint.figuresAt, key: null };
  const answer = await http.request(target, request).catch(() => null);
  return answer?.status === 200 ? answer.body : '';
}

/** Each family once, with the samples of every model below it, as the format wants. */
export function merged(
  answers: readonly { readonly id: string; readonly prefix: string; readonly text: string; readonly model?: string | undefined }[],
): string {
  const heads = new Map<string, string[]>();
  const samples = new Map<string, string[]>();
  for (const { id, prefix, text, model } of answers) {
    let family = '';
    for (const line of text.split('\n', MOST_LINES)) {
      const [, head] = FAMILY.exec(line) ?? [];
      if (head !== undefined) {
        if (!head.startsWith(prefix)) continue;
        family = head;
        const known = heads.get(head) ?? [];
        if (known.length < 2 && !known.some((other) => other.slice(0, 7) === line.slice(0, 7))) heads.set(head, [...known, line]);
        continue;
      }
      const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
      if (name === '' || !name.startsWith(prefix) || family === '') continue;
      if (model !== undefined && !labels.includes(`model="${model}"`)) continue;
      const others = labels.split(/,(?=\w+=)/).filter((label) => label !== '' && !/^(?:model_name|model)=/.test(label));
      const own = [...others, `model="${id}"`].join(',');
      samples.set(family, [...(samples.get(family) ?? []), `${name}{${own}} ${value}`]);
    }
  }
  return [...samples].map(([family, lines]) => `${[...(heads.get(family) ?? []), ...lines].join('\n')}\n`).join('');
}
