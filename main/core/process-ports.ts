/**
 * The core's interfaces to processes, to the files that processes leave behind, and to HTTP calls
 * to them. Types only; `main/io` implements them.
 */

import type { Server } from '../../shared/model.ts';
import type { Packing } from './machine-files.ts';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Kernel clock ticks since boot, from /proc/PID/stat; 0 where there is no /proc. */
  readonly startTime: number;
  readonly bootId: string;
}

/** One row of the `processes` table (I2). */
export interface ProcessRow {
  /**
   * Unique per launch; also in the child's environment as MODELIUM_LAUNCH until it renames itself.
   */
  readonly launchId: string;
  readonly modelId: string;
  readonly command: readonly string[];
  readonly leader: ProcessIdentity | null;
  readonly members: readonly ProcessIdentity[];
  readonly startedAt: string;
  readonly bootId: string;
}

export interface ProcessTable {
  /**
   * Written before the spawn, so that not even a kill -9 between spawn and row hides a process.
   * Throws `disk-full`.
   */
  intend(row: ProcessRow): void;
  record(launchId: string, leader: ProcessIdentity, members: readonly ProcessIdentity[]): void;
  erase(launchId: string): void;
  rows(): readonly ProcessRow[];
}

export type EntryParts = Readonly<Record<string, { readonly text: string } | { readonly linkTo: string }>>;

/** A folder for each launch that asks for one, and what its processes leave outside of it. */
export interface ScratchFolders {
  /**
   * Readable by its owner only; short enough that a socket's path fits. @throws ModeliumError
   * disk-full, state-unusable.
   */
  make(launchId: string): string;
  /**
   * Puts an entry into the launch's folder, in one move: whoever reads the folder sees all of it or
   * nothing. One of the same name is replaced.
   * @param entry a name, no path. @param parts by path inside the entry: a text, or the absolute
   * path that a symbolic link leads to; null: the entry goes.
   * @returns its absolute path. @throws ModeliumError disk-full, state-unusable.
   */
  write(launchId: string, entry: string, parts: EntryParts | null): string;
  /**
   * Notes which shared memory these processes have made: only what was noted is removed. Nothing
   * where the launch has no folder.
   */
  note(launchId: string, pids: readonly number[]): void;
  /**
   * Removes the folder, the shared memory that was noted, and that whose name begins with
   * `modelium-` and the name of the folder.
   */
  remove(launchId: string): void;
  /** Launches of earlier engines that left a folder. */
  left(): readonly string[];
}

export interface LaunchRequest {
  readonly command: string;
  readonly args: readonly string[];
  /** Merged over a small base environment, not over the whole of ours. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | null;
  /** Opens a message channel; its end tells the child that we are gone. */
  readonly ipc: boolean;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /**
   * Did the kernel count a process that it ended for lack of main memory about then? Absent: it
   * counts none that we may read.
   */
  readonly outOfMemory?: boolean;
}

/** What asks a process to end. */
export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP';

/** A running child: its own process group, its output drained line by line. */
export interface LaunchedProcess {
  readonly pid: number;
  onLine(listener: (line: string) => void): void;
  readonly exited: Promise<Exit>;
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
}

export interface Processes {
  /** @throws ModeliumError `runtime-exited` when the program cannot be started at all. */
  launch(request: LaunchRequest): Promise<LaunchedProcess>;
  identify(pid: number): ProcessIdentity | null;
  /** Is it still that very process? A zombie counts as gone. */
  isAlive(identity: ProcessIdentity): boolean;
  /** Descendants and members of the process group, itself included, alive now. */
  members(pid: number): readonly ProcessIdentity[];
  /**
   * The process and its descendants alone: cheap, where `members` reads all of /proc on the main
   * thread (I12).
   */
  descendants(pid: number): readonly ProcessIdentity[];
  /** Is anything left of the group, a zombie included? One system call. */
  groupExists(group: number): boolean;
  /** Processes whose environment carries this launch id. */
  findByLaunch(launchId: string): readonly ProcessIdentity[];
  /** Signals the group of the leader, then each identity that is still the same process. */
  signal(identities: readonly ProcessIdentity[], signal: StopSignal | 'SIGKILL', group: number | null): void;
  /**
   * Activity of a tree: bytes read, CPU milliseconds and resident bytes; zeros where it is gone.
   */
  activity(pids: readonly number[]): { readonly readBytes: number; readonly cpuMs: number; readonly residentBytes: number };
  /** A loopback port that is free now, in the range. */
  freePort(range: readonly [number, number]): Promise<number>;
  /**
   * The user of a program that listens at this port and is neither ours, nor the system's (root),
   * nor the user of one of these processes; null: there is none, or the system does not tell.
   */
  strangerAt(port: number, pids: readonly number[]): Promise<number | null>;
}

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export interface SmallRequest {
  readonly method: HttpMethod;
  readonly path: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface UploadedFolder {
  /** Absolute path. */
  readonly folder: string;
  /** How its files become the zip that is sent. */
  readonly packing: Packing;
  readonly contentType: string;
}

/** A JSON object of one member, `parameters`, that holds texts and the bytes of files as base64. */
export interface FilesInJson {
  readonly texts: Readonly<Record<string, string>>;
  /** Name of the parameter -> absolute path. */
  readonly files: Readonly<Record<string, string>>;
}

export interface HttpClient {
  /**
   * A small request to a runtime, with a body as JSON. Redirects are answers like any other:
   * nothing is asked elsewhere. Rejects when nobody answers.
   */
  request(target: Server, request: SmallRequest & { readonly body: unknown }): Promise<HttpAnswer>;
  /**
   * The same with the bytes of a file as its body, read as they are sent. Rejects too when the file
   * cannot be read, or is longer than it was.
   */
  upload(target: Server, request: SmallRequest & (UploadedFolder | FilesInJson)): Promise<HttpAnswer>;
}
