/**
 * Maps the pre-tokenizer of a byte-level tokenizer.json to llama.cpp v0.4.0's name for it
 * (`llama-vocab.cpp`, llm_tokenizer_bpe). A wrong name gives other tokens and silently worse
 * answers, so a pre-tokenizer that is not in the table is refused, never guessed. Pure.
 */
import { isObject } from '../../core/analyzer/json.ts';
import { ConvertError } from './convert-error.ts';

const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const CONTRACTIONS = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`;
const END = String.raw`|\s*[\r\n]+|\s+(?!\S)|\s+`;
const CL100K = String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*${END}`;
/**
 * The same with quantifiers that take back nothing, and a contraction spelled otherwise: it cuts at
 * the same places.
 */
const CL100K_POSSESSIVE = String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`;
const QWEN2 = String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*${END}`;
const QWEN35 = String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*${END}`;
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const CASED = (suffix: string): string =>
  String.raw`[^\r\n\p{L}\p{N}]?${UPPER}*${LOWER}+${suffix}|[^\r\n\p{L}\p{N}]?${UPPER}+${LOWER}*${suffix}`;
/** DeepSeek Coder: one cut after the other, with the ideographs that its pattern names. */
const DEEPSEEK_CODER = ['[\r\n]', String.raw`\s?\p{L}+`, String.raw`\s?\p{P}+`, '[一-龥ࠀ-一가-퟿]+', 'each digit', 'bytes'];
/**
 * Falcon: compared with llama.cpp text by text (test/runtimes/tokens.test.ts), as all of these are.
 */
const FALCON = ['punctuation (Contiguous)', 'bytes with words', 'digits', '[0-9][0-9][0-9]'];
const TEKKEN = String.raw`${CASED('')}|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*${END}`;
const GPT4O = String.raw`${CASED(`${CONTRACTIONS}?`)}|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*${END}`;

/**
 * Cuts in their order, as `cutsOf` spells them -> names. `joinsWhole`: a piece that is a token as a
 * whole is not joined from bytes (`ignore_merges`).
 */
const NAMES: readonly { readonly cuts: readonly string[]; readonly name: string; readonly joinsWhole?: boolean }[] = [
  { cuts: ['bytes with words'], name: 'gpt-2' },
  { cuts: [GPT2, 'bytes'], name: 'gpt-2' },
  { cuts: ['each digit', 'bytes with words'], name: 'smollm' },
  { cuts: ['each digit', GPT2, 'bytes'], name: 'smollm' },
  { cuts: [CL100K, 'bytes'], name: 'llama-bpe', joinsWhole: true },
  { cuts: [CL100K_POSSESSIVE, 'bytes'], name: 'llama-bpe', joinsWhole: true },
  { cuts: [CL100K, 'bytes'], name: 'dbrx' },
  { cuts: [CL100K_POSSESSIVE, 'bytes'], name: 'dbrx' },
  { cuts: DEEPSEEK_CODER, name: 'deepseek-coder' },
  { cuts: FALCON, name: 'falcon' },
  { cuts: [QWEN2, 'bytes'], name: 'qwen2' },
  { cuts: [QWEN35, 'bytes'], name: 'qwen35' },
  { cuts: [TEKKEN, 'bytes'], name: 'tekken', joinsWhole: true },
  { cuts: [GPT4O, 'bytes'], name: 'gpt-4o' },
];

/** @throws ConvertError for cuts that llama.cpp does not know. */
export function preTokenizerName(preTokenizer: unknown, ignoresMerges: boolean): string {
  const cuts = cutsOf(preTokenizer);
  const key = cuts.join('\n');
  const found = NAMES.filter((each) => each.cuts.join('\n') === key);
  const name = found.find(({ joinsWhole = false }) => joinsWhole === ignoresMerges)?.name;
  if (name !== undefined) return name;
  const shown = cuts.map(plain).join(', then ').slice(0, 200);
  throw new ConvertError(
    `Modelium does not know what llama.cpp calls the way in which its tokenizer cuts a text (${shown}${ignoresMerges ? ', with ignore_merges' : ''}): a published GGUF of the model may contain the name, or use vLLM, which serves the folder unchanged.`,
  );
}

/** A pattern in a sentence: its line feeds and the like as one writes them. */
function plain(cut: string): string {
  return JSON.stringify(cut).slice(1, -1).replaceAll('\\\\', '\\');
}

/** The steps of a pre-tokenizer, each as its regular expression or in words. */
function cutsOf(step: unknown, depth = 0): readonly string[] {
  if (!isObject(step) || depth > 4) return ['nothing'];
  switch (step['type']) {
    case 'Sequence': {
      const steps = step['pretokenizers'];
      return Array.isArray(steps) ? steps.slice(0, 16).flatMap((each) => cutsOf(each, depth + 1)) : ['nothing'];
    }
    case 'ByteLevel': {
      const words = step['use_regex'] !== false;
      return [`${step['add_prefix_space'] === true ? 'a space in front, ' : ''}${words ? 'bytes with words' : 'bytes'}`];
    }
    case 'Punctuation':
      return [`punctuation (${step['behavior'] ?? 'Isolated'})`];
    case 'Digits':
      return [step['individual_digits'] === true ? 'each digit' : 'digits'];
    case 'Split':
      return [splitOf(step)];
    default:
      return [String(step['type'])];
  }
}

function splitOf(step: Record<string, unknown>): string {
  const pattern = isObject(step['pattern']) ? (step['pattern']['Regex'] ?? step['pattern']['String']) : null;
  const plain = step['behavior'] === 'Isolated' && step['invert'] !== true;
  // Removed and inverted: what matches is kept, and these expressions match everything.
  const inverted = step['behavior'] === 'Removed' && step['invert'] === true;
  return plain || inverted ? String(pattern) : `${pattern} (${step['behavior']})`;
}
