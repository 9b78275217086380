/**
 * Reads tokenizer.json of the tokenizers library into llama.cpp's form: tokens by id, and how a
 * text becomes tokens. Pure and bounded (I7).
 */

import { isObject, parseJsonObject } from '../../core/analyzer/json.ts';
import { SPACE_PREFIX_KEY } from '../llama/space-prefix.ts';
import { ConvertError } from './convert-error.ts';
import { asSettingsSay, wordPieceRules } from './lower-case.ts';
import { preTokenizerName } from './pre-tokenizers.ts';
import { type AddedToken, isNeverFound, TOKEN, type Vocabulary, VocabularyTable } from './vocabulary-table.ts';

/**
 * @param size rows of the embedding matrix. @throws ConvertError for what llama.cpp does not do.
 */
export function vocabularyOfJson(bytes: Uint8Array, size: number, settings: Readonly<Record<string, unknown>>): Vocabulary {
  const json = parseJsonObject(bytes, 'tokenizer.json');
  if (isObject(json['normalizer'])) json['normalizer'] = asSettingsSay(json['normalizer'], settings);
  const model = isObject(json['model']) ? json['model'] : {};
  const table = new VocabularyTable(size);
  const read = readerOf(model);
  const made = read(json, model, table);
  const added = addedTokens(json['added_tokens']);
  for (const token of added) table.add(token, made.model === 'llama' || made.model === 't5');
  if (made.model === 'llama' && table.missingBytes() > 0) {
    throw new ConvertError(
      `Its tokenizer has no tokens for ${table.missingBytes()} of the 256 bytes, and llama.cpp needs them all: vLLM would serve the folder as it is.`,
    );
  }
  return { ...made, extra: { ...made.extra, ...spaceTakers(added) }, table, ends: endsOf(json['post_processor']) };
}

/** Those that take no space in the one family of which llama.cpp knows that the others do. */
const PHI3_OTHERS = ['<unk>', '<s>', '<|endoftext|>'];

/**
 * llama.cpp has no key for tokens that take the white space behind them; it knows Phi-3 by its name
 * (llama-vocab.cpp), in which all do but three. In other families the white space stays.
 */
function spaceTakers(added: readonly AddedToken[]): Made['extra'] {
  const texts = new Set(added.map(({ text }) => text));
  const isPhi3 = ['</s>', ...PHI3_OTHERS].every((text) => texts.has(text));
  const allDo = added.every(({ text, takesSpace }) => takesSpace !== PHI3_OTHERS.includes(text));
  return isPhi3 && allDo ? { 'general.name': { type: 'string', value: 'phi3' } } : {};
}

type Made = Omit<Vocabulary, 'table' | 'ends'>;
type Reader = (json: Record<string, unknown>, model: Record<string, unknown>, table: VocabularyTable) => Made;

function readerOf(model: Record<string, unknown>): Reader {
  const type = model['type'] ?? (Array.isArray(model['vocab']) ? 'Unigram' : 'merges' in model ? 'BPE' : 'WordPiece');
  switch (type) {
    case 'BPE':
      return readPairs;
    case 'Unigram':
      return readUnigram;
    case 'WordPiece':
      return readWordPiece;
    default:
      throw new ConvertError(
        `Its tokenizer is of the kind ${String(type)}, which llama.cpp does not have: vLLM would serve the folder as it is.`,
      );
  }
}

function readPairs(json: Record<string, unknown>, model: Record<string, unknown>, table: VocabularyTable): Made {
  for (const [text, id] of entriesOf(model['vocab'])) table.put(id, text, TOKEN.normal);
  const merges = mergesOf(model['merges']);
  for (const key of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix']) {
    if (model[key] !== undefined && model[key] !== null && model[key] !== '' && model[key] !== 0) throw strange(`its ${key}`);
  }
  if (hasBytes(json['pre_tokenizer'])) return byteLevel(json, model, merges);
  return pieces(json, model, merges, table);
}

function byteLevel(json: Record<string, unknown>, model: Record<string, unknown>, merges: readonly (readonly [string, string])[]): Made {
  // NFC changes only what was typed in pieces; llama.cpp leaves it out for every model that has it.
  const normalizers = stepsOf(json['normalizer'], 'normalizers').filter(({ type }) => type !== 'NFC');
  refuseOthers(normalizers, []);
  return {
    model: 'gpt2',
    merges: merges.map(([left, right]) => `${left} ${right}`),
    extra: { 'tokenizer.ggml.pre': { type: 'string', value: preTokenizerName(json['pre_tokenizer'], model['ignore_merges'] === true) } },
  };
}

/**
 * SentencePiece pairs in the tokenizers library's clothes: the earlier a pair is joined, the better
 * the score of what it makes.
 */
