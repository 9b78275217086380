/**
 * Opens what the engine needs of this machine: state folder, processes, GPUs, file readers, watch
 * folders. It starts no work yet.
 */
import type { Clock, Log } from '../core/ports.ts';
import { createDeviceProbe } from '../io/devices/device-probe.ts';
import { homeFolder, modeliumFolders } from '../io/folders.ts';
import { createUpstreams } from '../io/http-client.ts';
import { openStore } from '../io/ledger/store.ts';
import { createPreparedFiles } from '../io/prepared-files.ts';
import { createProcesses } from '../io/processes/processes.ts';
import { createScratchFolders } from '../io/processes/scratch.ts';
import { createCodeReader, createInspector, createModelFinder } from '../io/reader/ports.ts';
import { Reader } from '../io/reader/reader.ts';
import { storeFolders } from '../io/reader/store-folders.ts';
import { openStateFolder } from '../io/state-folder.ts';
import type { NodeProgram } from '../packaged.ts';
import { programs } from '../programs.ts';
import { WatchedFolders } from './folders.ts';
import type { Opened } from './opened.ts';
import type { EngineSettings } from './settings.ts';

export interface MachinePorts {
  readonly stateFolder: string | undefined;
  readonly watch: readonly string[] | undefined;
  readonly node: NodeProgram;
  readonly settings: EngineSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly opened: Opened;
  /** Ends scans that are under way. */
  readonly signal: AbortSignal;
}

/** @throws ModeliumError already-running, state-unusable, disk-full. */
export function openMachine(ports: MachinePorts) {
  const { settings, clock, log, opened } = ports;
  const stateFolder = opened.add(openStateFolder(ports.stateFolder ?? modeliumFolders().state), (each) => each.close());
  const store = opened.add(openStore(stateFolder.path, clock.wallTime), (each) => each.close());
  if (store.problem !== null) log.error(store.problem);
  const processes = createProcesses();
  const upstreams = opened.add(createUpstreams(), (each) => each.close());
  const probe = opened.add(createDeviceProbe({ nvidiaSmi: settings.current.gpus.nvidia_smi, processes, clock, log }), (each) =>
    each.close(),
  );
  const newReader = () =>
    opened.add(new Reader({ node: ports.node, program: programs.reader, clock, isBusy: upstreams.isBusy }), (each) => each.close());
  const library = createInspector(newReader());
  const codeReader = createCodeReader(newReader());
  const scanner = newReader();
  const folders = new WatchedFolders({
    clock,
    log,
    override: ports.watch,
    isBusy: upstreams.isBusy,
    scanLarge: (folder, before, inner) => scanner.ask('scan', { folder, before, inner }, ports.signal),
  });
  const finder = createModelFinder(newReader(), () => storeFolders(process.env, homeFolder()));
  const scratch = createScratchFolders(stateFolder.path);
  const prepared = createPreparedFiles({ settings: () => settings.current.cache, log });
  return { stateFolder, store, processes, upstreams, probe, library, codeReader, folders, finder, scratch, prepared };
}
