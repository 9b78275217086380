/**
 * Converts a transformers folder into one GGUF: reads its configuration, plans the tensors, and has
 * them written. Owns the output until it is complete; the folder is only read (I8).
 */
import { lstatSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ModelProfile } from '../../../shared/profile.ts';
import { analyzeCandidate } from '../../core/analyzer/candidate.ts';
import { architectureOf } from '../../core/analyzer/convertible.ts';
import { classOf, textPart } from '../../core/analyzer/huggingface-config.ts';
import { parseJsonObject } from '../../core/analyzer/json.ts';
import { ggufHead } from '../gguf/gguf-writer.ts';
import { checkComplete } from './complete.ts';
import { ConvertError, NoRoomError } from './convert-error.ts';
import type { TargetType } from './encode.ts';
import { hyperparameters, type Metadata, ropeTensors, skippedPositions } from './hyperparameters.ts';
import { byteSourceOf, openSource, type SourceFiles, SourceFolder } from './source.ts';
import { type TargetTensor, targetsOf, tied } from './targets.ts';
import { vocabularyMetadata } from './vocabulary.ts';
import { fileBytes, holdsGguf, type Written, writeGguf } from './write.ts';

export interface ConvertRequest {
  /** The folder's files: names relative to it, and where the bytes are. Nothing else is read. */
  readonly files: SourceFiles;
  /** Absolute path of the GGUF, where nothing may be yet. */
  readonly output: string;
  /**
   * What was made of these files before somebody touched them; null: nothing. It is taken over
   * where it is just what would be written, else removed.
   */
  readonly earlier: string | null;
  readonly type: TargetType;
}

/** Four times the largest published vocabulary. */
const MOST_TOKENS = 1_048_576;
/** Free bytes that are left on the disk: a full one breaks more than this conversion. */
const DISK_RESERVE_BYTES = 256 * 1024 * 1024;

/**
 * Writes the GGUF. @returns its bytes.
 * @throws ConvertError or NoRoomError with a sentence for people; what the system says of files
 * that cannot be read or written. Then nothing is left behind.
 */
export function convert(request: ConvertRequest, onProgress: (written: Written) => void): number {
  const source = new SourceFolder(request.files);
  try {
    const { head, targets } = layOut(source, profileOf(request.files), request.type);
    const bytes = fileBytes(head, targets);
    const { earlier, output } = request;
    if (earlier !== null && holdsGguf(earlier, head, targets, onProgress)) {
      renameSync(earlier, output);
      return bytes;
    }
    if (earlier !== null) rmSync(earlier, { force: true });
    needRoom(output, bytes);
    return writeGguf(output, head, targets, onProgress);
  } catch (thrown) {
    rmSync(request.output, { force: true });
    throw thrown;
  } finally {
    source.close();
  }
}

/**
 * The GGUF's head and tensors: everything but the bytes of the weights.
 * @param profile what the analyzer says of these files. @throws ConvertError, FormatError as
 * `convert`.
 */
export function layOut(source: SourceFolder, profile: ModelProfile, type: TargetType) {
  const form = profile.forms.find(({ kind }) => kind === 'transformers');
  if (form?.conversion === undefined) throw new ConvertError('The folder holds no safetensors that a config.json describes.');
  if (form.conversion.architecture === null) throw new ConvertError(`${form.conversion.why}.`);
  const architecture = architectureOf(form.conversion);
  const whole = objectIn(source, 'config.json');
  const config = textPart(whole);
  const tensors = source.tensors(form.files.filter((name) => name.endsWith('.safetensors')));
  const options = { architecture, config, type, skippedPositions: skippedPositions(config, architecture) };
  const targets = [...ropeTensors(config), ...targetsOf(tensors, options)];
  const needsOutput = /(?:ForCausalLM|LMHeadModel)$/.test(classOf(whole)) && !tied(config, architecture);
  checkComplete(targets, { architecture, config, needsOutput });
  const vocabularySize = targets.find(({ name }) => name === 'token_embd.weight')?.shape[1];
  if (vocabularySize === undefined) throw new ConvertError('The weights hold no token embeddings.');
  if (vocabularySize > MOST_TOKENS)
    throw new ConvertError(`The weights hold embeddings of ${vocabularySize} tokens; ${MOST_TOKENS} are possible.`);
  const facts = { config, architecture, type, pooling: profile.pooling, vocabularySize };
  const read = (name: string): Uint8Array | null => source.read(name);
  const metadata = { ...hyperparameters(facts), ...vocabularyMetadata({ read, config, whole, vocabularySize }), ...tokenTypes(targets) };
  return { head: ggufHead(metadata, targets), targets };
}

/**
 * Kinds of texts that an encoder tells apart: llama.cpp wants to know how many, also where there is
 * no table of them.
 */
function tokenTypes(targets: readonly TargetTensor[]): Metadata {
  if (!targets.some(({ name }) => name === 'token_embd_norm.weight')) return {};
  const types = targets.find(({ name }) => name === 'token_types.weight')?.shape[1] ?? 1;
  return { 'tokenizer.ggml.token_type_count': { type: 'u32', value: types } };
}

/** The same look at the folder that the engine had: what has changed since counts. */
function profileOf(files: SourceFiles): ModelProfile {
  const candidate = Object.entries(files).map(([path, absolute]) => {
    const { size } = lstatSync(absolute);
    // Left open: the process ends when the conversion does.
    return { path, bytes: size, open: () => byteSourceOf(openSource(absolute)) };
  });
  const { profile, missing, damage } = analyzeCandidate(candidate, true);
  if (profile === null) throw new ConvertError(damage ?? `The folder is incomplete: ${missing.slice(0, 3).join('; ')}.`);
  return profile;
}

function objectIn(source: SourceFolder, name: string): Record<string, unknown> {
  const bytes = source.read(name);
  if (bytes === null) throw new ConvertError(`${name} is not in the folder.`);
  return parseJsonObject(bytes, name);
}

/** @throws NoRoomError when the disk has no room for so many bytes. */
function needRoom(output: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(output));
  const free = bavail * bsize;
  if (free >= bytes + DISK_RESERVE_BYTES) return;
  const gib = (value: number): string => (value / 1024 ** 3).toFixed(1);
  throw new NoRoomError(
    `Its GGUF takes ${gib(bytes)} GiB and ${dirname(output)} has ${gib(free)} GiB free: make room there, or set cache.folder to another disk.`,
  );
}
