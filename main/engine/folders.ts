/**
 * The watch folders: their list, their watcher, and the result of the last scan. Owns the watcher;
 * the catalog owns the models in them.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { ModeliumError } from '../../shared/errors.ts';
import type { Settings } from '../../shared/settings.ts';
import type { WatchFolderView } from '../../shared/snapshot.ts';
import type { Catalog, Tracker } from '../core/notice/catalog.ts';
import type { Clock, FolderScan, Log } from '../core/ports.ts';
import { createWatcher, type FileWatcher, type WatcherOptions } from '../io/files/watcher.ts';
import { expandHome } from '../io/folders.ts';

export interface WatchedFoldersPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** The command line's folders, in place of the settings'. */
  readonly override: readonly string[] | undefined;
  readonly scanLarge: WatcherOptions['scanLarge'];
  readonly isBusy: WatcherOptions['isBusy'];
}

export class WatchedFolders {
  readonly #ports: WatchedFoldersPorts;
  readonly #scans = new Map<string, FolderScan>();
  #watcher: FileWatcher | null = null;
  paths: readonly string[] = [];

  constructor(ports: WatchedFoldersPorts) {
    this.#ports = ports;
  }

  /**
   * Watches the folders of these settings from here on, and no other. Resolves when each was
   * scanned once.
   */
  async watch(catalog: Catalog, settings: Settings): Promise<void> {
    const { clock, log, override, scanLarge, isBusy } = this.#ports;
    await this.#watcher?.close();
    this.paths = watchFolders(settings, override);
    this.#watcher = createWatcher({
      folders: this.paths,
      scanIntervalMs: settings.orchestration.model_discovery.scan_interval_seconds * 1000,
      clock,
      log,
      scanLarge,
      isBusy,
      onScan: (scan) => {
        this.#scans.set(scan.folder, scan);
        return catalog.apply(scan);
      },
    });
    catalog.keepOnly(this.paths);
    await this.#watcher.start();
    for (const path of catalog.addedPaths()) await this.#watcher.track(path);
  }

  /** Each call goes to the watcher of the moment. */
  tracker(): Tracker {
    const watcher = (): FileWatcher => {
      if (this.#watcher === null) throw new ModeliumError('shutting-down', 'The folders are not watched yet.', { retryAfterSeconds: 1 });
      return this.#watcher;
    };
    return {
      track: (path) => watcher().track(path),
      untrack: async (path) => watcher().untrack(path),
      rescan: (folder) => void this.#watcher?.rescan(folder),
    };
  }

  /** Logs those that can be read: what is wrong with the others was logged by their scan. */
  announce(): void {
    const watched = this.paths.filter((path) => this.#scans.get(path)?.ok === true);
    if (watched.length > 0) this.#ports.log.say(`Watching ${watched.join(' and ')}`);
  }

  views(): readonly WatchFolderView[] {
    return this.paths.map((path) => folderView(path, this.#scans.get(path)));
  }

  async close(): Promise<void> {
    await this.#watcher?.close();
  }
}

const USERS_FOLDER = '~/modelium/incoming';
const SYSTEM_FOLDER = '/models/incoming';

/**
 * The folders to watch. The user's default one is made when it is missing; one that a person named
 * is not, since it may be a mount point.
 */
function watchFolders(settings: Settings, override: readonly string[] | undefined): readonly string[] {
  const named = override ?? settings.orchestration.model_discovery.watch_directories;
  if (named !== null) return [...new Set(named.map((folder) => resolve(expandHome(folder))))];
  const own = expandHome(USERS_FOLDER);
  mkdirSync(own, { recursive: true });
  return existsSync(SYSTEM_FOLDER) ? [own, SYSTEM_FOLDER] : [own];
}

/** Of a folder before its first scan: neither there nor missing. */
const NOT_SCANNED = 'not scanned yet';

function folderView(path: string, scan: FolderScan | undefined): WatchFolderView {
  if (scan === undefined) return { path, ok: false, message: NOT_SCANNED, polling: false };
  if (!scan.ok) return { path, ok: false, message: scan.message, polling: false };
  const count = scan.candidates.length + (scan.leftOut ?? 0);
  const others = scan.otherFiles ?? 0;
  const more = others === 0 ? '' : `, and ${others} more ${others === 1 ? 'file that is not a model' : 'files that are not models'}`;
  return { path, ok: true, message: `${count} ${count === 1 ? 'entry' : 'entries'}${more}`, polling: scan.polling ?? false };
}
