/**
 * Finds the files of a model in another tool's store: the snapshot of a repository in Hugging
 * Face's cache, or the blob that an Ollama manifest names. Reads names, stats and those small
 * files; executes and writes nothing (I7, I8).
 */
import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isHuggingfaceRepository, isOllamaManifest } from '../../core/stores/names.ts';
import { MANIFEST_MAX_BYTES, readOllamaManifest } from '../../core/stores/ollama.ts';
import type { Disk } from '../files/disk.ts';
import { type EntryBudget, entriesOf } from '../files/entries.ts';

/** A commit and a line feed; more is something else. */
const REF_MAX_BYTES = 256;
/** A cache keeps a few; the newest are looked at (I10). */
const MOST_SNAPSHOTS = 64;
const MOST_ENTRIES = 4_096;
const MOST_DEPTH = 8;

/**
 * What to look at in place of the path. `missing`: it is named, and not there yet; `refused`: it
 * must not be used, with a sentence.
 */
export type Stored =
  | { readonly kind: 'folder' | 'file'; readonly path: string }
  | { readonly kind: 'missing'; readonly path: string }
  | { readonly kind: 'refused'; readonly message: string };

/**
 * Null: the path is no entry of a store, and stands for itself. Rejects with the file error where
 * it cannot be read.
 */
export async function storedAt(path: string, disk: Disk): Promise<Stored | null> {
  if (isOllamaManifest(path)) return ollamaBlob(path, disk);
  return isHuggingfaceRepository(path) ? huggingfaceSnapshot(path, disk) : null;
}

/** The snapshot of the branch main; else the newest that is whole; else the newest. */
async function huggingfaceSnapshot(repository: string, disk: Disk): Promise<Stored | null> {
  const folder = join(repository, 'snapshots');
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => null);
  // A folder that only has such a name.
  if (entries === null) return null;
  const commits = entries.filter((entry) => entry.isDirectory() && /^[0-9a-f]{7,64}$/.test(entry.name)).map(({ name }) => name);
  const main = (await readStart(join(repository, 'refs', 'main'), REF_MAX_BYTES).catch(() => null))?.trim();
  if (main !== undefined && commits.includes(main)) return { kind: 'folder', path: join(folder, main) };
  const dated = await Promise.all(
    commits
      .slice(0, MOST_SNAPSHOTS)
      .map(async (name) => ({ path: join(folder, name), mtimeMs: (await disk.stat(join(folder, name))).mtimeMs })),
  );
  dated.sort((one, other) => other.mtimeMs - one.mtimeMs);
  for (const { path } of dated) if (await leadsSomewhere(path, disk)) return { kind: 'folder', path };
  const [newest] = dated;
  if (newest !== undefined) return { kind: 'folder', path: newest.path };
  return { kind: 'missing', path: folder };
}

/** Does each link in the folder lead to a file? Those of an unfinished download do not. */
async function leadsSomewhere(folder: string, disk: Disk, budget: EntryBudget = { left: MOST_ENTRIES }, depth = 0): Promise<boolean> {
  const { entries } = await entriesOf(folder, budget, disk);
  if (entries.length === 0) return depth > 0;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && depth < MOST_DEPTH && !(await leadsSomewhere(path, disk, budget, depth + 1))) return false;
    if (entry.isSymbolicLink() && (await disk.lstat(resolve(folder, await disk.readlink(path))).catch(() => null)) === null) return false;
  }
  return true;
}

async function ollamaBlob(manifest: string, disk: Disk): Promise<Stored> {
  const facts = await disk.stat(manifest);
  if (!facts.isFile()) return { kind: 'refused', message: `${manifest} is not a regular file.` };
  if (facts.size > MANIFEST_MAX_BYTES)
    return { kind: 'refused', message: `${manifest} has ${facts.size} bytes: that is too large for a manifest.` };
  const model = readOllamaManifest(await readStart(manifest, facts.size));
  if (typeof model === 'string') return { kind: 'refused', message: `${manifest} cannot be served: ${model}.` };
  // manifests/HOST/NAMESPACE/NAME/TAG: five names below the store's own folder.
  const blob = join(dirname(dirname(dirname(dirname(dirname(manifest))))), 'blobs', model.blob);
  const found = await disk.lstat(blob).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (found === null) return { kind: 'missing', path: blob };
  if (!found.isFile()) return { kind: 'refused', message: `${blob} is not a regular file: it is not followed.` };
  const owners = [process.getuid?.() ?? found.uid, 0, facts.uid];
  if (!owners.includes(found.uid)) return { kind: 'refused', message: `${blob} belongs to user ${found.uid}: it is not read.` };
  return { kind: 'file', path: blob };
}

/** Of a regular file in the store itself: no link is followed, and a pipe holds nobody. */
async function readStart(path: string, maxBytes: number): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const buffer = Buffer.alloc(maxBytes);
    const { bytesRead } = await file.read(buffer, 0, maxBytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
