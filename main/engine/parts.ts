/** Small pieces of the composition: overrides, folders, views and listeners that need no state of the engine. */
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { Writable } from 'node:stream';
import type { RuntimeId } from '../../shared/decision.ts';
import type { Settings } from '../../shared/settings.ts';
import type { WatchFolderView } from '../../shared/snapshot.ts';
import type { Clock, FolderScan } from '../core/ports.ts';
import type { Registry } from '../core/registry.ts';
import { expandHome, modeliumFolders } from '../io/folders.ts';
import type { Metrics } from '../io/metrics.ts';
import type { MeteredModel } from '../io/runtime-metrics.ts';
import { programs } from '../programs.ts';
import type { RuntimeWorld } from '../runtime/module.ts';

/** What a command line says beats the file. */
export function withOverrides(settings: Settings, { host, port }: { readonly host?: string; readonly port?: number }): Settings {
  const api = { ...settings.api, ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) };
  return { ...settings, api };
}

const USERS_FOLDER = '~/modelium/incoming';
const SYSTEM_FOLDER = '/models/incoming';

/** The folders to watch. The user's default one is made when it is missing; one that a person named is not, since it may be a mount point. */
export function watchFolders(settings: Settings, override: readonly string[] | undefined): readonly string[] {
  const named = override ?? settings.orchestration.model_discovery.watch_directories;
  if (named !== null) return [...new Set(named.map((folder) => resolve(expandHome(folder))))];
  const own = expandHome(USERS_FOLDER);
  mkdirSync(own, { recursive: true });
  return existsSync(SYSTEM_FOLDER) ? [own, SYSTEM_FOLDER] : [own];
}

/** Of a folder before its first scan: neither there nor missing. */
const NOT_LOOKED_AT = 'not looked at yet';

export function folderView(path: string, scan: FolderScan | undefined): WatchFolderView {
  if (scan === undefined) return { path, ok: false, message: NOT_LOOKED_AT, polling: false };
  if (!scan.ok) return { path, ok: false, message: scan.message, polling: false };
  const count = scan.candidates.length + (scan.notLookedAt?.length ?? 0);
  const others = scan.otherFiles ?? 0;
  const more = others === 0 ? '' : `, and ${others} more ${others === 1 ? 'file that is no model' : 'files that are no models'}`;
  return { path, ok: true, message: `${count} ${count === 1 ? 'model' : 'models'}${more}`, polling: scan.polling ?? false };
}

/** Files that nobody has read yet hold requests back for so long at most: a library of thousands is read while others are served. */
const FIRST_LOOK_MS = 10_000;

/** Resolves when each model that is there now was looked at once, so that a request finds it as it was left. */
export function lookedAtOnce(registry: Registry, clock: Clock): Promise<void> {
  const fresh = new Set([...registry.all()].filter(({ state }) => state.name === 'discovered').map(({ id }) => id));
  return new Promise((resolve) => {
    const cancel = clock.after(FIRST_LOOK_MS, resolve);
    const done = (): void => {
      cancel();
      resolve();
    };
    registry.onChange(({ id, record }) => {
      if (record?.state.name !== 'discovered' && fresh.delete(id) && fresh.size === 0) done();
    });
    if (fresh.size === 0) done();
  });
}

/** Counts loads and unloads from the registry's facts: a sink beside the story. */
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

/** Models whose runtime keeps figures of its own; adapters are in those of their base. */
export function meteredModels(registry: Registry, prefixOf: (runtime: RuntimeId) => string | null): readonly MeteredModel[] {
  return [...registry.all()].flatMap(({ id, state }) => {
    const prefix = state.name === 'ready' && state.plan.base === undefined ? prefixOf(state.runtime) : null;
    return state.name === 'ready' && prefix !== null ? [{ id, endpoint: state.endpoint, prefix }] : [];
  });
}

/** What a runtime may know of this machine and of us. @param file modelium.yaml; null: there is none. */
export function runtimeWorld(
  { settings, file }: { readonly settings: Settings; readonly file: string | null },
  facts: Pick<RuntimeWorld, 'node' | 'driver' | 'gpu'>,
): RuntimeWorld {
  return {
    ...{ ...facts, settings, programs, env: process.env, home: homedir(), root: '/', cpuCores: availableParallelism() },
    settingsFolder: file === null ? modeliumFolders().config : dirname(file),
    platform: `${process.platform}-${process.arch}`,
  };
}

/** The log writes to a stream; whoever hosts the engine takes lines. */
export function lineStream(write: (line: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      write(String(text).replace(/\n$/, ''));
      done();
    },
  });
}
