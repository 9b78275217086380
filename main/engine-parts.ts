/** Small pieces of the composition: overrides, folders, views and listeners that need no state of the engine. */
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { Writable } from 'node:stream';
import type { Settings } from '../shared/settings.ts';
import type { WatchFolderView } from '../shared/snapshot.ts';
import type { Clock, FolderScan, Processes } from './core/ports.ts';
import type { Registry } from './core/registry.ts';
import { expandHome } from './io/folders.ts';
import type { Metrics } from './io/metrics.ts';
import type { MeteredModel } from './io/runtime-metrics.ts';
import { programs } from './programs.ts';
import type { CudaRuntime } from './runtime/llama/cuda.ts';

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

export interface LlamaGpu {
  readonly usable: boolean;
  readonly why: string;
  /** LD_LIBRARY_PATH of whoever is to use the GPU; null: as it is. */
  readonly libraryPath: string | null;
  /** The driver shows GPUs: the reason is worth telling. */
  readonly isPresent: boolean;
}

const FIND_GPU_MS = 20_000;

/**
 * Can llama.cpp use the GPUs that the driver shows? A driver alone is not enough for its CUDA part, so it is asked, once, in a process of its
 * own. A llama-server of the user's own is taken at its word.
 * @param cuda looks for the libraries that the CUDA part needs, where the loader would not; asked only where there is a GPU.
 */
export async function findLlamaGpu(
  driver: { readonly found: boolean; readonly message: string },
  ownCommand: string | null,
  program: { readonly command: string; readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> },
  processes: Processes,
  clock: Clock,
  cuda: () => Promise<CudaRuntime>,
): Promise<LlamaGpu> {
  if (!driver.found || ownCommand !== null)
    return { usable: driver.found, why: driver.message, libraryPath: null, isPresent: driver.found };
  const runtime = await cuda();
  const known = process.env['LD_LIBRARY_PATH'];
  const paths = [...runtime.folders, ...(known === undefined || known === '' ? [] : [known])];
  const libraryPath = runtime.folders.length === 0 ? null : paths.join(delimiter);
  try {
    const { command, args } = program;
    const env = { ...program.env, ...(libraryPath === null ? {} : { LD_LIBRARY_PATH: libraryPath }) };
    const child = await processes.launch({ command, args: [...args, programs.findGpu], env, cwd: null, ipc: true });
    const identity = processes.identify(child.pid);
    const cancel = clock.after(FIND_GPU_MS, () => processes.signal(identity === null ? [] : [identity], 'SIGKILL', null));
    let said = '';
    child.onLine((line) => {
      if (line.startsWith('{')) said = line;
    });
    await child.exited;
    cancel();
    const { backend, why } = JSON.parse(said) as { backend: string | null; why: string };
    // Where CUDA is used, which runtime that is; else what is in its way.
    const told = backend === 'cuda' || runtime.major === null ? ` (${runtime.message})` : '';
    return { usable: backend !== null, why: `${why.replace(/\.$/, '')}${told}`, libraryPath, isPresent: true };
  } catch (error) {
    const why = `llama.cpp could not be asked about the GPU: ${error instanceof Error ? error.message : error}`;
    return { usable: false, why, libraryPath: null, isPresent: true };
  }
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
export function meteredModels(registry: Registry): readonly MeteredModel[] {
  return [...registry.all()].flatMap(({ id, state }) =>
    state.name === 'ready' && state.runtime === 'vllm' && state.plan.base === undefined ? [{ id, endpoint: state.endpoint }] : [],
  );
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
