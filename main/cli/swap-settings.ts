/**
 * Translates a llama-swap configuration into Modelium's settings, with a sentence for each key that
 * has no counterpart. Pure; `swap-text.ts` writes the text.
 */
import { runtimeName } from '../../shared/runtime-names.ts';
import { remote } from '../../shared/settings-remotes.ts';
import { idOf } from '../core/notice/model-ids.ts';
import { asPlaceholders, type OwnCommand, ownCommand } from './swap-command.ts';
import type { SwapConfig, SwapModel } from './swap-config.ts';
import { PORT } from './swap-config.ts';

type Data = Readonly<Record<string, unknown>>;

/** With the sentences that stand above it as comments. */
export interface Commented {
  readonly value: Data;
  readonly notes: readonly string[];
}

export interface SwapSettings {
  readonly notes: readonly string[];
  /** Paths of the models, to be made known. */
  readonly paths: readonly string[];
  readonly policies: Data;
  readonly runtimes: ReadonlyMap<string, Commented>;
  readonly remotes: ReadonlyMap<string, Commented>;
  readonly models: ReadonlyMap<string, Commented>;
}

/** A year: settings of ours know no "never". */
const NEVER_SECONDS = 31_536_000;
const LEAST_WAIT_SECONDS = 15;
const ENDLESS =
  'Without a ttl llama-swap never unloads idle models, so evict_after_idle_seconds is a year: lower it if idle models should free their memory.';
const CONTAINER =
  "its command starts a container, and Modelium cannot measure the memory of containers: set memory_mb, and mount the models' folder at the same path as here.";

/** Keys of a model that become something here. */
const KNOWN = ['cmd', 'proxy', 'env', 'checkEndpoint', 'ttl', 'useModelName', 'aliases'];
const WHY: Readonly<Record<string, string>> = {
  unlisted: 'every model that can be served is listed',
  cmdStop: 'it is ended by the signal of stop: and then killed',
  concurrencyLimit: 'requests above the limit wait inside the server',
  groups: 'models stay together as long as their memory fits',
  matrix: 'models stay together as long as their memory fits',
  apiKeys: 'Modelium listens on this machine only',
  startPort: 'ports are taken from port_range of each runtime',
};

export function swapSettings({ raw, models }: SwapConfig): SwapSettings {
  const runtimes = new Map<string, Commented>();
  const sections = new Map<string, Commented>();
  const notes: string[] = [];
  const paths: string[] = [];
  const persistent = persistentOf(raw['groups']);
  const idleSeconds = isSeconds(raw['globalTTL']) && raw['globalTTL'] > 0 ? raw['globalTTL'] : NEVER_SECONDS;
  for (const model of models) {
    const own = commandOf(model);
    if (typeof own === 'string') {
      notes.push(`${model.name}: its command cannot be read: ${own}.`);
      continue;
    }
    if (own.model === null) {
      notes.push(
        `${model.name}: its command names no model file or folder that Modelium recognises, and Modelium serves only models on this machine. Its command: ${[own.command, ...own.args].join(' ')}`,
      );
      continue;
    }
    const id = idOf(own.model.replace(/\/+$/, ''));
    const taken = sections.get(id);
    if (taken !== undefined) {
      notes.push(
        `${model.name}: ${own.model} is the model "${id}" already. A link under another name makes a second model, which may have another runtime.`,
      );
      continue;
    }
    const { runtime, missing } = runtimeOf(model, own);
    const name = nameFor(model.name, runtime, runtimes);
    const known = runtimes.get(name);
    runtimes.set(name, { value: runtime, notes: [...new Set([...(known?.notes ?? []), ...missing])] });
    sections.set(id, sectionOf(model, own, id, name, persistent.has(model.name)));
    paths.push(own.model);
  }
  const isEndless = idleSeconds === NEVER_SECONDS && models.some(({ raw: { ttl } }) => !isSeconds(ttl));
  return {
    notes: [...notes, ...(isEndless ? [ENDLESS] : []), ...unusable(raw['peers']), ...leftOut(raw)],
    paths,
    policies: policiesOf(raw, idleSeconds, sections),
    runtimes,
    remotes: remotesOf(raw['peers']),
    models: sections,
  };
}

