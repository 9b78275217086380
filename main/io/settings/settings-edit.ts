/**
 * Edits modelium.yaml for the settings form: based on a revision, checked completely before
 * writing, replaced atomically. It does not apply the settings: the watcher of the file does
 * (`settings-file.ts`).
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { chmod, mkdir, open, readlink, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { SettingsEdit } from '../../../shared/api-settings.ts';
import { ModeliumError } from '../../../shared/errors.ts';
import { errorCode } from '../files/files.ts';
import { findSettingsFile, identity, readText, type SettingsPlaces, searchedFiles, statOrNull } from './settings-file.ts';
import type { SettingsReader } from './settings-reader.ts';

/** In place of a hash. */
const NO_FILE = 'none';
const UNREADABLE = 'unreadable';

/** The file as an editor would see it. The fields are those of `SettingsView`. */
export interface SettingsText {
  readonly file: string | null;
  readonly target: string | null;
  readonly given: Record<string, unknown> | null;
  readonly revision: string;
}

export async function readSettingsText(places: SettingsPlaces, reader: SettingsReader): Promise<SettingsText> {
  const target = await targetOf(places, reader);
  if (target === null || (await statOrNull(target)) === null) return { file: null, target, given: {}, revision: NO_FILE };
  // Why it cannot be read is told by the one who follows the file.
  const text = await readText(target).catch(() => null);
  if (text === null) return { file: target, target, given: null, revision: UNREADABLE };
  const given = await reader.ask({ kind: 'given', file: target, text }).catch(() => null);
  return { file: target, target, given, revision: revisionOf(text) };
}

function revisionOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The file that is in force, else the one to make; null: none by demand. */
async function targetOf(places: SettingsPlaces, reader: SettingsReader): Promise<string | null> {
  if (places.config === null) return null;
  return (await findSettingsFile(places, reader)).file ?? searchedFiles(places)[1];
}

/**
 * Writes the changes into the settings file, and makes the file where there is none.
 * @throws ModeliumError no-settings-file, settings-changed, settings-refused, settings-invalid,
 * settings-unwritable; the file is as it was.
 */
export async function editSettings(places: SettingsPlaces, { changes, revision }: SettingsEdit, reader: SettingsReader): Promise<void> {
  const file = await targetOf(places, reader);
  if (file === null) throw new ModeliumError('no-settings-file', 'This engine runs without a settings file: there is nothing to edit.');
  const before = await statOrNull(file);
  const text = before === null ? '' : await readText(file);
  if (revision !== (before === null ? NO_FILE : revisionOf(text))) throw changedMeanwhile(file);
  const edited = await reader.ask({ kind: 'edited', file, text, changes });
  if (edited !== text || before === null) await replaceFile(file, edited, before);
}

function changedMeanwhile(file: string): ModeliumError {
  return new ModeliumError('settings-changed', `${file} was changed by another program since it was loaded here. Nothing was written.`);
}

/**
 * Whole or not at all: written beside it, on the disk, then moved over it. A link stays one, and
 * what it points to is replaced.
 * @param before the file as its new text was made from; null: there was none, and it is made for
 * its owner only.
 * @throws ModeliumError settings-changed, settings-unwritable.
 */
export async function replaceFile(link: string, text: string, before: Stats | null): Promise<void> {
  let temporary: string | null = null;
  try {
    const file = await behindLinks(link);
    // The move would not ask: who made a file read-only means it.
    if (before !== null && (before.mode & 0o222) === 0) throw unwritable(file, 'it is read-only');
    const folder = dirname(file);
    if (before === null && file === link) await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `.${basename(file)}.${randomBytes(6).toString('hex')}`);
    await writeWhole(path, text, before, () => {
      temporary = path;
    });
    if (identity(await statOrNull(link)) !== identity(before)) throw changedMeanwhile(link);
    await rename(path, file);
    temporary = null;
    await syncFolder(folder);
  } catch (thrown) {
    if (temporary !== null) await rm(temporary, { force: true }).catch(() => {});
    const code = errorCode(thrown);
    if (thrown instanceof ModeliumError || code === null) throw thrown;
    throw unwritable(link, WHY[code] ?? `the system reports ${code}`);
  }
}

/** A link to nowhere is followed too: the file is made where it points. */
async function behindLinks(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch {
    const target = await readlink(file).catch(() => null);
    return target === null ? file : resolve(dirname(file), target);
  }
}

/** @param opened tells that the file is there now, and is ours to remove. */
async function writeWhole(path: string, text: string, before: Stats | null, opened: () => void): Promise<void> {
  const mode = before === null ? 0o600 : before.mode & 0o777;
  const handle = await open(path, 'wx', 0o600);
  opened();
  try {
    await handle.writeFile(text);
    const { uid, gid } = await handle.stat();
    if (before !== null && (before.uid !== uid || before.gid !== gid)) await handle.chown(before.uid, before.gid);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await chmod(path, mode);
}

/**
 * So that the move outlives a power cut; a file system that cannot do that is none of the person's
 * business.
 */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota of this user is used up',
  EROFS: 'its file system is read-only',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  ENOENT: 'its folder is not there',
};

function unwritable(file: string, why: string): ModeliumError {
  return new ModeliumError('settings-unwritable', `${file} could not be written: ${why}. It is as it was.`);
}
