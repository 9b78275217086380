/** The files beside a Hugging Face model's weights that turn text into tokens: are they there and whole, and is there a chat template. Pure. */
import type { FileProblem } from '../../../shared/profile.ts';
import { attempt, FormatError } from './bytes.ts';
import { type CandidateFile, isDamaged, isTruncated } from './findings.ts';
import { checkJson, isObject, readJsonObject } from './json.ts';

export interface Tokenizer {
  /** Its class, or the file that holds it; null: there is none. */
  readonly name: string | null;
  /** False also while a file of it is on its way. */
  readonly isThere: boolean;
  readonly hasChatTemplate: boolean;
  readonly problems: readonly FileProblem[];
}

const MOST_CONFIG_BYTES = 8 * 1024 * 1024;
/** The largest published ones have some 35 MB. */
const MOST_TOKENIZER_BYTES = 128 * 1024 * 1024;
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
  for (const name of ['tokenizer.json', 'tekken.json', 'vocab.json']) checked(files.get(name), problems);
  const holder = HOLDERS.find((name) => (files.get(name)?.bytes ?? 0) > 0) ?? [...files.keys()].find((name) => /\.tiktoken$/.test(name));
  const className = config?.['tokenizer_class'];
  const processor = objectIn(files.get('chat_template.json'), problems);
  const hasChatTemplate =
    (files.get('chat_template.jinja')?.bytes ?? 0) > 0 ||
    isTemplate(config?.['chat_template']) ||
    isTemplate(processor?.['chat_template']) ||
    [...files.keys()].some((name) => /^additional_chat_templates\//.test(name));
  return {
    name: typeof className === 'string' ? className : (holder ?? null),
    isThere: holder !== undefined,
    hasChatTemplate,
    problems,
  };
}

/** One template, or a list of named ones. */
function isTemplate(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  return Array.isArray(value) ? value.some((entry) => isObject(entry) && typeof entry['template'] === 'string') : isObject(value);
}

function objectIn(file: CandidateFile | undefined, problems: FileProblem[]): Record<string, unknown> | null {
  if (file === undefined) return null;
  const parsed = attempt(() => readJsonObject(file.open(), MOST_CONFIG_BYTES));
  if (!(parsed instanceof FormatError)) return parsed;
  problems.push(faultOf(file, parsed));
  return null;
}

function checked(file: CandidateFile | undefined, problems: FileProblem[]): void {
  if (file === undefined) return;
  const fault = attempt(() => checkJson(file.open(), MOST_TOKENIZER_BYTES));
  if (fault instanceof FormatError) problems.push(faultOf(file, fault));
}

function faultOf(file: CandidateFile, fault: FormatError): FileProblem {
  if (fault.fault === 'truncated') return isTruncated(file.path, file.bytes, null, fault.message);
  return isDamaged(file.path, file.bytes, `${file.path} cannot be read: ${fault.message}.`);
}