function commandOf({ command, raw }: SwapModel): OwnCommand | string {
  try {
    return ownCommand(command, /:(\d+)(?:\/|$)/.exec(String(raw['proxy'] ?? ''))?.[1] ?? null);
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

function runtimeOf({ name, raw }: SwapModel, own: OwnCommand): { readonly runtime: Data; readonly missing: readonly string[] } {
  const { checkEndpoint, useModelName, proxy } = raw;
  const env = envOf(raw['env']);
  delete env['CUDA_VISIBLE_DEVICES'];
  const health = typeof checkEndpoint === 'string' && /^\/\S*$/.test(checkEndpoint) ? { health: checkEndpoint } : {};
  const skips = checkEndpoint === 'none';
  const isElsewhere = typeof proxy === 'string' && !/^https?:\/\/(?:localhost|127\.[\d.]+|\[::1\]|0\.0\.0\.0)(?::|\/|$)/.test(proxy);
  const isContainer = /(?:^|\/)(?:docker|podman)$/.test(own.command);
  const hasPort = own.hasPort || Object.values(env).some((text) => text.includes('{port}'));
  return {
    runtime: {
      command: own.command,
      args: own.args,
      ...(Object.keys(env).length === 0 ? {} : { env }),
      ...(skips ? { health: '/v1/models' } : health),
      ...(typeof useModelName === 'string' && useModelName !== '' ? { model_name: asPlaceholders(useModelName) } : {}),
    },
    missing: [
      ...(hasPort ? [] : [`${name}: no argument of its command is recognised as its port: put {port} in its place.`]),
      ...(skips ? [`${name}: checkEndpoint none: here a path must answer before the first real answer is asked for.`] : []),
      ...(isContainer ? [`${name}: ${CONTAINER}`] : []),
      ...(isElsewhere ? [`${name}: proxy ${proxy}: a server that is started here is asked at its port on this machine.`] : []),
    ],
  };
}

function sectionOf(
  { name, raw, unknown, fromEnvironment }: SwapModel,
  own: OwnCommand,
  id: string,
  runtime: string,
  isPersistent: boolean,
): Commented {
  const aliases = [...new Set([name, ...aliasesOf(raw['aliases'])])].filter((alias) => alias !== id);
  const { ttl } = raw;
  const gpus = envOf(raw['env'])['CUDA_VISIBLE_DEVICES'];
  const others = Object.keys(raw).filter((key) => !KNOWN.includes(key));
  return {
    value: {
      runtime,
      ...(aliases.length === 0 ? {} : { aliases }),
      ...(own.context === null ? {} : { context: own.context }),
      ...(gpus === undefined ? {} : { gpus: gpusOf(gpus) }),
      ...(isSeconds(ttl) ? { evict_after_idle_seconds: ttl === 0 ? NEVER_SECONDS : ttl } : {}),
      ...(isPersistent ? { pin: true } : {}),
    },
    notes: [
      own.model ?? '',
      ...others.map((key) => withoutCounterpart(key)),
      ...unknown.map((macro) => `The macro \${${macro}} is not defined, so it was left unchanged.`),
      ...fromEnvironment.map((variable) => `The environment variable ${variable} was replaced by its current value.`),
      ...(isPersistent ? ['It is in a persistent group, so only a person unloads it.'] : []),
    ],
  };
}

function policiesOf({ healthCheckTimeout, hooks }: Data, idleSeconds: number, models: ReadonlyMap<string, Commented>): Data {
  const preload = listOf(valueAt(hooks, 'on_startup', 'preload')).filter((each) => typeof each === 'string');
  const known = new Set([...models].flatMap(([id, { value }]) => [id, ...listOf(value['aliases'])]));
  const always = preload.filter((name) => known.has(name));
  return {
    load: 'on_request',
    evict_after_idle_seconds: idleSeconds,
    ...(isSeconds(healthCheckTimeout) ? { load_max_seconds: Math.max(LEAST_WAIT_SECONDS, healthCheckTimeout) } : {}),
    ...(always.length === 0 ? {} : { always_loaded: always }),
  };
}

function leftOut(raw: Data): readonly string[] {
  const done = ['healthCheckTimeout', 'globalTTL', 'hooks', 'peers'];
  return Object.keys(raw)
    .filter((key) => !done.includes(key))
    .map(withoutCounterpart);
}

function withoutCounterpart(key: string): string {
  return `${key} has no counterpart here${Object.hasOwn(WHY, key) ? `: ${WHY[key]}` : ''}.`;
}

/**
 * Servers elsewhere. A key that stands in the file is never carried over: settings of ours hold
 * none.
 */
function remotesOf(peers: unknown): ReadonlyMap<string, Commented> {
  const all = typeof peers === 'object' && peers !== null ? Object.entries(peers) : [];
  const remotes = new Map<string, Commented>();
  for (const [name, peer] of all) {
    if (!isAskable(peer)) continue;
    const { proxy, models, apiKey, ...others } = peer as Data;
    const variable = /^\$\{env\.(\w+)\}$/.exec(String(apiKey ?? ''))?.[1];
    const hasKey = apiKey !== undefined && apiKey !== '' && variable === undefined;
    const names = listOf(models).filter((each) => typeof each === 'string' && each !== '');
    const value = {
      url: `${String(proxy).replace(/\/+$/, '')}/v1`,
      ...(names.length === 0 ? {} : { models: names }),
      ...(variable === undefined ? {} : { key_env: variable }),
    };
    const notes = hasKey ? ['Its key was left out: put it into a file of your own, and name that as key_file.'] : [];
    const key = unusedName(remoteNameOf(name), remotes);
    remotes.set(key, { value, notes: [...notes, ...Object.keys(others).map(withoutCounterpart)] });
  }
  return remotes;
}

/** An address as the settings take it; macros of it are not filled in. */
function isAskable(peer: unknown): boolean {
  const proxy = valueAt(peer, 'proxy');
  return typeof proxy === 'string' && !proxy.includes('$') && remote.safeParse({ url: `${proxy.replace(/\/+$/, '')}/v1` }).success;
}

function unusable(peers: unknown): readonly string[] {
  const all = typeof peers === 'object' && peers !== null ? Object.entries(peers) : [];
  return all.filter(([, peer]) => !isAskable(peer)).map(([name]) => `peers.${name} has no usable address.`);
}

/** As far as such a name may be long. */
function remoteNameOf(name: string): string {
  return (
    name
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 32) || 'peer'
  );
}

/** Models of groups that no other group unloads. */
function persistentOf(groups: unknown): ReadonlySet<unknown> {
  const all = typeof groups === 'object' && groups !== null ? Object.values(groups) : [];
  return new Set(all.filter((group) => valueAt(group, 'persistent') === true).flatMap((group) => listOf(valueAt(group, 'members'))));
}

/** The same runtime for all that are started alike. */
function nameFor(wanted: string, runtime: Data, taken: ReadonlyMap<string, Commented>): string {
  const same = [...taken].find(([, { value }]) => JSON.stringify(value) === JSON.stringify(runtime));
  if (same !== undefined) return same[0];
  const plain = wanted.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 50);
  const base = runtimeName.safeParse(plain).success ? plain : `own-${plain}`;
  return unusedName(base, taken);
}

function unusedName(base: string, taken: ReadonlyMap<string, unknown>): string {
  let name = base;
  for (let number = 2; taken.has(name); number += 1) name = `${base}-${number}`;
  return name;
}

/** `NAME=value` each. */
function envOf(env: unknown): Record<string, string> {
  return Object.fromEntries(
    listOf(env).flatMap((entry) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(String(entry)) ?? [];
      return name === undefined ? [] : [[name, asPlaceholders(value ?? '')]];
    }),
  );
}

function gpusOf(text: string): readonly (number | string)[] {
  const names = text.split(',').map((word) => word.trim());
  return names.filter((name) => name !== '' && name !== '-1').map((name) => (/^\d+$/.test(name) ? Number(name) : name));
}

/** Texts, or sections with an id. */
function aliasesOf(aliases: unknown): readonly string[] {
  return listOf(aliases)
    .map((alias) => (typeof alias === 'string' ? alias : valueAt(alias, 'id')))
    .filter((alias) => typeof alias === 'string')
    .map((alias) => alias.replaceAll(PORT, ''));
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function valueAt(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? (at as Data)[key] : undefined), value);
}
