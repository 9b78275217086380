/** What tokenizer.json of the tokenizers library says, as llama.cpp takes it: tokens by their ids, and how a text becomes them. Pure and bounded (I7). */
import { isObject, parseJsonObject } from '../../core/analyzer/json.ts';
import { ConvertError } from './convert-error.ts';
import { preTokenizerName } from './pre-tokenizers.ts';
import { type AddedToken, TOKEN, type Vocabulary, VocabularyTable } from './vocabulary-table.ts';

/** @param size rows of the embedding matrix. @throws ConvertError for what llama.cpp does not do. */
export function vocabularyOfJson(bytes: Uint8Array, size: number): Vocabulary {
  const json = parseJsonObject(bytes, 'tokenizer.json');
  const model = isObject(json['model']) ? json['model'] : {};
  const table = new VocabularyTable(size);
  const read = readerOf(model);
  const made = read(json, model, table);
  for (const token of addedTokens(json['added_tokens'])) table.add(token, made.model === 'llama' || made.model === 't5');
  return { ...made, table, ends: endsOf(json['post_processor']) };
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
  if (hasBytes(json['pre_tokenizer'])) return byteLevel(json, model, merges);
  return pieces(json, model, merges, table);
}

function byteLevel(json: Record<string, unknown>, model: Record<string, unknown>, merges: readonly (readonly [string, string])[]): Made {
  // NFC changes only what was typed in pieces; llama.cpp leaves it out for every model that has it.
  const normalizers = stepsOf(json['normalizer'], 'normalizers').filter(({ type }) => type !== 'NFC');
  if (normalizers.length > 0) throw strangeNormalizer(normalizers);
  return {
    model: 'gpt2',
    merges: merges.map(([left, right]) => `${left} ${right}`),
    extra: { 'tokenizer.ggml.pre': { type: 'string', value: preTokenizerName(json['pre_tokenizer'], model['ignore_merges'] === true) } },
  };
}

/** SentencePiece pairs in the tokenizers library's clothes: the earlier a pair is joined, the better the score of what it makes. */
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
  for (const [rank, [left, right]] of merges.entries()) table.score(left + right, -rank);
  table.markBytes();
  table.markUnknown(typeof model['unk_token'] === 'string' ? model['unk_token'] : null);
  return { model: 'llama', merges: null, extra: { 'tokenizer.ggml.pre': { type: 'string', value: 'default' }, ...spaces(json) } };
}

/** Whether a space goes in front of a text. `first`: of the whole text alone, which chats never begin with: there a token comes first. */
function spaces(json: Record<string, unknown>): Made['extra'] {
  const normalizers = stepsOf(json['normalizer'], 'normalizers');
  const metaspace = stepsOf(json['pre_tokenizer'], 'pretokenizers').find(({ type }) => type === 'Metaspace');
  const prepends = normalizers.some(({ type, prepend }) => type === 'Prepend' && prepend === '▁');
  const scheme =
    metaspace?.['prepend_scheme'] ?? (metaspace === undefined ? 'never' : metaspace['add_prefix_space'] === false ? 'never' : 'always');
  const known = normalizers.every(({ type }) => ['Prepend', 'Replace', 'NFC'].includes(String(type)));
  if (!known) throw strangeNormalizer(normalizers);
  return { 'tokenizer.ggml.add_space_prefix': { type: 'bool', value: prepends || scheme === 'always' || scheme === 'first' } };
}

function readUnigram(json: Record<string, unknown>, model: Record<string, unknown>, table: VocabularyTable): Made {
  const { vocab, unk_id: unknown } = model;
  if (!Array.isArray(vocab)) throw new ConvertError('tokenizer.json has no list of pieces.');
  vocab.forEach((entry, id) => {
    const [text, score] = Array.isArray(entry) ? entry : [];
    if (typeof text !== 'string' || typeof score !== 'number') throw new ConvertError(`Entry ${id} of tokenizer.json's pieces is none.`);
    table.put(id, text, id === unknown ? TOKEN.unknown : TOKEN.normal, score);
  });
  table.markBytes();
  const normalizers = stepsOf(json['normalizer'], 'normalizers');
  const charsmap = normalizers.map((each) => each['precompiled_charsmap']).find((each) => typeof each === 'string');
  const cuts = stepsOf(json['pre_tokenizer'], 'pretokenizers');
  const metaspace = cuts.find(({ type }) => type === 'Metaspace');
  const scheme = metaspace?.['prepend_scheme'] ?? (metaspace?.['add_prefix_space'] === false ? 'never' : 'always');
  const joinsSpaces = cuts.some(({ type }) => type === 'WhitespaceSplit') || normalizers.some(({ type }) => type === 'Replace');
  return {
    model: 't5',
    merges: null,
    extra: {
      'tokenizer.ggml.pre': { type: 'string', value: 'default' },
      'tokenizer.ggml.add_space_prefix': { type: 'bool', value: scheme !== 'never' },
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
  const lowers = normalizer['lowercase'] !== false;
  const strips = normalizer['strip_accents'];
  for (const [text, id] of entriesOf(model['vocab'])) table.put(id, wordPiece(text), TOKEN.normal);
  return { model: 'bert', merges: null, extra: wordPieceRules(lowers, typeof strips === 'boolean' ? strips : lowers) };
}

/** llama.cpp's spelling: a mark where a word begins, nothing where it goes on. Special tokens are put back by whoever adds them. */
export function wordPiece(text: string): string {
  return text.startsWith('##') ? text.slice(2) : `▁${text}`;
}

export function wordPieceRules(lowers: boolean, stripsAccents: boolean): Made['extra'] {
  return {
    'tokenizer.ggml.pre': { type: 'string', value: 'default' },
    'tokenizer.ggml.normalizer.lowercase': { type: 'bool', value: lowers },
    'tokenizer.ggml.normalizer.strip_accents': { type: 'bool', value: stripsAccents },
  };
}

function strangeNormalizer(steps: readonly Record<string, unknown>[]): ConvertError {
  const names = steps.map(({ type }) => String(type)).join(', ');
  return new ConvertError(
    `Its tokenizer changes texts first in a way that llama.cpp does not (${names}): vLLM would serve the folder as it is.`,
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
    if (typeof left !== 'string' || typeof right !== 'string' || left === '' || right === '')
      throw new ConvertError(`Pair ${index} of the tokenizer's list is none.`);
    return [left, right] as const;
  });
}

export function addedTokens(list: unknown): readonly AddedToken[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((each) => {
    const { id, content, special } = isObject(each) ? each : {};
    return Number.isSafeInteger(id) && typeof content === 'string' && content !== ''
      ? [{ id: Number(id), text: content, isSpecial: special === true }]
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
    return { begins: place > 0, ends: place >= 0 && place < single.length - 1 };
  }
  return processor === null || processor === undefined ? null : { begins: false, ends: false };
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    throw new ConvertError('The table of characters in tokenizer.json (precompiled_charsmap) is not base64.');
  }
}
