/**
 * Finds models of other tools on this machine: in Hugging Face's cache and the stores of LM Studio
 * and Ollama. Runs in the reader process (I12), bounded in number and time. It copies, moves and
 * writes nothing (I8); links out of a store are refused by name.
 */
import { lstat, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { FoundModel, ModelStore } from '../../../shared/snapshot.ts';
import { splitParts } from '../../core/analyzer/split-names.ts';
import type { FoundModels } from '../../core/ports.ts';
import { storedName } from '../../core/stores/names.ts';
import { blockingDisk } from '../files/disk.ts';
import { errorCode, listCandidateFiles } from '../files/files.ts';
import { whyUnreadable } from '../files/unreadable.ts';
import { inspectCandidate } from './inspect.ts';
import type { StoreFolder } from './store-folders.ts';

export interface FindLimits {
  /** Milliseconds of looking. */
  readonly forMs: number;
  readonly mostModels: number;
}

/** Names looked at in one folder (I10). */
const MOST_ENTRIES = 4_096;
const WEIGHTS = /\.(?:gguf|safetensors|bin|pt|pth|onnx)$/i;
/** Helpers of a model beside it, as LM Studio names them. */
const SIDE_FILE = /(?:^|[-_.])mmproj|(?:^|[-_.])imatrix/i;

/** What could be registered: where, and by what name. */
interface Entry {
  readonly path: string;
  readonly name: string;
}

interface Search {
  readonly models: FoundModel[];
  readonly problems: string[];
  /**
   * Files (or snapshots) that are listed already, by where they really lie: two names for one model
   * are one.
   */
  readonly seen: Set<string>;
  readonly limits: FindLimits;
  readonly endMs: number;
  isCut: boolean;
}

const READERS: Readonly<Record<ModelStore, (search: Search, root: string) => Promise<readonly Entry[]>>> = {
  huggingface: repositories,
  'lm-studio': ownersModels,
  ollama: manifests,
};

export async function findModels(folders: readonly StoreFolder[], limits: FindLimits): Promise<FoundModels> {
  const search: Search = { models: [], problems: [], seen: new Set(), limits, endMs: performance.now() + limits.forMs, isCut: false };
  for (const { store, path } of folders) {
    const root = await realpath(path).catch((error) => missing(search, path, error));
    // The same store by two ways is one.
    if (root === null || search.seen.has(root)) continue;
    search.seen.add(root);
    for (const entry of await READERS[store](search, path)) await describe(search, store, entry);
  }
  return { models: search.models, problems: search.problems, isCut: search.isCut };
}

/** A folder that is not there is no news; one that cannot be read is. */
async function missing(search: Search, path: string, error: unknown): Promise<null> {
  const code = errorCode(error);
  if (code === null) throw error;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') search.problems.push(await whyUnreadable(path, code));
  return null;
}

function isOver(search: Search): boolean {
  if (search.models.length < search.limits.mostModels && performance.now() < search.endMs) return false;
  search.isCut = true;
  return true;
}

/** Names in a folder, sorted; folders first. Links are left out: no tool here links folders. */
async function namesIn(search: Search, folder: string, kind: 'folders' | 'files' | 'all'): Promise<readonly string[]> {
  if (isOver(search)) return [];
  try {
    const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => !entry.name.startsWith('.'));
    const wanted = entries.filter((entry) => (kind === 'all' ? true : kind === 'folders' ? entry.isDirectory() : !entry.isDirectory()));
    return wanted
      .map((entry) => entry.name)
      .toSorted()
      .slice(0, MOST_ENTRIES);
  } catch (error) {
    await missing(search, folder, error);
    return [];
  }
}

async function repositories(search: Search, root: string): Promise<readonly Entry[]> {
  const names = (await namesIn(search, root, 'folders')).filter((name) => name.startsWith('models--'));
  return names.map((name) => ({ path: join(root, name), name: storedName(join(root, name)) ?? name }));
}