function pieces(
  json: Record<string, unknown>,
  model: Record<string, unknown>,
  merges: readonly (readonly [string, string])[],
  table: VocabularyTable,
): Made {
  if (model['byte_fallback'] !== true) {
    throw new ConvertError(
      'Its tokenizer joins characters without falling back to bytes, which llama.cpp does not do: vLLM would serve the folder as it is.',
    );
  }
  if (model['ignore_merges'] === true) throw strange('ignore_merges');
  for (const [rank, [left, right]] of merges.entries()) table.score(left + right, -rank);
  table.markBytes();
  table.markUnknown(typeof model['unk_token'] === 'string' ? model['unk_token'] : null);
  const added = addedTokens(json['added_tokens'])
    .filter((token) => !isNeverFound(token))
    .map(({ text }) => text);
  table.dropUnjoined(new Set([...merges.map(([left, right]) => left + right), ...added]));
  return { model: 'llama', merges: null, extra: { 'tokenizer.ggml.pre': { type: 'string', value: 'default' }, ...spaces(json) } };
}

/**
 * Whether a space goes in front of a text, and of what follows a token that was added. `first`:
 * only at the very beginning, which llama.cpp does not know; `space-prefix.ts` does it then.
 */
function spaces(json: Record<string, unknown>): Made['extra'] {
  const normalizers = stepsOf(json['normalizer'], 'normalizers');
  refuseOthers(normalizers, ['Prepend', 'Replace', 'NFC']);
  const cuts = stepsOf(json['pre_tokenizer'], 'pretokenizers');
  // Gemma cuts at spaces, none of which is left by then.
  const foreign = cuts.filter((cut) => cut['type'] !== 'Metaspace' && !(isObject(cut['pattern']) && cut['pattern']['String'] === ' '));
  if (foreign.length > 0) throw strange(`the cuts ${foreign.map(({ type }) => String(type)).join(', ')}`);
  const prepends = normalizers.some(({ type, prepend }) => type === 'Prepend' && prepend === '▁');
  const scheme = schemeOf(cuts, 'never');
  return {
    'tokenizer.ggml.add_space_prefix': { type: 'bool', value: prepends || scheme === 'always' },
    ...(!prepends && scheme === 'first' ? { [SPACE_PREFIX_KEY]: { type: 'string', value: 'first' } } : {}),
  };
}

function schemeOf(cuts: readonly Record<string, unknown>[], otherwise: string): unknown {
  const metaspace = cuts.find(({ type }) => type === 'Metaspace');
  if (metaspace === undefined) return otherwise;
  return metaspace['prepend_scheme'] ?? (metaspace['add_prefix_space'] === false ? 'never' : 'always');
}

function readUnigram(json: Record<string, unknown>, model: Record<string, unknown>, table: VocabularyTable): Made {
  const { vocab, unk_id: unknown } = model;
  if (!Array.isArray(vocab)) throw new ConvertError('tokenizer.json has no list of pieces.');
  vocab.forEach((entry, id) => {
    const [text, score] = Array.isArray(entry) ? entry : [];
    if (typeof text !== 'string' || typeof score !== 'number') throw new ConvertError(`Entry ${id} of tokenizer.json's pieces is none.`);
    table.put(id, text, id === unknown ? TOKEN.unknown : TOKEN.normal, score);
  });
  if (model['byte_fallback'] === true) throw strange('byte_fallback beside a unigram');
  const normalizers = stepsOf(json['normalizer'], 'normalizers');
  refuseOthers(normalizers, ['Precompiled', 'Replace', 'Strip', 'NFC']);
  const charsmap = normalizers.map((each) => each['precompiled_charsmap']).find((each) => typeof each === 'string');
  const cuts = stepsOf(json['pre_tokenizer'], 'pretokenizers');
  const joinsSpaces = cuts.some(({ type }) => type === 'WhitespaceSplit') || normalizers.some(({ type }) => type === 'Replace');
  return {
    model: 't5',
    merges: null,
    extra: {
      'tokenizer.ggml.pre': { type: 'string', value: 'default' },
      'tokenizer.ggml.add_space_prefix': { type: 'bool', value: schemeOf(cuts, 'always') !== 'never' },
      'tokenizer.ggml.remove_extra_whitespaces': { type: 'bool', value: joinsSpaces },
      ...(typeof charsmap === 'string' && charsmap !== ''
        ? { 'tokenizer.ggml.precompiled_charsmap': { type: 'bytes', value: fromBase64(charsmap) } }
        : {}),
    },
  };
}

function readWordPiece(json: Record<string, unknown>, model: Record<string, unknown>, table: VocabularyTable): Made {
  const prefix = model['continuing_subword_prefix'] ?? '##';
  if (prefix !== '##') throw new ConvertError(`Its tokenizer marks the inside of words by ${JSON.stringify(prefix)}; llama.cpp knows ##.`);
  const normalizer = stepsOf(json['normalizer'], 'normalizers').find(({ type }) => type === 'BertNormalizer') ?? {};
  for (const key of ['clean_text', 'handle_chinese_chars']) if (normalizer[key] === false) throw strange(`${key}: false`);
  for (const [text, id] of entriesOf(model['vocab'])) table.put(id, wordPiece(text), TOKEN.normal);
  return { model: 'bert', merges: null, extra: wordPieceRules({ lowers: normalizer['lowercase'], strips: normalizer['strip_accents'] }) };
}

