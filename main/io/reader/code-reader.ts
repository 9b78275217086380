/** The port CodeReader for real: one candidate at a time, by a reader of its own, so that hashing gigabytes delays no look at a model (I12). */
import type { CodeReader } from '../../core/ports.ts';
import { identityOf, listCandidateFiles } from '../files/files.ts';
import type { Reader } from './reader.ts';

export function createCodeReader(reader: Reader): CodeReader {
  return {
    read: (path, files, signal) => reader.ask('code', { path, files }, signal),
    async identities(path) {
      const found = await listCandidateFiles(path);
      return found?.files.map(identityOf) ?? [];
    },
  };
}
