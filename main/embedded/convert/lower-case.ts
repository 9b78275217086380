/**
 * Finds out whether the tokenizer removes capitals and accents first, and which of three files
 * decides that. Pure.
 */
import { isObject } from '../../core/analyzer/json.ts';
import type { GgufValue } from '../gguf/gguf-writer.ts';

/**
 * Classes that take tokenizer.json as it stands. Every other one of BERT's kind sets the rules of
 * its normaliser again from its settings.
 */
const TAKES_JSON: readonly unknown[] = ['PreTrainedTokenizerFast', 'PreTrainedTokenizer', 'TokenizersBackend'];

type Settings = Readonly<Record<string, unknown>>;

export interface WordRules {
  /** Absent: yes. */
  readonly lowers: unknown;
  /** Absent: as `lowers`. */
  readonly strips: unknown;
}

export function wordRules(settings: Settings): WordRules {
  return { lowers: settings['do_lower_case'], strips: settings['strip_accents'] };
}

/** llama.cpp's keys for BERT's tokenizers. */
export function wordPieceRules({ lowers, strips }: WordRules): Readonly<Record<string, GgufValue>> {
  const isLowered = lowers !== false;
  return {
    'tokenizer.ggml.pre': { type: 'string', value: 'default' },
    'tokenizer.ggml.normalizer.lowercase': { type: 'bool', value: isLowered },
    'tokenizer.ggml.normalizer.strip_accents': { type: 'bool', value: typeof strips === 'boolean' ? strips : isLowered },
  };
}

/**
 * The normaliser of tokenizer.json as transformers (4 and 5) has it: for BERT's classes
 * tokenizer_config.json wins, by its defaults too.
 * @param settings tokenizer_config.json; empty where there is none.
 */
export function asSettingsSay(normalizer: Settings, settings: Settings): Settings {
  if (Object.keys(settings).length === 0 || TAKES_JSON.includes(settings['tokenizer_class'])) return normalizer;
  const inner = normalizer['normalizers'];
  if (Array.isArray(inner))
    return { ...normalizer, normalizers: inner.map((each) => (isObject(each) ? asSettingsSay(each, settings) : each)) };
  if (normalizer['type'] !== 'BertNormalizer') return normalizer;
  return {
    ...normalizer,
    lowercase: settings['do_lower_case'] !== false,
    strip_accents: settings['strip_accents'] ?? null,
    handle_chinese_chars: settings['tokenize_chinese_chars'] !== false,
  };
}

/**
 * sentence-transformers makes a text lower case before any tokenizer sees it. BERT's own rule does
 * the same; for the others the server does it.
 * @param sentence sentence_bert_config.json; empty where there is none.
 */
export function loweredFirst(model: string, sentence: Settings): Readonly<Record<string, GgufValue>> {
  if (sentence['do_lower_case'] !== true) return {};
  const key = model === 'bert' ? 'tokenizer.ggml.normalizer.lowercase' : 'modelium.lowercase_texts';
  return { [key]: { type: 'bool', value: true } };
}
