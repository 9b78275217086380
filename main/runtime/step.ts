/**
 * The steps that adapters yield and hosts execute, each with a generator that gives its answer a
 * type. Data and types only; `steps.ts` and the hosts execute them.
 */
import type { Address, Endpoint } from '../../shared/model.ts';
import type { FileFacts, Packed, Packing } from '../core/machine-files.ts';
import type { EntryParts, Exit, FilesInJson, HttpAnswer, HttpMethod, UploadedFolder } from '../core/process-ports.ts';

/**
 * One thing that an adapter asks its host to do. The host answers with the value named beside it.
 */
export type Step =
  /** -> number: a free loopback port of the runtime's range. */
  | { readonly do: 'port' }
  /**
   * -> void: starts the process tree; its row is in the `processes` table before this returns (I2).
   */
  | {
      readonly do: 'spawn';
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly ipc: boolean;
      /**
       * True: the serving process is no child of this program, as in a container, but has our
       * launch id.
       */
      readonly startsApart?: boolean;
    }
  /** -> HttpAnswer | null: null when nobody listens (yet). */
  | {
      readonly do: 'http';
      readonly at: Address;
      readonly key: string | null;
      readonly keyHeader?: string | undefined;
      readonly method: HttpMethod;
      readonly path: string;
      readonly body: unknown;
      readonly timeoutMs: number;
      /** True: if nobody listens, the answer has status 0 and the reason as its body. */
      readonly reportsWhy?: boolean;
    }
  /**
   * -> HttpAnswer | null: the same with files as the body: one file, a folder as a zip (which
   * `pack` has described), or several files in one JSON object. Throws if one cannot be read.
   */
  | Upload
  /**
   * -> the result of these steps, which run while no other steps with this name run in this engine:
   * so a read, a change and a write are not interrupted by another change.
   */
  | { readonly do: 'alone'; readonly name: string; readonly steps: () => Steps<unknown> }
  /**
   * -> string: the absolute path of an entry in the folder of `scratch`, which is written or (null)
   * removed in one move. See `ScratchFolders.write`.
   */
  | { readonly do: 'write'; readonly entry: string; readonly parts: EntryParts | null }
  /**
   * -> string: a folder for this launch, readable by its owner only. It is deleted with its content
   * when the processes are gone.
   */
  | { readonly do: 'scratch' }
  /** -> Endpoint: the server that the model lives in, as soon as it answers. */
  | { readonly do: 'enter' }
  /** -> void, after so many milliseconds. */
  | { readonly do: 'pause'; readonly ms: number }
  /** -> void: reports the present phase to users. */
  | { readonly do: 'phase'; readonly phase: string; readonly progress: number | null; readonly isSilent?: boolean }
  /** -> string: a random key for this launch. */
  | { readonly do: 'key' }
  /** -> void: a message to a process that was spawned with a channel. */
  | { readonly do: 'send'; readonly message: unknown }
  /** -> Ended: when the process has ended by itself, because its work is done. */
  | { readonly do: 'exit' }
  | SearchStep;

export type Upload = {
  readonly do: 'upload';
  readonly at: Address;
  readonly key: string | null;
  readonly keyHeader?: string | undefined;
  readonly method: HttpMethod;
  readonly path: string;
  readonly timeoutMs: number;
} & (UploadedFolder | FilesInJson);

/** The steps of a search (`core/machine-files.ts`). */
export type SearchStep =
  /** -> (FileFacts | null)[] */
  | { readonly do: 'stats'; readonly paths: readonly string[] }
  /** -> string[] */
  | { readonly do: 'names'; readonly folder: string }
  /** -> string | null */
  | { readonly do: 'read'; readonly path: string; readonly mostBytes: number; readonly isCut: boolean }
  /** -> string | null */
  | { readonly do: 'own'; readonly path: string }
  /** -> string | null */
  | { readonly do: 'real'; readonly path: string }
  /** -> string | null */
  | { readonly do: 'package'; readonly name: string }
  /**
   * -> Packed: the description of a folder's files as a zip, which is not written to disk. Throws
   * if they cannot be read, or have more than `mostBytes`.
   */
  | { readonly do: 'pack'; readonly folder: string; readonly packing: Packing }
  /**
   * -> string[]: the output of a small program, which is killed when its time is up. Throws if it
   * cannot be started.
   */
  | {
      readonly do: 'ask';
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly timeoutMs: number;
    };

