/**
 * The result of scanning a folder: files with their stats, candidates with their files. Types only;
 * `main/io/files/scan.ts` does the scan.
 */

/** What identifies one file's content without reading it. */
export interface FileIdentity {
  /** Relative to the candidate's root; the file's own name where the candidate is a file. */
  readonly path: string;
  readonly bytes: number;
  readonly mtimeMs: number;
  /**
   * Moves with every write, also with one that sets the other time back. Absent in what an earlier
   * version remembered.
   */
  readonly ctimeMs?: number;
  /**
   * When this file came to be, which no copy and no program can set: it tells the next owner of an
   * inode from the last. Absent: unknown.
   */
  readonly bornMs?: number;
  readonly device: number;
  readonly inode: number;
}

/**
 * A child of a watch folder (or a path that a person registered), as a directory listing and stats
 * tell it.
 */
export interface CandidateListing {
  readonly path: string;
  /** Where the path leads when it is a link; else the path itself. */
  readonly realPath: string;
  /** The name that ids are made of: `model`, or `owner/model` for one level of nesting. */
  readonly name: string;
  readonly kind: 'file' | 'folder';
  /** Device, inode and birth of the candidate itself, by which a rename is recognised. */
  readonly device: number;
  readonly inode: number;
  readonly bornMs?: number;
  readonly files: readonly FileIdentity[];
}

/**
 * What was too much for one scan. `notScanned`: paths that exist and were not read, so that what is
 * known of them stands; `leftOut`: how many these are; `isCut`: not even all of them are named, so
 * that nothing counts as gone; `otherFiles`: loose files that are no models, beyond those that are
 * listed.
 */
interface ScanBounds {
  readonly notScanned?: readonly string[];
  readonly leftOut?: number;
  readonly isCut?: boolean;
  readonly otherFiles?: number;
}

export type FolderScan =
  | ({
      readonly folder: string;
      readonly ok: true;
      readonly candidates: readonly CandidateListing[];
      readonly polling?: boolean;
    } & ScanBounds)
  /** Away: missing, unmounted, unreadable. Nothing in it counts as gone. */
  | { readonly folder: string; readonly ok: false; readonly message: string };
