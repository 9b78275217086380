/**
 * Scans each watch folder at the start, after file system events, and at an interval. The only
 * importer of chokidar. An event only triggers a scan; the result goes to `onScan`, and
 * `core/notice/candidates.ts` interprets it.
 */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { FSWatcher } from 'chokidar';
import { isSystemJunk } from '../../core/analyzer/junk-names.ts';
import type { Clock, FolderScan, Log } from '../../core/ports.ts';
import { quietMoment } from '../quiet-moment.ts';
import { errorCode } from './files.ts';
import { LookInTime } from './look-in-time.ts';
import type { MountFacts } from './mounts.ts';
import { isSmall, type ScanFolder, type ScanOutcome, scanPath, scanSmallFolder } from './scan.ts';

/** Events of one copy come in bursts; so long is waited for the rest of them. */
const COALESCE_MS = 50;
/** Looks take at most a tenth of the time, however many events come. */
const REST_RATIO = 10;
/** Where a file system raises no events. */
const POLL_MS = 2_000;
/**
 * Folders that are listened to, all watch folders together; what changes in others is seen at the
 * next look.
 */
const MOST_LISTENED = 1_024;
/**
 * Events between two looks, of a watch folder with all that lies in it: a folder that raises more
 * is not listened to before the next look. The loop of events ends only when no more are there, and
 * a program can make them faster than they are read.
 */
const MOST_EVENTS = 1_000;

/** In between the parts of a large scan requests are served, also those that come just then. */
const OTHERS_MS = 10;

export interface WatcherOptions {
  /** Absolute paths. */
  readonly folders: readonly string[];
  readonly scanIntervalMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Looks at a folder that is too large for this thread. */
  readonly scanLarge: ScanFolder;
  /** A request is under way: between the parts of a large scan a gap is waited for. */
  isBusy(): boolean;
  /** @returns there is more in it than one turn takes: it is told again in the next one. */
  onScan(scan: FolderScan): boolean;
}

export interface FileWatcher {
  /** Looks at every folder, and resolves when each was looked at once. */
  start(): Promise<void>;
  /**
   * Watches a path that a person registered; resolves with its first scan, which `onScan` gets too.
   */
  track(path: string): Promise<FolderScan>;
  untrack(path: string): Promise<void>;
  /** Looks at a folder or registered path now; one that is not watched answers null. */
  rescan(folder: string): Promise<FolderScan | null>;
  close(): Promise<void>;
}

interface Watched {
  readonly path: string;
  readonly single: boolean;
  mount: MountFacts | null;
  /** What is listened to, by folder; `is` tells another folder of the same name. */
  readonly events: Map<string, { readonly is: string; readonly watcher: FSWatcher }>;
  /** The last look was too much for this thread. */
  isLarge: boolean;
  /** How many events came since the last look. */
  eventCount: number;
  /** What was said last of its being away or left out, so that it is said once. */
  lastProblem: string;
  /** The same of names that cannot be read. */
  lastMisnamed: string | null;
  running: Promise<FolderScan> | null;
  /** A hint came while a look was under way. */
  stale: boolean;
  restUntilMs: number;
  dueMs: number;
  cancelTimer: () => void;
  readonly look: LookInTime;
  closed: boolean;
}

export function createWatcher(options: WatcherOptions): FileWatcher {
  return new Watcher(options);
}

/**
 * Hears what a folder tells of its files, and looks at none of them: chokidar would ask for the
 * state of each file at each event, and watch each.
 */
class FolderEvents extends FSWatcher {
  override _readdirp(): undefined {}
}