/**
 * llama.cpp's spelling: a mark where a word begins, nothing where it goes on. Special tokens are
 * put back by whoever adds them.
 */
export function wordPiece(text: string): string {
  return text.startsWith('##') ? text.slice(2) : `▁${text}`;
}

/** What llama.cpp would leave out without a word, and read other tokens. */
function strange(what: string): ConvertError {
  return new ConvertError(`llama.cpp does not know what its tokenizer asks for (${what}): vLLM would serve the folder as it is.`);
}

function refuseOthers(normalizers: readonly Record<string, unknown>[], known: readonly string[]): void {
  const others = normalizers.map(({ type }) => String(type)).filter((type) => !known.includes(type));
  if (others.length === 0) return;
  throw new ConvertError(
    `Its tokenizer changes texts first in a way that llama.cpp does not (${others.join(', ')}): vLLM would serve the folder as it is.`,
  );
}

/** A step, or the steps of a sequence, those inside others included. */
function stepsOf(step: unknown, key: string, depth = 0): readonly Record<string, unknown>[] {
  if (!isObject(step) || depth > 4) return [];
  const inner = step[key];
  return step['type'] === 'Sequence' && Array.isArray(inner) ? inner.slice(0, 16).flatMap((each) => stepsOf(each, key, depth + 1)) : [step];
}

function hasBytes(preTokenizer: unknown): boolean {
  return stepsOf(preTokenizer, 'pretokenizers').some(({ type }) => type === 'ByteLevel');
}

function* entriesOf(vocabulary: unknown): Generator<readonly [text: string, id: number]> {
  if (!isObject(vocabulary)) throw new ConvertError('The tokenizer has no vocabulary.');
  for (const text of Object.keys(vocabulary)) {
    const id = vocabulary[text];
    if (!Number.isSafeInteger(id) || Number(id) < 0)
      throw new ConvertError(`The token ${JSON.stringify(text).slice(0, 40)} has no number.`);
    yield [text, Number(id)];
  }
}

/** `left right`, or a pair of its own since tokenizers 0.20. */
export function mergesOf(merges: unknown): readonly (readonly [string, string])[] {
  if (!Array.isArray(merges)) throw new ConvertError('The tokenizer has no list of pairs to join.');
  return merges.map((each, index) => {
    const [left, right] =
      typeof each === 'string'
        ? [each.slice(0, each.indexOf(' ', 1)), each.slice(each.indexOf(' ', 1) + 1)]
        : Array.isArray(each)
          ? each
          : [];
    if (
      typeof left !== 'string' ||
      typeof right !== 'string' ||
      left === '' ||
      right === '' ||
      (typeof each === 'string' && right.includes(' '))
    )
      throw new ConvertError(`Pair ${index} of the tokenizer's list is none.`);
    return [left, right] as const;
  });
}

export function addedTokens(list: unknown): readonly AddedToken[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((each) => {
    const { id, content, special, normalized, rstrip } = isObject(each) ? each : {};
    return Number.isSafeInteger(id) && typeof content === 'string' && content !== ''
      ? [{ id: Number(id), text: content, isSpecial: special === true, isRaw: normalized === false, takesSpace: rstrip === true }]
      : [];
  });
}

/** What the post-processor puts around a single text; null: it says nothing. */
function endsOf(processor: unknown): Vocabulary['ends'] {
  for (const step of stepsOf(processor, 'processors')) {
    if (step['type'] === 'BertProcessing' || step['type'] === 'RobertaProcessing') return { begins: true, ends: true };
    const single = step['single'];
    if (step['type'] !== 'TemplateProcessing' || !Array.isArray(single)) continue;
    const place = single.findIndex((each) => isObject(each) && 'Sequence' in each);
    const [before, after] = [single.slice(0, Math.max(0, place)).map(nameOf), single.slice(place + 1).map(nameOf)];
    if (place < 0 || before.length > 1 || after.length > 1) throw strange('several tokens around a text');
    return {
      begins: before.length === 1,
      ends: after.length === 1,
      ...(before[0] === undefined ? {} : { first: before[0] }),
      ...(after[0] === undefined ? {} : { last: after[0] }),
    };
  }
  return processor === null || processor === undefined ? null : { begins: false, ends: false };
}

function nameOf(place: unknown): string | undefined {
  const token = isObject(place) && isObject(place['SpecialToken']) ? place['SpecialToken']['id'] : undefined;
  return typeof token === 'string' ? token : undefined;
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    throw new ConvertError('The table of characters in tokenizer.json (precompiled_charsmap) is not base64.');
  }
}
