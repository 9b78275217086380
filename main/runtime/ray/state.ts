/**
 * Interprets the state that Ray Serve reports for its applications. Its texts are cleaned and
 * bounded. Pure. Source: ray/serve/schema.py of 2.58.
 */

export interface Details {
  readonly applications: Readonly<Record<string, Application>>;
  /** Absent: Serve does not run yet. */
  readonly http_options?: { readonly host?: string; readonly port?: number } | null;
}

export interface Application {
  readonly status?: string;
  readonly message?: string;
  readonly source?: string;
  readonly deployed_app_config?: AppConfig | null;
  readonly deployments?: Readonly<Record<string, Deployment>>;
}

export interface AppConfig {
  readonly name: string;
  readonly args?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

interface Deployment {
  readonly status?: string;
  readonly message?: string;
  readonly replicas?: readonly { readonly state?: string; readonly pid?: number; readonly node_ip?: string }[];
}

/** Null: that is no answer of Serve's. */
export function detailsIn(body: string): Details | null {
  try {
    const { applications, http_options } = JSON.parse(body) as Partial<Details>;
    return typeof applications === 'object' && applications !== null ? { applications, http_options: http_options ?? null } : null;
  } catch {
    return null;
  }
}

/**
 * Processes of the replicas of all other applications; on a cluster of one machine they are this
 * machine's.
 */
export function othersPids({ applications }: Details, name: string): readonly number[] {
  const others = Object.entries(applications).filter(([other]) => other !== name);
  const replicas = others.flatMap(([, { deployments = {} }]) => Object.values(deployments).flatMap((each) => each.replicas ?? []));
  return replicas.flatMap(({ pid }) => (Number.isSafeInteger(pid) ? [pid as number] : []));
}

export type Standing =
  | { readonly is: 'absent' }
  | { readonly is: 'running' }
  | { readonly is: 'coming'; readonly what: string; readonly lacksResources: string | null }
  | { readonly is: 'failed'; readonly why: string };

export function standingOf(app: Application | undefined): Standing {
  if (app === undefined || app.status === 'DELETING') return { is: 'absent' };
  if (app.status === 'RUNNING') return { is: 'running' };
  const deployments = Object.values(app.deployments ?? {});
  const messages = cleaned([app.message ?? '', ...deployments.map(({ message = '' }) => message)].filter((text) => text !== '').join('\n'));
  if (app.status === 'DEPLOY_FAILED' || app.status === 'UNHEALTHY') return { is: 'failed', why: causeIn(messages) };
  const replicas = deployments.flatMap(({ replicas: some = [] }) => some);
  const up = replicas.filter(({ state }) => state === 'RUNNING').length;
  const coming = replicas.find(({ state }) => state !== 'RUNNING');
  const where = coming?.node_ip === undefined ? '' : ` on ${cleaned(coming.node_ip).slice(0, LONGEST_ADDRESS)}`;
  const what = replicas.length === 0 ? 'waiting until Ray places a replica' : `starting${where} (${up} of ${replicas.length} replicas run)`;
  // The sentence is Ray's; after half a minute without a node it tells what is wanted and what
  // there is.
  const lack = /Resources required for each replica:.*/s.exec(messages)?.[0] ?? null;
  return { is: 'coming', what, lacksResources: lack === null ? null : bounded(lack) };
}

const LONG_SECONDS = 60;

/**
 * Ray says nothing of what it waits for while it has not failed: from some time on we say what it
 * may be.
 */
export function waitingFor(what: string, waitedMs: number): string {
  const seconds = Math.round(waitedMs / 1000);
  if (seconds < LONG_SECONDS) return what;
  return `${what} for ${seconds} s: its node may be starting, fetching files or loading weights; Ray does not say which`;
}

export function explained(where: string, why: string): string {
  const unseen = /not-visible-on-cluster: (.*)/.exec(why);
  if (unseen !== null)
    return `The cluster cannot see its files: ${unseen[1]} Name the folder as its nodes see it (ray_serve.path_map), or an address (models.NAME.ray.source).`;
  return `It failed on ${where}: ${why}`;
}

const LONGEST = 500;
const LONGEST_ADDRESS = 64;
/** Colours, with and without the byte that begins them. */
const COLOURS = new RegExp(`${String.fromCharCode(27)}?\\[\\d{1,3}(?:;\\d{1,3})*m`, 'g');

export function cleaned(text: string): string {
  return text.replace(COLOURS, '').trim();
}

/** Of a traceback its last error, which names the cause; else the whole. */
export function causeIn(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  const error = lines.findLast((line) => /^(?:[\w.]+\.)?\w*(?:Error|Exception|Exit|Interrupt)\b(?:\(.*\))?:? ?./.test(line));
  return bounded(error ?? lines.filter((line) => line !== '').join(' '));
}

function bounded(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST)} ...`;
}
