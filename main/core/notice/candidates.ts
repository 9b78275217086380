/**
 * Compares a scan of a watch folder with the known models: which appeared, changed, were renamed,
 * are absent or are gone for good. Pure: the orchestrator passes the known models, applies the
 * events in order and keeps the absences for the next scan.
 */

import { visibleName } from '../../../shared/visible.ts';
import type { CandidateListing, FileIdentity, FolderScan, RememberedModel } from '../ports.ts';
import { givenName, idOf, TakenNames, unusedId } from './model-ids.ts';
import { sameBytes, sameFiles } from './settle.ts';

/** A model that the registry holds. */
export interface KnownCandidate {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly path: string;
  readonly realPath: string;
  readonly device: number;
  readonly inode: number;
  readonly bornMs?: number;
  readonly files: readonly FileIdentity[];
  /** Registered by a person: its scan is one of that path alone. */
  readonly added: boolean;
  /** Its folder could not be read at the last scan. */
  readonly away: boolean;
}

export type CandidateEvent =
  /**
   * New content. `remembered`: the model that had this path before, whose id (and so pin and
   * settings) it takes over.
   */
  | {
      readonly type: 'appeared';
      readonly id: string;
      readonly aliases: readonly string[];
      readonly listing: CandidateListing;
      readonly remembered: RememberedModel | null;
      /**
       * A known model with the very same files elsewhere: a move or a second link, so nothing that
       * loads by itself.
       */
      readonly sameContentAs: string | null;
    }
  /**
   * Content that was served before (restart, remount, move): unloaded or failed as remembered,
   * never new.
   */
  | {
      readonly type: 'recognised';
      readonly id: string;
      readonly aliases: readonly string[];
      readonly listing: CandidateListing;
      readonly remembered: RememberedModel;
    }
  | { readonly type: 'changed'; readonly id: string; readonly listing: CandidateListing }
  /**
   * The same content under another name: nothing reloads. The id stays; `aliases` has the new name
   * besides the old ones.
   */
  | {
      readonly type: 'renamed';
      readonly id: string;
      readonly newName: string;
      readonly aliases: readonly string[];
      readonly listing: CandidateListing;
    }
  | { readonly type: 'away'; readonly id: string; readonly message: string }
  /**
   * The same bytes as far as one can tell, but something was done to a file (rights, a write that
   * set its time back).
   */
  | { readonly type: 'touched'; readonly id: string; readonly listing: CandidateListing }
  /**
   * Seen again, unchanged, after it was away or absent (or with another device number after a
   * remount).
   */
  | { readonly type: 'returned'; readonly id: string; readonly listing: CandidateListing }
  | { readonly type: 'gone'; readonly id: string };

/**
 * Since when (monotonic ms) a model's path is not listed any more: within the time for renames it
 * is not believed to be gone.
 */
export type Absences = ReadonlyMap<string, number>;

export interface Reconciled {
  readonly events: readonly CandidateEvent[];
  readonly absences: Absences;
  /**
   * Scan this folder again in so many milliseconds, because something is absent and not yet gone;
   * null: no need.
   */
  readonly againMs: number | null;
  /** There is more: apply these events, and hand in the same scan again in a later turn. */
  readonly isMore: boolean;
}

export interface Noticed {
  readonly known: readonly KnownCandidate[];
  /** Models of earlier runs; those that are in `known` are passed over. */
  readonly remembered: readonly RememberedModel[];
  readonly absences: Absences;
  /** All watch folders: a model belongs to the innermost one that holds it. */
  readonly folders: readonly string[];
  readonly scan: FolderScan;
  readonly nowMs: number;
}

/**
 * If a name disappears and returns, or appears elsewhere, within this time, it counts as renamed.
 */
export const RENAME_WINDOW_MS = 5_000;

/** Events of one comparison: thousands of models come and go at once, and requests wait (I10). */
const MOST_EVENTS = 100;

/**
 * What the scan means. Calling it again with the same scan, its events applied, gives those that
 * were too many before, and at last no events but the `gone` that time brings.
 */
