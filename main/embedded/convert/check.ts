/**
 * Checks whether a folder can be converted, without reading its weights: plans all tensors, the
 * tokenizer and the chat template, and writes nothing. The verdict can so report at once what a
 * conversion would find later.
 */
import type { ModelProfile } from '../../../shared/profile.ts';
import { FormatError } from '../../core/analyzer/bytes.ts';
import { layOut } from './convert.ts';
import { ConvertError } from './convert-error.ts';
import { type SourceFiles, SourceFolder } from './source.ts';

/**
 * @returns a sentence without its full stop; null: nothing is in the way, as far as one can tell.
 */
export function whyNotConvertible(files: SourceFiles, profile: ModelProfile): string | null {
  const source = new SourceFolder(files);
  try {
    layOut(source, profile, 'F16');
    return null;
  } catch (thrown) {
    // What the system says of a file is the reader's matter.
    if (!(thrown instanceof ConvertError || thrown instanceof FormatError)) throw thrown;
    return thrown.message.replace(/\.$/, '');
  } finally {
    source.close();
  }
}
