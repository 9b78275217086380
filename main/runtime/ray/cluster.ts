/**
 * The calls that deploy applications to a cluster and remove them. Ray takes the complete list in
 * one PUT and removes all other applications. So the applications of other users are read and sent
 * back too, with only one such call of ours at a time. `load.ts` detects whether another client
 * overwrote the list meanwhile.
 */
import { ModeliumError } from '../../../shared/errors.ts';
import type { Server } from '../../../shared/model.ts';
import type { HttpAnswer } from '../../core/process-ports.ts';
import { alone, http, pack, phase, type Steps, upload } from '../step.ts';
import { type AppConfig, cleaned, type Details, detailsIn } from './state.ts';

/** The trailing slash belongs to it. */
const APPLICATIONS = '/api/serve/applications/';
const CALL_MS = 30_000;
const UPLOAD_MS = 600_000;
const QUOTED_CHARACTERS = 600;
/** Bytecode of a run elsewhere is none of the code. */
const CODE = { below: '', mostBytes: 4 * 1024 * 1024, without: ['.pyc'] } as const;

/** A package of files that applications name by its content. */
export interface Package {
  readonly folder: string;
  readonly packing: { readonly below: string; readonly mostBytes: number; readonly without: readonly string[] };
  readonly name: string;
}

export const uriOf = ({ name }: Package): string => `gcs://${name}`;

export function* packageOf(folder: string, packing: Package['packing'] = CODE): Steps<Package> {
  const { sha1 } = yield* pack(folder, packing);
  return { folder, packing, name: `_ray_pkg_${sha1}.zip` };
}

/** @throws ModeliumError in a sentence, with what the cluster says. */
export function refusedBy(where: string, what: string, answer: HttpAnswer | null): ModeliumError {
  const status = answer?.status ?? 0;
  if (status === 0) return failed(`${where} does not answer: ${answer?.body || 'nothing listens there'}.`);
  if (status === 401 || status === 403) {
    const help = 'Name what holds its token: ray_serve.token_env or ray_serve.token_file.';
    return failed(`${where} refuses ${what} (status ${status}): its token is missing or wrong. ${help}`);
  }
  const words = cleaned(answer?.body ?? '').slice(0, QUOTED_CHARACTERS);
  return failed(`${where} refuses ${what} (status ${status}): ${words === '' ? 'it does not say why' : words}.`);
}

export const failed = (message: string): ModeliumError => new ModeliumError('runtime-exited', message, { origin: 'ray' });

/**
 * Null: its controller cannot tell now, as while it is restarted. @throws ModeliumError where
 * nobody answers, or the token is wrong.
 */
export function* detailsOf(control: Server, where: string): Steps<Details | null> {
  const answer = yield* http({ ...of(control), method: 'GET', path: APPLICATIONS, body: null, timeoutMs: CALL_MS, reportsWhy: true });
  if (answer?.status === 200) return detailsIn(answer.body);
  if (answer === null || answer.status < 500) throw refusedBy(where, 'to list its applications', answer);
  return null;
}

export interface Change {
  readonly where: string;
  /** Taken away; put in its place where that is not null. */
  readonly name: string;
  readonly application: AppConfig | null;
  readonly packages: readonly Package[];
  /** Applications of an earlier run of ours, which nobody asks any more. */
  readonly isLeftover: (application: AppConfig) => boolean;
  /** Where Serve does not run yet. */
  readonly listen: { readonly host: string; readonly port: number };
}

/** Reads, merges and puts back, with nobody of this engine in between. */
export function change(control: Server, wanted: Change): Steps<void> {
  return alone(`ray ${JSON.stringify(control.at)}`, () => changeNow(control, wanted));
}

function* changeNow(control: Server, { where, name, application, packages, isLeftover, listen }: Change): Steps<void> {
  // Packages go with the last application that used them: each is looked for again before it is
  // named.
  for (const one of packages) yield* ensure(control, where, one);
  const details = yield* detailsOf(control, where);
  if (details === null) throw failed(`${where} cannot list its applications now: its Serve controller does not answer.`);
  // Those that were made by `serve.run` are none of this list, and stay.
  const others = Object.values(details.applications).flatMap(({ source, status, deployed_app_config: config }) =>
    source === 'declarative' && status !== 'DELETING' && config != null && config.name !== name && !isLeftover(config) ? [config] : [],
  );
  const isThere = details.applications[name] !== undefined;
  if (application === null && !isThere) return;
  // They count only when Serve starts; whoever started it has chosen before.
  const start = details.http_options?.port == null ? { proxy_location: 'EveryNode', http_options: listen } : {};
  const body = { ...start, applications: [...others, ...(application === null ? [] : [application])] };
  const answer = yield* http({ ...of(control), method: 'PUT', path: APPLICATIONS, body, timeoutMs: CALL_MS * 4, reportsWhy: true });
  if (answer?.status !== 200) throw refusedBy(where, `the application ${name}`, answer);
}

function* ensure(control: Server, where: string, { folder, packing, name }: Package): Steps<void> {
  const path = `/api/packages/gcs/${name}`;
  const there = yield* http({ ...of(control), method: 'HEAD', path, body: null, timeoutMs: CALL_MS });
  if (there?.status === 200) return;
  yield* phase('uploading', null, true);
  const request = { method: 'PUT', path, folder, packing, contentType: 'application/zip', timeoutMs: UPLOAD_MS } as const;
  const answer = yield* upload({ ...of(control), ...request });
  if (answer?.status !== 200) throw refusedBy(where, `the files of ${folder}`, answer);
}

/**
 * Replicas of an application whose processes live: the list of applications forgets them earlier.
 * Null: it does not tell.
 */
export function* livingReplicas(control: Server, name: string): Steps<number | null> {
  const path = '/api/v0/actors?filter_keys=state&filter_predicates=!%3D&filter_values=DEAD&limit=9999';
  const answer = yield* http({ ...of(control), method: 'GET', path, body: null, timeoutMs: CALL_MS });
  if (answer?.status !== 200) return null;
  try {
    const { data } = JSON.parse(answer.body) as { data?: { result?: { result?: readonly { readonly name?: string }[] } } };
    return data?.result?.result?.filter((actor) => actor.name?.startsWith(`SERVE_REPLICA::${name}#`)).length ?? null;
  } catch {
    return null;
  }
}

export const of = ({ at, key }: Server): Server => ({ at, key });