export interface Ended {
  readonly exit: Exit;
  /** Its last lines. */
  readonly lines: readonly string[];
}

export type Steps<Result> = Generator<Step, Result, unknown>;

export function* port(): Steps<number> {
  return (yield { do: 'port' }) as number;
}

export function* scratch(): Steps<string> {
  return (yield { do: 'scratch' }) as string;
}

export function* key(): Steps<string> {
  return (yield { do: 'key' }) as string;
}

export function* spawn(command: string, args: readonly string[], env: Readonly<Record<string, string>>, ipc: boolean): Steps<void> {
  yield { do: 'spawn', command, args, env, ipc };
}

/** Spawns a program that has another program start the server: docker, podman. */
export function* spawnApart(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Steps<void> {
  yield { do: 'spawn', command, args, env, ipc: false, startsApart: true };
}

export function* http(request: Omit<Extract<Step, { do: 'http' }>, 'do'>): Steps<HttpAnswer | null> {
  return (yield { do: 'http', ...request }) as HttpAnswer | null;
}

type UploadRequest = Omit<Extract<Upload, UploadedFolder>, 'do'> | Omit<Extract<Upload, FilesInJson>, 'do'>;

export function* upload(request: UploadRequest): Steps<HttpAnswer | null> {
  return (yield { do: 'upload', ...request }) as HttpAnswer | null;
}

/** See the step `alone`. */
export function* alone<Result>(name: string, steps: () => Steps<Result>): Steps<Result> {
  return (yield { do: 'alone', name, steps }) as Result;
}

export function* pack(folder: string, packing: Packing): Steps<Packed> {
  return (yield { do: 'pack', folder, packing }) as Packed;
}

export function* write(entry: string, parts: EntryParts | null): Steps<string> {
  return (yield { do: 'write', entry, parts }) as string;
}

export function* enterServer(): Steps<Endpoint> {
  return (yield { do: 'enter' }) as Endpoint;
}

export function* pause(ms: number): Steps<void> {
  yield { do: 'pause', ms };
}

/**
 * @param isSilent the phase may work for minutes without output that the adapter understands: then
 * processor time is the sign of life.
 */
export function* phase(name: string, progress: number | null = null, isSilent = false): Steps<void> {
  yield { do: 'phase', phase: name, progress, isSilent };
}

export function* send(message: unknown): Steps<void> {
  yield { do: 'send', message };
}

export function* ended(): Steps<Ended> {
  return (yield { do: 'exit' }) as Ended;
}

export function* stats(paths: readonly string[]): Steps<readonly (FileFacts | null)[]> {
  return (yield { do: 'stats', paths }) as readonly (FileFacts | null)[];
}

/** Why a program may be another user's; null: it is not. */
export function* whyNotOwn(path: string): Steps<string | null> {
  return (yield { do: 'own', path }) as string | null;
}

export function* names(folder: string): Steps<readonly string[]> {
  return (yield { do: 'names', folder }) as readonly string[];
}

/** The whole text of a file; null if it is longer than `mostBytes` or cannot be read. */
export function* readWhole(path: string, mostBytes: number): Steps<string | null> {
  return (yield { do: 'read', path, mostBytes, isCut: false }) as string | null;
}

export function* readStart(path: string, mostBytes: number): Steps<string | null> {
  return (yield { do: 'read', path, mostBytes, isCut: true }) as string | null;
}

export function* real(path: string): Steps<string | null> {
  return (yield { do: 'real', path }) as string | null;
}

export function* packageFolder(name: string): Steps<string | null> {
  return (yield { do: 'package', name }) as string | null;
}

export function* ask(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  timeoutMs: number,
): Steps<readonly string[]> {
  return (yield { do: 'ask', command, args, env, timeoutMs }) as readonly string[];
}
