/**
 * The two ways to ask a file system for names and stats. Waiting leaves the thread to others: for
 * the engine, which a disk that hangs must not stop (I12). Blocking is several times cheaper, since
 * no call goes through another thread: for the reader, which does nothing else meanwhile, and lets
 * others go first in between.
 */
import { type Dirent, lstatSync, opendirSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { lstat, opendir, readlink, realpath, stat } from 'node:fs/promises';
import { pauseInTime } from '../pause-in-time.ts';

/** Each rejects with the file error. */
export interface Disk {
  realpath(path: string): Promise<string>;
  readlink(path: string): Promise<string>;
  stat(path: string): Promise<Stats>;
  lstat(path: string): Promise<Stats>;
  /**
   * Hands over the entries of a folder as they come, none of them kept, as long as the answer is
   * true. What it throws ends it too.
   */
  eachEntry(folder: string, take: (entry: Dirent) => boolean): Promise<void>;
}

/** Entries that the system hands over at once. */
const BUFFER = { bufferSize: 256 };

export const waitingDisk: Disk = {
  realpath: (path) => realpath(path),
  readlink: (path) => readlink(path),
  stat: (path) => stat(path),
  lstat: (path) => lstat(path),
  async eachEntry(folder, take) {
    // Leaving the loop closes the folder.
    for await (const entry of await opendir(folder, BUFFER)) if (!take(entry)) return;
  },
};

export const blockingDisk: Disk = {
  realpath: blocking((path) => realpathSync.native(path)),
  readlink: blocking((path) => readlinkSync(path)),
  stat: blocking((path) => statSync(path)),
  lstat: blocking((path) => lstatSync(path)),
  async eachEntry(folder, take) {
    const opened = opendirSync(folder, BUFFER);
    try {
      for (let entry = opened.readSync(); entry !== null && take(entry); entry = opened.readSync()) pauseInTime();
    } finally {
      opened.closeSync();
    }
  },
};

function blocking<Answer>(ask: (path: string) => Answer): (path: string) => Promise<Answer> {
  return async (path) => {
    pauseInTime();
    return ask(path);
  };
}