class Watcher implements FileWatcher {
  readonly #options: WatcherOptions;
  readonly #folders: ReadonlySet<string>;
  readonly #watched = new Map<string, Watched>();

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#folders = new Set(options.folders);
  }

  async start(): Promise<void> {
    await Promise.all([...this.#folders].map((folder) => this.#scan(this.#entry(folder, false))));
  }

  track(path: string): Promise<FolderScan> {
    return this.#scan(this.#entry(path, true));
  }

  async untrack(path: string): Promise<void> {
    const entry = this.#watched.get(path);
    if (entry?.single) await this.#stop(entry);
  }

  async rescan(folder: string): Promise<FolderScan | null> {
    const entry = this.#watched.get(folder);
    if (entry === undefined) return null;
    // A scan that is running may have read the folder before the caller's reason to ask.
    if (entry.running !== null) await entry.running;
    return this.#scan(entry);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#watched.values()].map((entry) => this.#stop(entry)));
  }

  #entry(path: string, single: boolean): Watched {
    const known = this.#watched.get(path);
    if (known !== undefined) return known;
    const made: Watched = {
      path,
      single,
      mount: null,
      events: new Map(),
      isLarge: false,
      eventCount: 0,
      lastProblem: '',
      lastMisnamed: null,
      running: null,
      stale: false,
      restUntilMs: 0,
      dueMs: Number.POSITIVE_INFINITY,
      cancelTimer: () => {},
      look: new LookInTime(this.#options.clock, () => this.#hint(Object.assign(made, { restUntilMs: 0 }))),
      closed: false,
    };
    this.#watched.set(path, made);
    return made;
  }

  #scanWithin(entry: Watched, ms: number): void {
    const { clock } = this.#options;
    const dueMs = Math.max(clock.now() + ms, entry.restUntilMs);
    if (entry.closed || dueMs >= entry.dueMs) return;
    entry.cancelTimer();
    entry.dueMs = dueMs;
    entry.cancelTimer = clock.after(dueMs - clock.now(), () => void this.#scan(entry));
  }

  #hint(entry: Watched): void {
    if (entry.running !== null) entry.stale = true;
    else this.#scanWithin(entry, COALESCE_MS);
  }

  /** One scan at a time for each folder; a second caller gets the one that is running. */
  #scan(entry: Watched): Promise<FolderScan> {
    entry.running ??= this.#scanNow(entry).finally(() => {
      entry.running = null;
      this.#scanWithin(entry, entry.stale ? COALESCE_MS : this.#intervalMs(entry));
      entry.stale = false;
    });
    return entry.running;
  }

  #intervalMs(entry: Watched): number {
    const { scanIntervalMs } = this.#options;
    return (entry.mount?.typeWithoutEvents ?? null) === null ? scanIntervalMs : Math.min(POLL_MS, scanIntervalMs);
  }

  async #scanNow(entry: Watched): Promise<FolderScan> {
    const { clock } = this.#options;
    entry.cancelTimer();
    entry.dueMs = Number.POSITIVE_INFINITY;
    const startMs = clock.now();
    entry.eventCount = 0;
    const found = await this.#read(entry);
    entry.restUntilMs = clock.now() + (clock.now() - startMs) * REST_RATIO;
    const { scan } = found;
    if (entry.closed) return scan;
    // The mount of the last good look stays, so that a disk which comes back is told from an empty
    // folder under it.
    if (found.mount !== null) entry.mount = found.mount;
    this.#tell(entry, found);
    const folders = scan.ok && (entry.mount?.typeWithoutEvents ?? null) === null ? found.folders : [];
    // Of what came between the look and the first event nobody told.
    if (await this.#listenTo(entry, folders)) entry.stale = true;
    while (!entry.closed && this.#options.onScan(scan)) await quietMoment(OTHERS_MS, this.#options.isBusy);
    return scan;
  }

  async #read(entry: Watched): Promise<ScanOutcome> {
    try {
      const { path, mount } = entry;
      if (entry.single) return await entry.look.at(path, () => scanPath(path, mount));
      const small = entry.isLarge ? null : await entry.look.at(path, () => scanSmallFolder(path, mount, this.#folders));
      if (small !== null) return small;
      const large = await this.#options.scanLarge(path, mount, this.#folders);
      entry.isLarge = !isSmall(large.scan);
      return large;
    } catch (error) {
      this.#options.log.error(`Looking at ${entry.path} failed`, error);
      const message = `The folder ${entry.path} could not be read.`;
      return { scan: { folder: entry.path, ok: false, message }, mount: null, leftOut: 0, misnamed: null, folders: [] };
    }
  }

  /**
   * Says, once, that a folder is away, is polled or is too full, and that it is back; and which
   * names in it cannot be read.
   */
  #tell(entry: Watched, { scan, leftOut, misnamed }: ScanOutcome): void {
    if (misnamed !== null && misnamed !== entry.lastMisnamed) this.#options.log.warn(misnamed);
    if (scan.ok) entry.lastMisnamed = misnamed;
    const type = entry.mount?.typeWithoutEvents ?? null;
    const { path } = entry;
    let words = '';
    if (!scan.ok) words = entry.mount === null ? scan.message : `${scan.message} Its models stay as they are until it is back.`;
    else if (leftOut > 0) words = `${path} holds too many models: ${leftOut} of them are ignored.`;
    else if (scan.isCut === true) words = `${path} holds more than a million files; some of them are not scanned.`;
    else if (type !== null)
      words = `${path} lies on ${type}, which reports no changes, so it is scanned every ${this.#intervalMs(entry) / 1000} s.`;
    if (words === entry.lastProblem) return;
    if (words !== '') this.#options.log.warn(words);
    else this.#options.log.say(`The folder ${path} is available again.`);
    entry.lastProblem = words;
  }

  /**
   * Listens to these folders and to no others; resolves with whether there are new ones, when each
   * of them is heard.
   */
  async #listenTo(entry: Watched, folders: readonly string[]): Promise<boolean> {
    const wanted = new Set(folders);
    for (const folder of entry.events.keys()) if (!wanted.has(folder)) await this.#unwatch(entry, folder);
    const others = [...this.#watched.values()].reduce((sum, { events }) => sum + (events === entry.events ? 0 : events.size), 0);
    let isNew = false;
    for (const folder of folders.slice(0, Math.max(0, MOST_LISTENED - others))) {
      const is = await stat(folder).then(
        ({ dev, ino }) => `${dev}:${ino}`,
        () => null,
      );
      const known = entry.events.get(folder);
      if (known?.is === is) continue;
      isNew = true;
      if (known !== undefined) await this.#unwatch(entry, folder);
      if (is !== null && !entry.closed) await this.#listen(entry, folder, is);
    }
    return isNew;
  }

  async #listen(entry: Watched, folder: string, is: string): Promise<void> {
    const { log, scanIntervalMs } = this.#options;
    const watcher = new FolderEvents({ depth: 0, ignoreInitial: true, followSymlinks: false, ignorePermissionErrors: true });
    watcher.add(folder);
    entry.events.set(folder, { is, watcher });
    watcher.on('raw', (_event, name) => {
      entry.eventCount += 1;
      const isTooMany = entry.eventCount > MOST_EVENTS;
      if (isTooMany) void this.#unwatch(entry, folder);
      if (isTooMany || !isSystemJunk(basename(name ?? ''))) this.#hint(entry);
    });
    watcher.on('all', () => this.#hint(entry));
    watcher.on('error', (error) => {
      const code = errorCode(error);
      const why = code === 'ENOSPC' || code === 'EMFILE' ? 'the system gives no more watches (fs.inotify)' : String(error);
      log.warn(`${entry.path}: some changes are found only by the scan every ${scanIntervalMs / 1000} s, because ${why}.`);
    });
    await new Promise<void>((resolve) => {
      watcher.once('ready', resolve);
      watcher.once('error', () => resolve());
    });
  }

  async #unwatch(entry: Watched, folder: string): Promise<void> {
    const watcher = entry.events.get(folder)?.watcher;
    entry.events.delete(folder);
    await watcher?.close();
  }

  async #stop(entry: Watched): Promise<void> {
    entry.closed = true;
    entry.cancelTimer();
    entry.look.giveUp();
    this.#watched.delete(entry.path);
    await entry.running?.catch(() => undefined);
    await Promise.all([...entry.events.keys()].map((folder) => this.#unwatch(entry, folder)));
  }
}