export function reconcile(noticed: Noticed, mostEvents: number = MOST_EVENTS): Reconciled {
  const { scan, known, nowMs } = noticed;
  const here = known.filter((model) => belongsTo(model, scan.folder, noticed.folders));
  const absences = new Map(noticed.absences);
  if (!scan.ok) {
    for (const model of here) absences.delete(model.id);
    const events = here.filter((model) => !model.away).map((model) => ({ type: 'away', id: model.id, message: scan.message }) as const);
    return { events, absences, againMs: null, isMore: false };
  }
  const events: CandidateEvent[] = [];
  const byPath = new Map(known.map((model) => [model.path, model]));
  const notScanned = new Set(scan.notScanned);
  for (const listing of scan.candidates) {
    if (events.length >= mostEvents) break;
    const model = byPath.get(listing.path);
    if (model === undefined) continue;
    const event = seenAgain(model, listing, absences.delete(model.id));
    if (event !== null) events.push(event);
  }
  // What was not looked at is not gone.
  const listed = new Set(scan.candidates.map((listing) => listing.path));
  for (const model of here) {
    if (scan.isCut || notScanned.has(model.path)) absences.delete(model.id);
    else if (!listed.has(model.path) && !absences.has(model.id)) absences.set(model.id, nowMs);
  }
  const fresh = scan.candidates.filter((listing) => !byPath.has(listing.path));
  events.push(...arrivals(fresh, noticed, absences, mostEvents - events.length));
  let againMs: number | null = null;
  for (const model of here) {
    // Who is absent may be renamed by one of the arrivals that are left.
    if (events.length >= mostEvents) break;
    const since = absences.get(model.id);
    if (since === undefined) continue;
    const leftMs = since + RENAME_WINDOW_MS - nowMs;
    if (leftMs > 0) againMs = Math.min(againMs ?? leftMs, leftMs);
    else {
      absences.delete(model.id);
      events.push({ type: 'gone', id: model.id });
    }
  }
  return { events, absences, againMs, isMore: events.length >= mostEvents };
}

function seenAgain(model: KnownCandidate, listing: CandidateListing, wasAbsent: boolean): CandidateEvent | null {
  if (!sameFiles(model.files, listing.files, true)) return { type: 'changed', id: model.id, listing };
  const moved = model.device !== listing.device || model.inode !== listing.inode || model.realPath !== listing.realPath;
  if (wasAbsent || model.away || moved) return { type: 'returned', id: model.id, listing };
  return isTouched(model.files, listing.files) ? { type: 'touched', id: model.id, listing } : null;
}

/** @param before and `now` the same files in any order. */
function isTouched(before: readonly FileIdentity[], now: readonly FileIdentity[]): boolean {
  return now.some((file, index) => {
    const same = before[index]?.path === file.path ? before[index] : before.find(({ path }) => path === file.path);
    return same?.ctimeMs !== file.ctimeMs;
  });
}

/**
 * Paths that nobody knows, `most` of them: renamed, remembered from an earlier run, or new. Takes
 * the renamed ones out of the absences.
 */
function arrivals(
  listings: readonly CandidateListing[],
  noticed: Noticed,
  absences: Map<string, number>,
  most: number,
): readonly CandidateEvent[] {
  const { known, nowMs } = noticed;
  if (listings.length === 0 || most <= 0) return [];
  const knownIds = new Set(known.map((model) => model.id));
  const remembered = noticed.remembered.filter((model) => !knownIds.has(model.id));
  const taken = new TakenNames([...known, ...noticed.remembered].flatMap((model) => [model.id, ...model.aliases]));
  const events: CandidateEvent[] = [];
  const claimed = new Set<string>();
  const byInode = groupedBy(known, (model) => `${model.device}:${model.inode}`);
  const byContent = groupedBy<ModelFiles>(known, ({ files }) => contentKey(files));
  const rememberedPaths = new Map(remembered.map((model) => [model.path, model]));
  const rememberedContents = groupedBy(remembered, ({ files }) => contentKey(files));
  // Remembered paths first: a stranger that is listed before them must not take their ids.
  const isRemembered = (listing: CandidateListing): number => (rememberedPaths.has(listing.path) ? 1 : 0);
  for (const listing of listings.toSorted((one, other) => isRemembered(other) - isRemembered(one)).slice(0, most)) {
    const old = byInode
      .get(`${listing.device}:${listing.inode}`)
      ?.find((model) => isRename(model, listing) && nowMs - (absences.get(model.id) ?? Number.NEGATIVE_INFINITY) <= RENAME_WINDOW_MS);
    if (old !== undefined) {
      absences.delete(old.id);
      events.push(renamed(old, listing, taken));
      // The folder is the same, its files are not: that is other content under another name.
      if (!sameContent(old.files, listing)) events.push({ type: 'changed', id: old.id, listing });
      continue;
    }
    const unclaimed = (model: RememberedModel | undefined): model is RememberedModel => model !== undefined && !claimed.has(model.id);
    const before = rememberedPaths.get(listing.path);
    const moved = rememberedContents.get(contentKey(listing.files))?.find((model) => unclaimed(model) && sameContent(model.files, listing));
    const match = unclaimed(before) ? before : (moved ?? null);
    if (match !== null) claimed.add(match.id);
    const key = contentKey(listing.files);
    const twins = byContent.get(key) ?? [];
    const event = arrival(listing, match, twins, taken);
    events.push(event);
    // Two names of the same files may come at once, by a link beside the folder that it leads to.
    byContent.set(key, [...twins, { id: event.id, files: listing.files }]);
  }
  return events;
}

/** A model that is known, or has just come. */
type ModelFiles = Pick<KnownCandidate, 'id' | 'files'>;

