/**
 * What a runtime's search may read on this machine: file names, stats, the beginnings of files, and
 * the output of a small program. Types only.
 */

export interface FileFacts {
  readonly isFile: boolean;
  /** By this user. */
  readonly isExecutable: boolean;
  readonly bytes: number;
  readonly inode: number;
  readonly mtimeMs: number;
}

/** How the files of a folder become a zip. */
export interface Packing {
  /** The folder that they lie in inside of it; empty: at its root. */
  readonly below: string;
  /** More files than these bytes are refused. */
  readonly mostBytes: number;
  /** Names that end so are left out. */
  readonly without: readonly string[];
}

export interface Packed {
  /** Equal for equal files, whatever else: names and bytes. */
  readonly sha1: string;
  readonly bytes: number;
}

/** Nothing here throws for what is not there: it answers null, or nothing. */
export interface MachineFiles {
  /** In the order of the paths; links are followed. */
  stats(paths: readonly string[]): Promise<readonly (FileFacts | null)[]>;
  /** Whole paths of what lies in a folder, sorted. */
  names(folder: string): Promise<readonly string[]>;
  /**
   * @param isCut true: no more than the first `mostBytes` are read of a longer file; false: of a
   * longer one nothing is.
   */
  read(path: string, mostBytes: number, isCut: boolean): Promise<string | null>;
  /**
   * Why a program may be another user's: it, or something on the way to it, belongs to one, or may
   * be written by one. Null: it is ours or the system's.
   */
  whyNotOwn(path: string): Promise<string | null>;
  /** Where a path leads when its links are followed. */
  real(path: string): Promise<string | null>;
  /** @throws Error, in a sentence, where a file cannot be read, or there are more than may be. */
  pack(folder: string, packing: Packing): Promise<Packed>;
  /** The folder of a package of ours. */
  packageFolder(name: string): Promise<string | null>;
}
