/**
 * One look at a watch folder: its children that are models, as names and stats tell. The truth that events only hint at.
 * Asynchronous and bounded; opens no file.
 */
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isModelFile } from '../core/analyzer/not-there-yet.ts';
import { projectorOwner } from '../core/analyzer/side-files.ts';
import { splitName } from '../core/analyzer/split-names.ts';
import type { CandidateListing, FolderScan } from '../core/ports.ts';
import { storedName } from '../core/stores/names.ts';
import { errorCode, listCandidate, listCandidateFiles, listingOf } from './files.ts';
import { type Ground, groundOf, unmounted } from './mounts.ts';

/** Loose files that are models by themselves; a stray text file or a download in progress is none. */
const LOOSE_MODEL = /\.(?:gguf|safetensors|onnx|pt|pth|plan|engine)$/i;
/** Folders with numbers for names are the versions of one Triton model, not models of an owner. */
const VERSION = /^\d+$/;
/** A folder with more children is somebody's home; the rest is left out, by name, and said. */
export const MAX_CHILDREN = 2000;

export interface FolderLook {
  readonly scan: FolderScan;
  /** What to compare the next look with; null where the folder could not be read. */
  readonly ground: Ground | null;
  readonly leftOut: number;
}

/**
 * @param before the ground of the last good look, by which an unmounted disk is told from an emptied folder; null for the first.
 * @param others watch folders that lie in this one: their models are theirs.
 */
export async function scanFolder(folder: string, before: Ground | null, others: ReadonlySet<string>): Promise<FolderLook> {
  try {
    const ground = await groundOf(await realpath(folder));
    const lost = before === null ? null : unmounted(before, ground, folder);
    if (lost !== null) return away(folder, lost);
    const entries = (await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted();
    const candidates: CandidateListing[] = [];
    for (const name of entries.slice(0, MAX_CHILDREN)) {
      // A projector is looked at with its model, not as a second one.
      if (projectorOwner(name, entries) !== null) continue;
      if (!others.has(join(folder, name))) candidates.push(...(await childCandidates(folder, name)));
    }
    return { scan: { folder, ok: true, candidates }, ground, leftOut: Math.max(0, entries.length - MAX_CHILDREN) };
  } catch (error) {
    const code = errorCode(error);
    if (code === null) throw error;
    return away(folder, awaySentence(folder, code));
  }
}

/** A path that a person registered, by itself. Missing: no candidate; its parent missing or unmounted: away. */
export async function scanPath(path: string, before: Ground | null): Promise<FolderLook> {
  const parent = dirname(path);
  try {
    const ground = await groundOf(await realpath(parent));
    const lost = before === null ? null : unmounted(before, ground, parent);
    if (lost !== null) return away(path, lost);
    const listing = await listCandidate(path, storedName(path) ?? basename(path));
    return { scan: { folder: path, ok: true, candidates: listing === null ? [] : [listing] }, ground, leftOut: 0 };
  } catch (error) {
    const code = errorCode(error);
    if (code === null) throw error;
    return away(path, awaySentence(parent, code));
  }
}

function away(folder: string, message: string): FolderLook {
  return { scan: { folder, ok: false, message }, ground: null, leftOut: 0 };
}

function awaySentence(folder: string, code: string): string {
  if (code === 'ENOENT') return `The folder ${folder} is not there.`;
  if (code === 'ENOTDIR') return `${folder} is not a folder.`;
  if (code === 'EACCES' || code === 'EPERM') return `The folder ${folder} cannot be read: this user lacks the right to.`;
  return `The folder ${folder} cannot be read: the system answers ${code}.`;
}

async function childCandidates(folder: string, name: string): Promise<readonly CandidateListing[]> {
  const path = join(folder, name);
  const stats = await stat(path).catch(() => null);
  if (stats === null) return [];
  if (!stats.isDirectory()) return stats.isFile() && isLooseModel(name) ? compact([await listCandidate(path, name)]) : [];
  const models = await ownedModels(path);
  if (models.length > 0) return compact(await Promise.all(models.map((model) => listCandidate(join(path, model), `${name}/${model}`))));
  const found = await listCandidateFiles(path);
  // Empty so far: nothing to tell of. One that may not be read is told of, so that its sentence reaches a person.
  if (found === null || (found.files.length === 0 && found.unreadable === null)) return [];
  return [listingOf(found, path, storedName(path) ?? name)];
}

/** A loose file; of the parts of a split model only the first, which stands for them all. */
function isLooseModel(name: string): boolean {
  return LOOSE_MODEL.test(name) && (splitName(name)?.part ?? 1) === 1;
}

/** The models of an owner's folder: it holds folders only, and at least one of them looks like a model. Else none. */
async function ownedModels(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const visible = entries.filter((entry) => !entry.name.startsWith('.')).slice(0, MAX_CHILDREN);
  if (visible.length === 0 || visible.some((entry) => !entry.isDirectory() || VERSION.test(entry.name))) return [];
  const looks = await Promise.all(
    visible.map(async ({ name }) => {
      const names = await readdir(join(path, name)).catch(() => []);
      return { name, empty: names.length === 0, model: names.some((file) => isModelFile(file.replace(/\.(?:part|incomplete|tmp)$/i, ''))) };
    }),
  );
  return looks.some((look) => look.model) ? looks.filter((look) => !look.empty).map((look) => look.name) : [];
}

function compact(listings: readonly (CandidateListing | null)[]): readonly CandidateListing[] {
  return listings.filter((listing) => listing !== null);
}
