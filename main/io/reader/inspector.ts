/** The port Library for real: asks the reader. What it cannot say of a candidate is said of it as well: nothing that lies there is passed over in silence. */
import { ModeliumError } from '../../../shared/errors.ts';
import type { Inspection, Library } from '../../core/ports.ts';
import type { Reader } from './reader.ts';

export function createInspector(reader: Reader): Library {
  return {
    async inspect(path, { force, signal }) {
      try {
        return await reader.ask('inspect', { path, force }, signal);
      } catch (thrown) {
        if (thrown instanceof ModeliumError && thrown.code === 'cancelled') throw thrown;
        return unreadable(path, thrown instanceof Error ? thrown.message : String(thrown));
      }
    },
  };
}

function unreadable(path: string, message: string): Inspection {
  const copy = { bytesPresent: 0, bytesExpected: null, missing: [] };
  const sentence = `${path} could not be looked at: ${message.replace(/\.$/, '')}.`;
  return { files: [], copy, whole: false, usable: false, zeroTails: [], writer: null, damage: null, unreadable: sentence, profile: null };
}
