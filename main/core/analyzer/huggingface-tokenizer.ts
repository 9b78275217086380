/**
 * Checks the tokenizer files of a Hugging Face folder: whether they are present and complete, and
 * whether there is a chat template. Pure.
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { attempt, FormatError } from './bytes.ts';
import { MORE_TEMPLATES, namedTemplates, templateFault } from './chat-template.ts';
import { type CandidateFile, isDamaged, isMissing, isTruncated } from './findings.ts';
import { checkJson, encodingFault, readJsonObject } from './json.ts';
import { isBlank } from './plain-profile.ts';

export interface Tokenizer {
  /** Its class, or the file that holds it; null: there is none. */
  readonly name: string | null;
  /** False also while a file of it is on its way. */
  readonly isThere: boolean;
  readonly hasChatTemplate: boolean;
  /** A sentence, where it cannot be rendered. */
  readonly templateFault: string | null;
  readonly problems: readonly FileProblem[];
}

/** Tokenizers that keep a vocabulary and nothing else in vocab.json. */
const UNPAIRED = /CTC|Esm|Character|Speech2Text|M2M100|Marian|Mgp|Phoneme|Jukebox|Vits|Fsmt/i;
const MOST_TEMPLATE_BYTES = 4 * 1024 * 1024;
const MOST_CONFIG_BYTES = 8 * 1024 * 1024;
/** The largest published ones have some 35 MB. */
const MOST_TOKENIZER_BYTES = 128 * 1024 * 1024;
/** The first letters tell how a text is encoded. */
const ENCODING_BYTES = 16;
/** A tokenizer is in one of these; the first that is there names it. */
const HOLDERS = [
  'tokenizer.json',
  'tokenizer.model',
  'tekken.json',
  'vocab.json',
  'vocab.txt',
  'spiece.model',
  'sentencepiece.bpe.model',
  'source.spm',
  'qwen.tiktoken',
  'tiktoken.model',
  'vocab-src.json',
  'spm.model',
  'bpe.codes',
  'entity_vocab.json',
];

export function readTokenizer(files: ReadonlyMap<string, CandidateFile>): Tokenizer {
  const problems: FileProblem[] = [];
  const config = objectIn(files.get('tokenizer_config.json'), problems);
  const holder = HOLDERS.find((name) => (files.get(name)?.bytes ?? 0) > 0) ?? [...files.keys()].find((name) => /\.tiktoken$/.test(name));
  const className = config?.['tokenizer_class'];
  for (const name of new Set([
    'tokenizer.json',
    'tekken.json',
    'vocab.json',
    'vocab.txt',
    'merges.txt',
    ...(holder === undefined ? [] : [holder]),
  ])) {
    problems.push(...tokenizerProblems(files.get(name)));
  }
  // A vocabulary of pairs means nothing without the pairs; those of single characters and sounds
  // have none.
  const isPaired = holder === 'vocab.json' && !(typeof className === 'string' && UNPAIRED.test(className));
  if (isPaired && (files.get('merges.txt')?.bytes ?? 0) === 0) problems.push(isMissing('merges.txt'));
  const processor = objectIn(files.get('chat_template.json'), problems);
  const templates = namedTemplates([
    templateText(files.get('chat_template.jinja')),
    config?.['chat_template'],
    processor?.['chat_template'],
  ]);
  return {
    name: typeof className === 'string' ? className : (holder ?? null),
    isThere: holder !== undefined,
    hasChatTemplate: templates !== null || [...files.keys()].some((name) => name.startsWith(MORE_TEMPLATES)),
    templateFault: templates === null ? null : templateFault(templates.text),
    problems,
  };
}

function templateText(file: CandidateFile | undefined): string | null {
  if (file === undefined || file.bytes > MOST_TEMPLATE_BYTES) return null;
  return new TextDecoder().decode(file.open().read(0, file.bytes));
}

function objectIn(file: CandidateFile | undefined, problems: FileProblem[]): Record<string, unknown> | null {
  if (file === undefined) return null;
  const parsed = attempt(() => readJsonObject(file.open(), MOST_CONFIG_BYTES));
  if (!(parsed instanceof FormatError)) return parsed;
  problems.push(faultOf(file, parsed));
  return null;
}

/**
 * What is wrong with a file that holds a tokenizer: JSON that ends too early, anything else that
 * has not arrived.
 */
export function tokenizerProblems(file: CandidateFile | undefined): readonly FileProblem[] {
  if (file === undefined || file.bytes === 0) return [];
  const source = file.open();
  if (isBlank(source)) return [isTruncated(file.path, file.bytes, null, 'its content is not there yet')];
  if (file.path.endsWith('.txt')) {
    const fault = encodingFault(source.read(0, Math.min(ENCODING_BYTES, file.bytes)));
    return fault === null ? [] : [faultOf(file, fault)];
  }
  if (!file.path.endsWith('.json')) return [];
  const fault = attempt(() => checkJson(source, MOST_TOKENIZER_BYTES));
  return fault instanceof FormatError ? [faultOf(file, fault)] : [];
}

function faultOf(file: CandidateFile, fault: FormatError): FileProblem {
  if (fault.fault === 'truncated') return isTruncated(file.path, file.bytes, null, fault.message);
  return isDamaged(file.path, file.bytes, `${file.path} cannot be read: ${fault.message}.`);
}
