/** A Hugging Face folder's files: are the shards that its index names all there, and what does config.json say. Pure and bounded (I7). */

import type { FileProblem } from '../../../shared/profile.ts';
import { attempt, damaged, FormatError } from './bytes.ts';
import { type CandidateFile, type FormatFindings, isDamaged, isMissing, isTruncated } from './findings.ts';
import { huggingfaceProfile } from './huggingface.ts';
import type { SafetensorsTensor } from './safetensors.ts';
import { isObject, parseJsonObject, parseSafetensors } from './safetensors.ts';
import { zeroTails } from './zero-tails.ts';

/** Large models' indexes name some 100,000 tensors in about 10 MB. */
const MAX_JSON_BYTES = 16 * 1024 * 1024;
const MAX_CHAT_CONFIG_BYTES = 4 * 1024 * 1024;

interface Faults {
  readonly problems: FileProblem[];
  readonly expected: Map<string, number | null>;
}

/** Null when there is neither a config.json nor a safetensors file at the top. */
export function readHuggingface(files: readonly CandidateFile[]): FormatFindings | null {
  const top = new Map(files.filter((file) => !file.path.includes('/')).map((file) => [file.path, file]));
  const configFile = top.get('config.json');
  const shards = [...top.values()].filter((file) => file.path.endsWith('.safetensors'));
  const hasGguf = [...top.keys()].some((path) => /\.gguf$/i.test(path));
  const faults: Faults = { problems: [], expected: new Map() };
  const weights = [...top.keys()].some((path) => /\.(?:safetensors|bin|pt|pth)$/i.test(path));
  // A GGUF repository may carry the original's config.json: without weights of its own it is a description, not a second form.
  if ((configFile === undefined && shards.length === 0) || (hasGguf && !weights)) return null;
  const tensors: SafetensorsTensor[] = [];
  const tails: string[] = [];
  for (const file of shards) readShard(file, faults, tensors, tails);
  missingShards(top, faults);
  const config = configFile === undefined ? null : json(configFile, faults);
  if (config !== null && !weights && faults.problems.length === 0) {
    faults.problems.push({ ...isMissing('the weights'), message: 'the weights: no .safetensors or .bin file yet' });
  }
  const profile =
    config === null || faults.problems.some(({ kind }) => kind === 'damaged')
      ? null
      : huggingfaceProfile({ config, files, tensors, hasChatTemplate: hasChatTemplate(top), tokenizer: tokenizerOf(top) });
  const notes = configFile === undefined ? ['There are safetensors, but no config.json.'] : [];
  return { ...faults, zeroTails: tails, profile, notes, hasWeights: weights };
}

function readShard(file: CandidateFile, faults: Faults, tensors: SafetensorsTensor[], tails: string[]): void {
  const source = file.open();
  const header = attempt(() => parseSafetensors(source));
  if (header instanceof FormatError) {
    const blank = header.fault === 'truncated' || source.read(0, 4096).every((byte) => byte === 0);
    faults.expected.set(file.path, blank ? null : file.bytes);
    if (blank) faults.problems.push(isTruncated(file.path, file.bytes, null));
    else {
      const sentence = `${file.path} is not a safetensors file that can be read: ${header.message}.`;
      faults.problems.push(isDamaged(file.path, file.bytes, sentence));
    }
    return;
  }
  faults.expected.set(file.path, header.fileBytes);
  for (const tensor of header.tensors) tensors.push(tensor);
  if (header.fileBytes > file.bytes) faults.problems.push(isTruncated(file.path, file.bytes, header.fileBytes));
  else tails.push(...zeroTails(file.path, source, header.tensors));
}

function missingShards(top: ReadonlyMap<string, CandidateFile>, faults: Faults): void {
  // Where safetensors are there, the pickles of the same weights need not be.
  const indexes = ['model.safetensors.index.json', 'pytorch_model.bin.index.json'].filter((name) => top.has(name));
  const index = top.get(indexes[0] ?? '');
  const map = index === undefined ? null : (json(index, faults)?.['weight_map'] ?? null);
  if (!isObject(map)) return;
  const names = new Set(Object.values(map).filter((name) => typeof name === 'string'));
  for (const name of names) {
    // Names inside files never lead out of the folder: one with a slash is not a shard of it.
    if (/[\\/]|^\./.test(name)) {
      faults.problems.push(isDamaged(index?.path ?? '', index?.bytes ?? 0, `${index?.path ?? ''} names a shard outside the folder.`));
    } else if (!top.has(name)) {
      faults.problems.push(isMissing(name));
      faults.expected.set(name, null);
    }
  }
}

/** A file as a JSON object; one that ends too early may still be on its way, like the header of a weights file. */
function json(file: CandidateFile, faults: Faults): Record<string, unknown> | null {
  const parsed = attempt(() => {
    if (file.bytes > MAX_JSON_BYTES) throw damaged(`it has ${file.bytes} bytes, more than ${MAX_JSON_BYTES}`);
    return parseJsonObject(file.open().read(0, file.bytes), 'it');
  });
  if (!(parsed instanceof FormatError)) return parsed;
  faults.problems.push(isDamaged(file.path, file.bytes, `${file.path} cannot be read: ${parsed.message}.`));
  return null;
}

function hasChatTemplate(top: ReadonlyMap<string, CandidateFile>): boolean {
  if (top.has('chat_template.jinja') || top.has('chat_template.json')) return true;
  return tokenizerConfig(top)?.['chat_template'] !== undefined;
}

function tokenizerOf(top: ReadonlyMap<string, CandidateFile>): string | null {
  const name = tokenizerConfig(top)?.['tokenizer_class'];
  if (typeof name === 'string') return name;
  return ['tokenizer.json', 'tokenizer.model', 'vocab.json', 'vocab.txt'].find((file) => top.has(file)) ?? null;
}

function tokenizerConfig(top: ReadonlyMap<string, CandidateFile>): Record<string, unknown> | null {
  const file = top.get('tokenizer_config.json');
  if (file === undefined || file.bytes > MAX_CHAT_CONFIG_BYTES) return null;
  const parsed = attempt(() => parseJsonObject(file.open().read(0, file.bytes), 'it'));
  return parsed instanceof FormatError ? null : parsed;
}