/** owner/name/*.gguf: the folder where it holds one model, else each of its models. */
async function ownersModels(search: Search, root: string): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (const owner of await namesIn(search, root, 'folders')) {
    for (const model of await namesIn(search, join(root, owner), 'folders')) {
      const folder = join(root, owner, model);
      const files = await namesIn(search, folder, 'files');
      const ggufs = [
        ...new Set(files.filter((file) => /\.gguf$/i.test(file) && !SIDE_FILE.test(file)).map((file) => splitParts(file)[0] ?? file)),
      ];
      if (ggufs.length > 1) entries.push(...ggufs.map((file) => ({ path: join(folder, file), name: `${owner}/${model}/${file}` })));
      else if (files.length > 0) entries.push({ path: folder, name: `${owner}/${model}` });
    }
  }
  return inside(search, root, entries);
}

/**
 * manifests/HOST/NAMESPACE/NAME/TAG. Of two tags for one blob `latest` says less, so it comes last.
 */
async function manifests(search: Search, root: string): Promise<readonly Entry[]> {
  let folders = [join(root, 'manifests')];
  for (const _level of ['host', 'namespace', 'name']) {
    const below: string[] = [];
    for (const folder of folders) below.push(...(await namesIn(search, folder, 'folders')).map((name) => join(folder, name)));
    folders = below.slice(0, MOST_ENTRIES);
  }
  const entries: Entry[] = [];
  for (const folder of folders) {
    const tags = await namesIn(search, folder, 'files');
    for (const tag of tags.toSorted((one, other) => Number(one === 'latest') - Number(other === 'latest'))) {
      entries.push({ path: join(folder, tag), name: storedName(join(folder, tag)) ?? tag });
    }
  }
  return inside(search, root, entries);
}

/** Those that lie in the store; a link that leads out of it is refused by name. */
async function inside(search: Search, root: string, entries: readonly Entry[]): Promise<readonly Entry[]> {
  const kept: Entry[] = [];
  const home = await realpath(root);
  for (const entry of entries) {
    const real = await realpath(entry.path).catch(() => null);
    const isLink = (await lstat(entry.path).catch(() => null))?.isSymbolicLink() === true;
    if (real === null) search.problems.push(`${entry.path} leads to nothing.`);
    else if (isLink && !real.startsWith(home + sep))
      search.problems.push(`The link ${entry.path} leads out of the store, so Modelium does not follow it.`);
    else kept.push(entry);
  }
  return kept;
}

/** Looks at its headers, as it would be looked at when it is registered. */
async function describe(search: Search, store: ModelStore, { path, name }: Entry): Promise<void> {
  if (isOver(search)) return;
  const found = await listCandidateFiles(path, blockingDisk);
  if (found === null) return;
  const { realPath } = found;
  if (search.seen.has(realPath)) return;
  search.seen.add(realPath);
  const absent = found.dangling.filter((file) => WEIGHTS.test(file) || file === realPath);
  const hasWeights = found.files.some((file) => WEIGHTS.test(file.path)) || found.kind === 'file' || absent.length > 0;
  // A cache also keeps tokenizers and configurations that somebody asked for alone: no models.
  if (!hasWeights && found.unreadable === null) return;
  const { profile, whole, unreadable, damage, copy } = await inspectCandidate(path, false);
  const isModel = profile === null || profile.forms.some(({ kind }) => kind !== 'unknown');
  if (!isModel && unreadable === null) return;
  const lacking = [...copy.missing, ...absent.map((file) => `${file} is not there yet`)];
  search.models.push({
    store,
    name,
    path,
    realPath,
    bytes: copy.bytesPresent,
    kind: profile?.kind ?? null,
    quantization: profile?.quantization ?? null,
    whole: whole && absent.length === 0,
    problem: unreadable ?? damage ?? (lacking.length === 0 ? null : `Not complete: ${lacking.slice(0, 3).join('; ')}.`),
    registered: null,
  });
}