/** The same for the same files in whatever order: one pass finds what may be equal. */
function contentKey(files: readonly FileIdentity[]): string {
  return `${files.length}:${files.reduce((sum, { inode, bytes }) => sum + inode + bytes, 0)}`;
}

function groupedBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

function arrival(
  listing: CandidateListing,
  remembered: RememberedModel | null,
  twins: readonly ModelFiles[],
  taken: TakenNames,
): CandidateEvent {
  if (remembered !== null) {
    const aliases = withName(remembered.id, remembered.aliases, listing, taken);
    if (sameContent(remembered.files, listing)) return { type: 'recognised', id: remembered.id, aliases, listing, remembered };
    return { type: 'appeared', id: remembered.id, aliases, listing, remembered, sameContentAs: null };
  }
  const id = unusedId(idOf(listing.name), taken);
  taken.add(id);
  const aliases = moreNames(listing.name, taken);
  const twin = twins.find((model) => sameContent(model.files, listing))?.id ?? null;
  return { type: 'appeared', id, aliases, listing, remembered: null, sameContentAs: twin };
}

function renamed(old: KnownCandidate, listing: CandidateListing, taken: TakenNames): CandidateEvent {
  const own = new Set([old.id, ...old.aliases]);
  const plain = idOf(listing.name);
  const newName = own.has(plain) ? plain : unusedId(plain, taken);
  taken.add(newName);
  const aliases = [...new Set([...old.aliases, newName, ...moreNames(listing.name, taken)])].filter((name) => name !== old.id);
  return { type: 'renamed', id: old.id, newName, aliases, listing };
}

/** The remembered aliases, and the name of today where it is another one that nobody else has. */
function withName(id: string, aliases: readonly string[], listing: CandidateListing, taken: TakenNames): readonly string[] {
  const plain = idOf(listing.name);
  const isOwnSuffix = id.startsWith(`${plain}-`) && /^\d+$/.test(id.slice(plain.length + 1));
  const more = taken.has(plain) || isOwnSuffix ? [] : [plain];
  for (const name of more) taken.add(name);
  return [...new Set([...aliases, ...more, ...moreNames(listing.name, taken)])];
}

/**
 * The names that it answers to beside its id: the one that people gave where the id had to differ
 * from it, `owner/model`, and `name:tag` as Ollama's clients say it. Each where nobody has it yet.
 */
function moreNames(name: string, taken: TakenNames): readonly string[] {
  const [owner, model] = name.split('/');
  const given = [givenName(name), name].filter((each) => each !== '' && each === visibleName(each));
  const owned = owner === undefined || model === undefined ? [] : [`${idOf(owner)}/${idOf(model)}`, ...given];
  const wanted = owned.length > 0 ? owned : given.slice(0, 1);
  const aliases: string[] = [];
  for (const alias of wanted) {
    if (taken.has(alias)) continue;
    taken.add(alias);
    aliases.push(alias);
  }
  return aliases;
}

/**
 * The very same file or folder under another name. File systems give a freed inode to the next one
 * at once, so that an inode alone says nothing: it must have come to be at the same moment; where
 * the file system keeps no such time, each file must be the same in all that is known of it. In
 * doubt it is new.
 */
function isRename(model: KnownCandidate, listing: CandidateListing): boolean {
  if (model.device !== listing.device || model.inode !== listing.inode) return false;
  if (listing.kind === 'file') return sameContent(model.files, listing);
  if (knowsBirth(model) && knowsBirth(listing)) return model.bornMs === listing.bornMs;
  return sameContent(model.files, listing) && !isTouched(model.files, listing.files);
}

function knowsBirth({ bornMs }: { readonly bornMs?: number }): boolean {
  return bornMs !== undefined && bornMs > 0;
}

/**
 * Compares inode, birth, size and time of each file; its name may differ. Two empty lists are never
 * the same content.
 */
function sameContent(files: readonly FileIdentity[], listing: CandidateListing): boolean {
  if (files.length === 0 || files.length !== listing.files.length) return false;
  if (listing.kind === 'folder') return sameFiles(files, listing.files, true);
  const byInode = new Map(files.map((file) => [file.inode, file]));
  return listing.files.every((file) => {
    const match = byInode.get(file.inode);
    return match !== undefined && sameBytes(match, file);
  });
}

/**
 * Is the model a child (or, below an owner, a grandchild) of the folder, and of no watch folder
 * further in?
 */
function belongsTo(model: KnownCandidate, folder: string, folders: readonly string[]): boolean {
  if (model.added) return model.path === folder;
  const inside = (outer: string): boolean => model.path.startsWith(outer.endsWith('/') ? outer : `${outer}/`);
  if (!inside(folder)) return false;
  const innermost = folders.filter(inside).reduce((best, each) => (each.length > best.length ? each : best), folder);
  return innermost === folder;
}
