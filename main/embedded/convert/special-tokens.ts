/**
 * The special tokens: which begin, end, pad and separate texts, and which are added automatically.
 * Pure.
 */
import { isObject } from '../../core/analyzer/json.ts';
import type { GgufValue } from '../gguf/gguf-writer.ts';
import { TOKEN, type Vocabulary } from './vocabulary-table.ts';

export interface SpecialSources {
  readonly vocabulary: Vocabulary;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly map: Readonly<Record<string, unknown>>;
  readonly config: Readonly<Record<string, unknown>>;
  /** Of a model of several parts: all of config.json, in which the part that writes text stands. */
  readonly whole: Readonly<Record<string, unknown>>;
  readonly generation: Readonly<Record<string, unknown>>;
}

/** What transformers calls them -> llama.cpp's key (its spelling). */
const NAMES = { bos: 'bos', eos: 'eos', unk: 'unknown', sep: 'seperator', pad: 'padding', mask: 'mask' } as const;
type Name = keyof typeof NAMES | 'cls';

/** Our own key: the ids of all tokens that end a generation. */
const END_TOKENS = 'modelium.end_token_ids';

export function specialTokens(sources: SpecialSources): Record<string, GgufValue> {
  const { vocabulary } = sources;
  const found: Record<string, GgufValue> = {};
  const put = (key: string, id: number | null): void => {
    if (id !== null) found[`tokenizer.ggml.${key}_token_id`] = { type: 'u32', value: id };
  };
  for (const name of Object.keys(NAMES) as (keyof typeof NAMES)[]) put(NAMES[name], idOf(name, sources));
  // What encoders begin with is what llama.cpp puts in front.
  if (vocabulary.model === 'bert') put('bos', idOf('cls', sources) ?? idOf('bos', sources));
  if (vocabulary.model === 'bert') put('cls', idOf('cls', sources));
  const [eos, first, last] = [idOf('eos', sources), around('first', sources), around('last', sources)];
  const ends = endsOf(eos, sources);
  const [second, third] = ends.filter((id) => id !== eos);
  put('eot', second ?? null);
  put('eom', third ?? null);
  // What is put around a text is what llama.cpp calls beginning and end; the end that the tokenizer
  // names then ends a turn.
  if (vocabulary.model !== 'bert') put('bos', first);
  if (vocabulary.model !== 'bert' && last !== null && last !== eos) {
    put('eos', last);
    put('eot', eos);
  }
  // llama.cpp has keys for three; our server reads them all.
  const all: Record<string, GgufValue> = ends.length > 1 ? { [END_TOKENS]: { type: 'i32s', value: ends } } : {};
  return { ...found, ...all, ...addedAround(sources, found) };
}

/**
 * The tokenizer's own word before the model's: a chat model is often trained to end with another
 * token than its base.
 */
function idOf(name: Name, { vocabulary, settings, map, config, whole, generation }: SpecialSources): number | null {
  for (const source of [settings, map]) {
    const named = source[`${name}_token`];
    const text = typeof named === 'string' ? named : isObject(named) ? named['content'] : null;
    if (typeof text !== 'string') continue;
    const id = vocabulary.table.idOf(text) ?? vocabulary.table.idOf(`▁${text}`);
    if (id !== null) return control(vocabulary, id, text, name);
  }
  // A tokenizer that says that it has no beginning has none, whatever id the model's configuration
  // keeps for it.
  if (name === 'bos' && settings['bos_token'] === null) return null;
  for (const source of [generation, config, whole]) {
    const named = source[`${name}_token_id`];
    const id = Array.isArray(named) ? named[0] : named;
    if (Number.isSafeInteger(id) && Number(id) >= 0 && Number(id) < vocabulary.table.texts.length) return Number(id);
  }
  return null;
}

function around(side: 'first' | 'last', { vocabulary }: SpecialSources): number | null {
  const text = vocabulary.ends?.[side];
  return text === undefined ? null : vocabulary.table.idOf(text);
}

/** Named as special in one file and listed as a word in another: it is special. */
function control({ table, model }: Vocabulary, id: number, text: string, name: Name): number {
  if (table.kinds[id] === TOKEN.normal || table.kinds[id] === TOKEN.userDefined) {
    table.put(id, text, name === 'unk' && model !== 'gpt2' ? TOKEN.unknown : TOKEN.control, table.scores[id] ?? 0);
  }
  return id;
}

/**
 * Every token that ends a generation: the tokenizer's end first, then those that the model's
 * configurations name.
 */
function endsOf(eos: number | null, { generation, config, whole, vocabulary }: SpecialSources): readonly number[] {
  const parts = [generation, config, whole];
  const named = parts.flatMap((part): readonly unknown[] => [part['eos_token_id']].flat());
  const known = named.filter(
    (id): id is number => Number.isSafeInteger(id) && Number(id) >= 0 && Number(id) < vocabulary.table.texts.length,
  );
  return [...new Set([...(eos === null ? [] : [eos]), ...known])];
}

/**
 * The settings' word where the class follows it, else the post-processor's; where nobody says it,
 * what the kind of tokenizer always does.
 */
function addedAround({ vocabulary, settings }: SpecialSources, found: Readonly<Record<string, GgufValue>>): Record<string, GgufValue> {
  const { model } = vocabulary;
  if (model === 'bert') return {};
  const flag = (key: string): boolean | null => (typeof settings[key] === 'boolean' ? settings[key] : null);
  const begins = vocabulary.ends?.begins ?? flag('add_bos_token') ?? model === 'llama';
  const finishes = vocabulary.ends?.ends ?? flag('add_eos_token') ?? false;
  return {
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: begins && 'tokenizer.ggml.bos_token_id' in found },
    'tokenizer.ggml.add_eos_token': { type: 'bool', value: finishes && 'tokenizer.ggml.eos_token_id' in found },
  };
}
