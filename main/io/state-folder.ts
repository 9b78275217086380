/**
 * The state folder of a running engine: private to its owner, with the control token, the lock
 * against a second engine, and `engine.json`, by which clients find the engine. It does not
 * interpret the tables in the folder.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { ModeliumError } from '../../shared/errors.ts';
import { ENGINE_FILE, type EngineFile, makePrivateFolder, readEngineFile, readToken, TOKEN_FILE, writePrivate } from './engine-file.ts';
import { openPrivateDatabase } from './private-database.ts';

const LOCK_FILE = 'engine.lock';

/**
 * `made-again`: it was gone, and is ours again; `taken`: it was gone, and another engine was
 * quicker.
 */
export type Standing = 'there' | 'made-again' | 'taken';

export interface StateFolder {
  readonly path: string;
  /** The control token: 43 characters, the same over restarts. */
  readonly token: string;
  /** Writes engine.json: from now on others find this engine. */
  announce(engine: EngineFile): void;
  /**
   * Looks whether the folder is still there; where it was deleted, makes it again, so that this
   * engine is found and stays the only one.
   */
  check(): Standing;
  /** Takes engine.json away and lets the next engine in. */
  close(): void;
}

/**
 * Takes the folder for this engine; creates it with mode 0700.
 * @throws ModeliumError `already-running` with the first one's address; `state-unusable` when the
 * folder cannot be made, or it or its lock is not ours.
 */
export function openStateFolder(path: string): StateFolder {
  makePrivateFolder(path);
  let held = lock(path);
  let announced: EngineFile | null = null;
  const announce = (engine: EngineFile): void => {
    announced = engine;
    writePrivate(join(path, ENGINE_FILE), `${JSON.stringify(engine, null, 2)}\n`);
  };
  try {
    // An engine that was killed left it behind, and its port may be anybody's by now: nobody is to
    // be led there any more.
    rmSync(join(path, ENGINE_FILE), { force: true });
    const token = readToken(path) ?? makeToken(path);
    return {
      path,
      token,
      announce,
      check() {
        if (held.isThere()) {
          const lacks = (name: string): boolean => !existsSync(join(path, name));
          if (lacks(TOKEN_FILE)) writePrivate(join(path, TOKEN_FILE), `${token}\n`);
          if (announced !== null && lacks(ENGINE_FILE)) announce(announced);
          return 'there';
        }
        try {
          makePrivateFolder(path);
          const again = lock(path);
          held.unlock();
          held = again;
        } catch (thrown) {
          if (thrown instanceof ModeliumError && thrown.code === 'already-running') return 'taken';
          throw thrown;
        }
        writePrivate(join(path, TOKEN_FILE), `${token}\n`);
        if (announced !== null) announce(announced);
        return 'made-again';
      },
      close: () => {
        // Another engine's, when it has taken the folder.
        if (held.isThere()) rmSync(join(path, ENGINE_FILE), { force: true });
        held.unlock();
      },
    };
  } catch (thrown) {
    held.unlock();
    throw thrown;
  }
}

interface Lock {
  /** Is its file the one that everybody finds? */
  isThere(): boolean;
  unlock(): void;
}

/**
 * SQLite's exclusive file lock: the kernel drops it however the process ends, so that no stale one
 * is ever left, and a recycled process number cannot hold it.
 */
function lock(path: string): Lock {
  let database: DatabaseSync | null = null;
  try {
    database = openPrivateDatabase(join(path, LOCK_FILE), 0);
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    if (cause instanceof ModeliumError) throw cause;
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) {
      throw new ModeliumError('state-unusable', `The state folder ${path} cannot be locked: ${(cause as Error).message}.`, { cause });
    }
    const first = readEngineFile(path);
    const where = first === null ? 'it is just starting or ending' : `it is at ${first.address}, process ${first.pid}`;
    throw new ModeliumError('already-running', `An engine already runs for the state folder ${path}: ${where}.`);
  }
  const made = statSync(join(path, LOCK_FILE));
  return {
    isThere() {
      const now = statSync(join(path, LOCK_FILE), { throwIfNoEntry: false });
      return now !== undefined && now.dev === made.dev && now.ino === made.ino;
    },
    unlock: () => database.close(),
  };
}

const SQLITE_BUSY = 5;

function makeToken(path: string): string {
  const token = randomBytes(32).toString('base64url');
  writePrivate(join(path, TOKEN_FILE), `${token}\n`);
  return token;
}
