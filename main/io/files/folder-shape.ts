/**
 * Decides from the names in a subfolder of a watch folder whether it is one model, or a publisher's
 * folder with a model in each subfolder. Reads names only, within one budget for the whole scan.
 */
import { basename, join } from 'node:path';
import { isSystemJunk } from '../../core/analyzer/junk-names.ts';
import { isModelFile } from '../../core/analyzer/not-there-yet.ts';
import { isPartFolder } from '../../core/analyzer/part-folders.ts';
import { isHuggingfaceRepository } from '../../core/stores/names.ts';
import type { Disk } from './disk.ts';
import { type EntryBudget, entriesOf } from './entries.ts';

/**
 * How far below a child of the watch folder models are looked for:
 * `publishers/publisher/REPO/QUANT`.
 */
const MAX_NESTING = 3;
/** Names read of one folder to tell what it is: models and their parts are named within them. */
const MAX_NAMES = 2_000;
/**
 * A file beside folders that says that they are parts of one model. Loose GGUFs, notes and what
 * systems leave say nothing.
 */
const WHOLE = /\.(?:json|safetensors|onnx|bin|pt|pth|pt2|ckpt|plan|engine|pbtxt|xml|py|msgpack|pb|h5|model)$/i;
const IN_PROGRESS = /\.(?:part|incomplete|tmp)$/i;
const GGUF = /\.gguf$/i;

export type FolderShape =
  | { readonly kind: 'model' }
  /** No model's file is in it, as far as it was looked at. */
  | { readonly kind: 'other' }
  /** `models`: names of its folders; `files`: of loose GGUFs beside them. */
  | { readonly kind: 'publisher'; readonly models: readonly string[]; readonly files: readonly string[] };

/**
 * @param budget of names, shared by all folders of a look; where it is used up a folder counts as
 * one model.
 */
export async function shapeOf(path: string, budget: EntryBudget, disk: Disk, nesting = 0): Promise<FolderShape> {
  const allowed = { left: Math.min(MAX_NAMES, budget.left) };
  const before = allowed.left;
  const { entries, isCut } = await entriesOf(path, allowed, disk).catch(() => ({ entries: [], isCut: false }));
  budget.left -= before - allowed.left;
  const visible = entries.filter(({ name }) => !isSystemJunk(name));
  const files = visible.filter((entry) => !entry.isDirectory()).map(({ name }) => name.replace(IN_PROGRESS, ''));
  const folders = visible.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  // A copy of Hugging Face's cache, whatever else it keeps: each repository is one model.
  const repositories = folders.filter((name) => isHuggingfaceRepository(join(path, name)));
  if (repositories.length > 0) return { kind: 'publisher', models: repositories, files: [] };
  if (isCut || files.some((name) => WHOLE.test(name)) || folders.length === 0) {
    return { kind: isCut || files.some(isModelFile) ? 'model' : 'other' };
  }
  const parent = basename(path);
  const others = folders.filter((name) => !isPartFolder(name, parent));
  const shapes = new Map<string, FolderShape['kind']>();
  for (const name of nesting < MAX_NESTING ? folders : [])
    shapes.set(name, (await shapeOf(join(path, name), budget, disk, nesting + 1)).kind);
  const isModel = (name: string): boolean => (shapes.get(name) ?? 'other') !== 'other';
  if (others.some(isModel)) {
    // Of folders named like parts only those that hold a model.
    const models = folders.filter((name) => others.includes(name) || isModel(name));
    return { kind: 'publisher', models, files: files.filter((name) => GGUF.test(name)) };
  }
  return { kind: files.some(isModelFile) || folders.some(isModel) ? 'model' : 'other' };
}
