/**
 * A Triton that somebody else runs: its settings, its status checks, and the models that it offers.
 * Its answers are untrusted: bounded, and used for names only.
 */
import type { Address, Endpoint, Server } from '../../../shared/model.ts';
import { MIB } from '../../../shared/units.ts';
import { visibleName } from '../../../shared/visible.ts';
import type { Problem } from '../../core/notice/elsewhere.ts';
import type { HttpAnswer } from '../../core/process-ports.ts';
import type { ForeignStatus } from '../adapter.ts';
import { jsonIn } from '../json-in.ts';
import type { MachineFacts } from '../module.ts';
import { namedKey } from '../named-key.ts';
import { http, type Steps } from '../step.ts';
import { unreachableBecause } from '../unreachable.ts';
import { ownPrefix } from './entry.ts';
import { isName, namesIn } from './statistics.ts';

export interface TritonElsewhere {
  /** Scheme, host and port. */
  readonly origin: string;
  /** For people. */
  readonly where: string;
  readonly key: string | null;
  readonly keyHeader: string | null;
  readonly metricsOrigin: string;
  /** Why it cannot even be asked; null: it can. */
  readonly problem: Problem | null;
  readonly version: string | null;
  /** Sentences: why no models can be loaded into it; null: they can, as far as it has said. */
  readonly loadProblem: string | null;
}

const TIMEOUT_MS = 10_000;
const METRICS_PORT = 8002;
const MOST_MODELS = 200;
/** Unloading what is not there changes nothing, and is refused where nothing may be loaded. */
const NO_MODEL = 'modelium-asks-whether-it-may';

export const serverName = ({ origin }: TritonElsewhere): string => `triton:${origin}`;

/** @param before as it was found last: what one that is away said still holds. */
export function* findElsewhere(machine: MachineFacts, before: TritonElsewhere | null): Steps<TritonElsewhere> {
  const { url, key_header, metrics_url } = machine.settings.triton;
  const { origin, host, protocol, hostname } = new URL(url ?? '');
  const where = `the Triton at ${host}`;
  const metricsOrigin = metrics_url === null ? `${protocol}//${hostname}:${METRICS_PORT}` : new URL(metrics_url).origin;
  const { key, problem } = yield* namedKey('triton', machine.settings.triton, machine);
  const same = before?.origin === origin ? before : null;
  const found = { origin, where, key, keyHeader: key_header, metricsOrigin, problem };
  const known: TritonElsewhere = { ...found, version: same?.version ?? null, loadProblem: same?.loadProblem ?? null };
  if (problem !== null) return known;
  const about = yield* aboutIt(known);
  if (!('version' in about)) return known;
  const asked = { ...controlOf(known), method: 'POST', body: null, timeoutMs: TIMEOUT_MS } as const;
  const may = yield* http({ ...asked, path: `/v2/repository/models/${NO_MODEL}/unload` });
  return { ...known, version: about.version, loadProblem: may === null ? known.loadProblem : loadProblemIn(known, may) };
}

function loadProblemIn(triton: TritonElsewhere, answer: HttpAnswer): string | null {
  if (answer.status === 200) return null;
  // Triton's own refusal is a 503, too; without its words a proxy, or it, cannot say now.
  const isRefusal = /explicit model load/i.test(answer.body);
  if (!isRefusal && (answer.status === 429 || answer.status >= 500)) return triton.loadProblem;
  const { why, help } = whyAway(triton, answer);
  if (answer.status === 401 || answer.status === 403) return `${why} ${help}`;
  return `${capital(triton.where)} accepts no uploads: start it with --model-control-mode=explicit.`;
}

export function controlOf({ origin, key, keyHeader }: TritonElsewhere): Server & { readonly at: Address } {
  return { at: { url: origin }, key, keyHeader: keyHeader ?? undefined };
}

function* aboutIt(triton: TritonElsewhere): Steps<{ readonly version: string } | Problem> {
  const asked = { ...controlOf(triton), body: null, timeoutMs: TIMEOUT_MS, reportsWhy: true } as const;
  const answer = yield* http({ ...asked, method: 'GET', path: '/v2' });
  if (answer?.status !== 200) return whyAway(triton, answer);
  const { version, extensions } = jsonIn<{ version?: unknown; extensions?: unknown }>(answer.body) ?? {};
  if (typeof version !== 'string' || !Array.isArray(extensions))
    return { why: `${capital(triton.where)} answers, but is not a Triton.`, help: 'Is triton.url right? Its HTTP port is usually 8000.' };
  return { version: visibleName(version.slice(0, 40)) };
}

export function* checkServer(machine: MachineFacts, triton: TritonElsewhere): Steps<ForeignStatus> {
  const away = ({ why, help }: Problem): ForeignStatus => ({ isThere: false, why, help, offers: [] });
  if (triton.problem !== null) return away(triton.problem);
  const about = yield* aboutIt(triton);
  if (!('version' in about)) return away(about);
  const control = controlOf(triton);
  // Its index leaves out what was loaded with its files in the call, as ours is.
  const answer = yield* http({ ...control, method: 'GET', path: '/v2/models/stats', body: null, timeoutMs: TIMEOUT_MS, reportsWhy: true });
  if (answer?.status !== 200) return away(whyAway(triton, answer));
  const loaded = namesIn(answer.body).filter(isName);
  const theirs = loaded.filter((name) => !name.startsWith(ownPrefix(machine.instance.owner))).slice(0, MOST_MODELS);
  const mostRequestBytes = machine.settings.triton.http_max_input_mb * MIB;
  const endpoint: Endpoint = {
    ...control,
    protocol: 'v2',
    model: '',
    prefix: '',
    mostRequestBytes,
    figuresAt: { url: triton.metricsOrigin },
  };
  const offers = theirs.map((model) => ({ model, name: model, kind: 'unknown', contextTokens: null, problem: null }) as const);
  return { isThere: true, endpoint, offers, loaded };
}

/** @param answer status 0: none came, and its body says why. */
function whyAway({ where, key, keyHeader }: TritonElsewhere, answer: HttpAnswer | null): Problem {
  const { status = 0, body = '' } = answer ?? {};
  const it = capital(where);
  const again = 'Modelium tries again automatically.';
  if (status === 0) return { why: `${it} does not answer: ${unreachableBecause(body, TIMEOUT_MS)}.`, help: again };
  const header = /expecting header '([A-Za-z0-9-]{1,64})'/.exec(body)?.[1] ?? (status === 401 ? 'Authorization' : null);
  if (header === null && status !== 403) return { why: `${it} cannot answer now (status ${status}).`, help: again };
  const name = header ?? 'Authorization';
  const given = keyHeader ?? 'Authorization';
  if (key === null)
    return {
      why: `${it} wants a key in the header ${name} (status ${status}).`,
      help: `Name the header (triton.key_header) and what holds the key (triton.key_env or triton.key_file).`,
    };
  if (name.toLowerCase() !== given.toLowerCase())
    return {
      why: `${it} wants its key in the header ${name}, and it is sent in ${given}.`,
      help: 'Name the right one in triton.key_header.',
    };
  return {
    why: `${it} refuses the key that is sent in the header ${given} (status ${status}).`,
    help: 'Put the right one where the settings name it.',
  };
}

export function capital(text: string): string {
  return `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`;
}
