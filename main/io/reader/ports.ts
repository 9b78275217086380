/**
 * Implements three core ports by asking the reader process. If the reader cannot answer for a
 * candidate, that failure becomes the candidate's result, so that no candidate is dropped silently.
 */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { ModeliumError } from '../../../shared/errors.ts';
import { NOTHING_COPIED } from '../../../shared/model.ts';
import type { CodeReader, FoundModels, Inspection, Library, ModelFinder } from '../../core/ports.ts';
import { errorCode, identityOf, listCandidateFiles } from '../files/files.ts';
import { whyUnreadable } from '../files/unreadable.ts';
import type { Reader } from './reader.ts';
import type { StoreFolder } from './store-folders.ts';

/** Stores on a slow disk take their time, and nobody waits for them but who asked. */
const LIMITS = { forMs: 10_000, mostModels: 1_000 } as const;

export function createInspector(reader: Reader): Library {
  return {
    async inspect(path, { force, last = null, signal }) {
      try {
        const answer = await reader.ask('inspect', { path, force, readAs: last?.readAs ?? null }, signal);
        // Told only to who has said what they were read as.
        return 'unchanged' in answer ? { ...(last as Inspection), writer: answer.writer } : answer;
      } catch (thrown) {
        if (thrown instanceof ModeliumError && thrown.code === 'cancelled') throw thrown;
        return unreadable(path, thrown instanceof Error ? thrown.message : String(thrown));
      }
    },
  };
}

function unreadable(path: string, message: string): Inspection {
  const copy = NOTHING_COPIED;
  const sentence = `${path} could not be inspected: ${message.replace(/\.$/, '')}.`;
  return { files: [], copy, whole: false, usable: false, zeroTails: [], writer: null, damage: null, unreadable: sentence, profile: null };
}

/**
 * One candidate at a time, by a reader of its own: hashing gigabytes delays no look at a model
 * (I12).
 */
export function createCodeReader(reader: Reader): CodeReader {
  return {
    read: (path, files, signal) => reader.ask('code', { path, files }, signal),
    async identities(path) {
      const found = await listCandidateFiles(path);
      return found?.files.map(identityOf) ?? [];
    },
    async unreadable(path, isNeeded) {
      const found = await listCandidateFiles(path);
      if (found === null || found.unreadable !== null) return found?.unreadable ?? null;
      for (const file of found.files) {
        const error: unknown = isNeeded(file.path) ? await access(file.absolute, constants.R_OK).catch((thrown: unknown) => thrown) : null;
        const code = errorCode(error);
        // What is gone is other content, which others tell.
        if (code !== null && code !== 'ENOENT') return whyUnreadable(file.absolute, code);
      }
      return null;
    },
  };
}

/**
 * Where other tools keep their models.
 * @param folders where to look, asked for each time. Two who ask at once share one look, which is
 * too short to be called off.
 */
export function createModelFinder(reader: Reader, folders: () => readonly StoreFolder[]): ModelFinder {
  let looking: Promise<FoundModels> | null = null;
  return {
    find() {
      looking ??= reader.ask('found', { folders: folders(), limits: LIMITS }, new AbortController().signal).finally(() => {
        looking = null;
      });
      return looking;
    },
  };
}
