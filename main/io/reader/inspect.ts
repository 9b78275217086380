/**
 * Inspects a candidate once: lists its files, has the analyzer read their headers, and checks who
 * still writes to them. Runs in the reader process, because it reads synchronously (I12). Executes
 * nothing of what it reads (I7) and writes nothing (I8).
 */
import { createHash } from 'node:crypto';
import { closeSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import type { ModelProfile } from '../../../shared/profile.ts';
import { visibleName } from '../../../shared/visible.ts';
import { boundedTexts } from '../../core/analyzer/bounded-texts.ts';
import type { ByteSource } from '../../core/analyzer/bytes.ts';
import { analyzeCandidate } from '../../core/analyzer/candidate.ts';
import { analyzeLoose } from '../../core/analyzer/loose-file.ts';
import type { FileIdentity, Inspection } from '../../core/ports.ts';
import { listed } from '../../core/sentences.ts';
import { blockingDisk } from '../files/disk.ts';
import { tellsChanges } from '../files/entries.ts';
import { type CandidateFiles, errorCode, identityOf, type ListedFile, listCandidateFiles } from '../files/files.ts';
import { rememberingNames } from '../files/names-beside.ts';
import { openListed } from '../files/open-file.ts';
import { whyUnreadable } from '../files/unreadable.ts';
import { writerFinder } from '../files/writers.ts';
import { pauseInTime } from '../pause-in-time.ts';

/**
 * What the converter would say of these files (names to absolute paths): a sentence without its
 * full stop, or null.
 */
export type Convertible = (files: Readonly<Record<string, string>>, profile: ModelProfile) => string | null;

/** The files are those that were read before. Who writes to them is asked each time. */
export interface Unchanged {
  readonly unchanged: true;
  readonly writer: Inspection['writer'];
}

const TOO_MUCH = 'Its files say more about the model than any model has to say: thousands of names, types or inputs.';

/** Hundreds of files of one folder are looked at one after the other. */
const namesBeside = rememberingNames(blockingDisk);
const findWriter = writerFinder();

/**
 * @param force a person said "load anyway": tensors that end in zeros count as data.
 * @param convertible asked of a whole folder that a GGUF can be made of, by its config.json; left
 * out where nobody is about to load it.
 */
export async function inspectCandidate(path: string, force: boolean, convertible: Convertible = () => null): Promise<Inspection> {
  return inspectFound(path, await listCandidateFiles(path, blockingDisk, namesBeside), force, convertible);
}

/** Reads the files only if they are not those of the last look. @param readAs of that look. */
export async function inspectAgain(
  path: string,
  force: boolean,
  readAs: string | null,
  convertible: Convertible,
): Promise<Inspection | Unchanged> {
  const atMs = Date.now();
  const found = await listCandidateFiles(path, blockingDisk, namesBeside);
  const now = found === null ? null : identifierOf(found, force, atMs);
  if (found !== null && now !== null && now === readAs) return { unchanged: true, writer: findWriter(found.files) };
  const inspection = await inspectFound(path, found, force, convertible);
  const { usable, damage, zeroTails, writer } = inspection;
  // Who holds a file open may write to it through memory, which changes its time only now and then.
  const isSure = usable && damage === null && zeroTails.length === 0 && writer === null;
  return isSure && now !== null ? { ...inspection, readAs: now } : inspection;
}

/** Null: a file changed so short a time ago that it may change again and look the same. */
function identifierOf(found: CandidateFiles, force: boolean, atMs: number): string | null {
  if (!found.files.every(({ mtimeMs, ctimeMs = 0 }) => tellsChanges({ mtimeMs, ctimeMs, atMs }))) return null;
  return createHash('sha256')
    .update(JSON.stringify([found, force]))
    .digest('hex');
}

async function inspectFound(path: string, found: CandidateFiles | null, force: boolean, convertible: Convertible): Promise<Inspection> {
  const { files, ...said } = await inspected(path, found, force, convertible);
  const bounded = boundedTexts(said, new Set(files.map((file) => file.path)));
  return bounded === null ? { ...unfinished(files, [], null), damage: TOO_MUCH } : { files, ...bounded };
}

async function inspected(path: string, found: CandidateFiles | null, force: boolean, convertible: Convertible): Promise<Inspection> {
  if (found === null) return unfinished([], [`${basename(path)}: not there`], null);
  const files = found.files.map(identityOf);
  if (found.unreadable !== null) return unfinished(files, [], found.unreadable);
  const nothing = nothingIn(found);
  if (nothing !== null) return { ...unfinished(files, found.dangling, null), nothing };
  const opened: number[] = [];
  try {
    const inspection = examine(found, files, force, opened);
    return inspection.usable ? withConversion(inspection, found.files, convertible) : inspection;
  } catch (error) {
    const code = errorCode(error);
    if (code === null) throw error;
    // Another file took its place since it was listed, as the last step of a download does: the
    // next look sees that one.
    if (code === 'content-changed') return unfinished(files, [`${basename(path)}: changed while it was looked at`], null);
    return unfinished(files, [], await whyUnreadable(pathOf(error) ?? path, code));
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/** Which file it was that the system refused. */
function pathOf(error: unknown): string | null {
  return error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : null;
}

function examine(found: CandidateFiles, files: readonly FileIdentity[], force: boolean, opened: number[]): Inspection {
  const sources = found.files.map((file) => ({ path: file.path, bytes: file.bytes, open: () => openSource(file, opened) }));
  const analysis = found.kind === 'file' ? analyzeLoose(sources, force) : analyzeCandidate(sources, force);
  const { bytesExpected, missing, damage, zeroTails, whole, usable, profile } = analysis;
  // Asking every process takes a while: only where nothing else holds the model back.
  const writer = usable || damage !== null ? findWriter(files) : null;
  return {
    files,
    copy: { bytesPresent: sum(files), bytesExpected, missing },
    whole,
    usable,
    zeroTails,
    writer,
    damage,
    unreadable: null,
    profile: profile === null ? null : { ...profile, notes: [...profile.notes, ...found.refused] },
  };
}

/** A folder without a file: null where there is one, and for what is no folder of its own. */
function nothingIn({ kind, files, dangling, realPath }: CandidateFiles): NonNullable<Inspection['nothing']> | null {
  if (kind === 'file' || files.length > 0) return null;
  if (dangling.length === 0) {
    // The folder of a store's snapshots is there before the first of them.
    if (basename(realPath) === 'snapshots') return null;
    const help = "Copy a model's files into it. Modelium reads it again as soon as a file arrives.";
    return { isEmpty: true, message: 'It is an empty folder.', help };
  }
  const message = `It contains only broken links: ${listed(dangling.map(visibleName))}.`;
  return { isEmpty: false, message, help: 'Copy what the links lead to instead of the links, with `cp -rL` or `rsync -aL`.' };
}

/**
 * The last answers by the files that they were for: a copy that has just ended is looked at several
 * times.
 */
const answers = new Map<string, string | null>();
const MOST_ANSWERS = 32;

/**
 * A form that the converter would refuse is not one that a GGUF can be made of: said with the
 * verdict, not when somebody loads it.
 */
function withConversion(inspection: Inspection, files: readonly ListedFile[], convertible: Convertible): Inspection {
  const { profile } = inspection;
  const isAsked = profile?.forms.some(({ conversion }) => conversion !== undefined && conversion.architecture !== null) === true;
  if (profile === null || !isAsked) return inspection;
  const key = JSON.stringify(files.map(({ absolute, bytes, mtimeMs, inode }) => [absolute, bytes, mtimeMs, inode]));
  let why = answers.get(key);
  if (why === undefined) {
    why = convertible(Object.fromEntries(files.map(({ path, absolute }) => [path, absolute])), profile);
    if (answers.size >= MOST_ANSWERS) answers.clear();
    answers.set(key, why);
  }
  if (why === null) return inspection;
  const conversion = { architecture: null, contextTokens: null, why: visibleName(why) };
  const forms = profile.forms.map((form) => (form.conversion?.architecture == null ? form : { ...form, conversion }));
  return { ...inspection, profile: { ...profile, forms } };
}

/** A file's bytes; each read is one `pread`. The descriptor is closed by who handed in `opened`. */
function openSource(file: ListedFile, opened: number[]): ByteSource {
  const descriptor = openListed(file);
  opened.push(descriptor);
  return {
    bytes: file.bytes,
    read(offset, length) {
      pauseInTime();
      const buffer = new Uint8Array(length);
      const got = readSync(descriptor, buffer, 0, length, offset);
      return got === length ? buffer : buffer.subarray(0, got);
    },
  };
}

function unfinished(files: readonly FileIdentity[], missing: readonly string[], unreadable: string | null): Inspection {
  const copy = { bytesPresent: sum(files), bytesExpected: null, missing };
  return { files, copy, whole: false, usable: false, zeroTails: [], writer: null, damage: null, unreadable, profile: null };
}

function sum(files: readonly FileIdentity[]): number {
  return files.reduce((total, file) => total + file.bytes, 0);
}
