/** The inputs of the core: the ports to this machine, and the list of runtimes. Types only. */
import type { RuntimeId } from '../../shared/decision.ts';
import type { Settings } from '../../shared/settings.ts';
import type { NodeView, ServerView } from '../../shared/snapshot.ts';
import type { KnownRuntime } from '../core/decide/planner.ts';
import type { MachineFiles } from '../core/machine-files.ts';
import type { Devices } from '../core/memory/devices.ts';
import type { Tracker } from '../core/notice/catalog.ts';
import type { Clock, CodeReader, DeviceProbe, Ledger, Library, Log, PreparedFiles, SourceListing, TrustTable } from '../core/ports.ts';
import type { Processes, ProcessTable, ScratchFolders } from '../core/process-ports.ts';
import type { Adapter, ForeignFacts } from '../runtime/adapter.ts';
import type { HostPorts } from '../runtime/process-host.ts';

export interface CorePorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly processes: Processes;
  readonly table: ProcessTable;
  readonly http: HostPorts['http'];
  readonly probe: DeviceProbe;
  readonly ledger: Ledger;
  readonly library: Library;
  readonly codeReader: CodeReader;
  readonly trustTable: TrustTable;
  readonly prepared: PreparedFiles;
  /** The files of a folder as they are now. */
  listSource(path: string): Promise<SourceListing>;
  readonly tracker: Tracker;
  readonly scratch: ScratchFolders;
  readonly machineFiles: MachineFiles;
  settings(): Settings;
  folders(): readonly string[];
  /** Cores that the models' threads share. */
  readonly cpuCores: number;
  randomWord(): string;
  bootId(): string;
  released(seconds: number): void;
}

/** The runtimes that there are: the engine finds them on the machine, a test brings its own. */
export interface RuntimeList {
  adapter(id: RuntimeId): Adapter;
  known(): readonly KnownRuntime[];
}

/** What a list of runtimes may know of the core that it serves. */
export interface RuntimeListPorts {
  readonly devices: Devices;
  /** Another runtime is there, or none any more. */
  onOther(): void;
  /** Servers of others that are to be looked at from now on. */
  foreign(servers: readonly ForeignFacts[]): void;
  /**
   * Why such a server cannot be asked now (null: it can), and the machines that it consists of,
   * where it tells.
   */
  seen(server: string): { readonly problem: string | null; readonly nodes: readonly NodeView[]; readonly state: ServerView['state'] };
}
