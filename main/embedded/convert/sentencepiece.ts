/**
 * Reads a SentencePiece model (`tokenizer.model`, `sentencepiece.bpe.model`): pieces with scores,
 * and the handling of spaces. Pure and bounded (I7): fields by their numbers in
 * sentencepiece_model.proto.
 */
import type { ByteSource } from '../../core/analyzer/bytes.ts';
import { ProtobufReader } from '../../core/analyzer/protobuf.ts';
import { ConvertError } from './convert-error.ts';
import { TOKEN, type Vocabulary, VocabularyTable } from './vocabulary-table.ts';

/** The largest published one has 4.7 MB and 262,144 pieces. */
const MOST_BYTES = 64 * 1024 * 1024;
const LIMITS = { headerBytes: MOST_BYTES, keptBytes: MOST_BYTES, steps: 16_000_000 };
const MOST_PIECE_BYTES = 64 * 1024;
const UNIGRAM = 1;
const PAIRS = 2;
/** SentencePiece's kinds of pieces, by its numbers. */
const KINDS = [TOKEN.normal, TOKEN.normal, TOKEN.unknown, TOKEN.control, TOKEN.userDefined, TOKEN.unused, TOKEN.byte] as const;

interface Piece {
  readonly text: string;
  readonly score: number;
  readonly kind: number;
}

interface SentencePiece {
  readonly pieces: Piece[];
  algorithm: number;
  charsmap: Uint8Array | null;
  addsSpace: boolean;
  joinsSpaces: boolean;
}

/**
 * @param isFairseq ids as XLM-R counts them: four tokens of its own in front, in place of the three
 * of the model.
 * @throws ConvertError, FormatError
 */
export function vocabularyOfSentencePiece(bytes: Uint8Array, size: number, isFairseq: boolean): Vocabulary {
  const model = read(bytes);
  if (model.algorithm !== UNIGRAM && model.algorithm !== PAIRS) {
    throw new ConvertError(
      'Its SentencePiece model cuts words or characters, which llama.cpp does not do: vLLM would serve the folder as it is.',
    );
  }
  const table = new VocabularyTable(size);
  if (isFairseq) {
    for (const [id, text] of ['<s>', '<pad>', '</s>'].entries()) table.put(id, text, TOKEN.control);
    table.put(3, '<unk>', TOKEN.unknown);
  }
  model.pieces.forEach(({ text, score, kind }, place) => {
    if (isFairseq && place < 3) return;
    table.put(isFairseq ? place + 1 : place, text, KINDS[kind] ?? TOKEN.normal, score);
  });
  if (isFairseq) table.put(model.pieces.length + 1, '<mask>', TOKEN.control);
  const isUnigram = model.algorithm === UNIGRAM;
  if (!isUnigram && table.missingBytes() > 0) {
    throw new ConvertError(
      'Its SentencePiece model has no tokens for the 256 bytes, which llama.cpp needs: vLLM would serve the folder as it is.',
    );
  }
  return {
    model: isUnigram ? 't5' : 'llama',
    table,
    merges: null,
    extra: {
      'tokenizer.ggml.pre': { type: 'string', value: 'default' },
      'tokenizer.ggml.add_space_prefix': { type: 'bool', value: model.addsSpace },
      ...(isUnigram ? { 'tokenizer.ggml.remove_extra_whitespaces': { type: 'bool', value: model.joinsSpaces } } : {}),
      ...(isUnigram && model.charsmap !== null ? { 'tokenizer.ggml.precompiled_charsmap': { type: 'bytes', value: model.charsmap } } : {}),
    },
    ends: isFairseq ? { begins: true, ends: true } : null,
  };
}

function read(bytes: Uint8Array): SentencePiece {
  if (bytes.length > MOST_BYTES) throw new ConvertError(`Its SentencePiece model has ${bytes.length} bytes; ${MOST_BYTES} are possible.`);
  const source: ByteSource = { bytes: bytes.length, read: (offset, length) => bytes.slice(offset, offset + length) };
  const reader = new ProtobufReader(source, LIMITS);
  const model: SentencePiece = { pieces: [], algorithm: UNIGRAM, charsmap: null, addsSpace: true, joinsSpaces: true };
  reader.file((field) => {
    if (field.number === 1 && field.isDelimited) model.pieces.push(pieceOf(reader));
    else if (field.number === 2 && field.isDelimited) {
      reader.message((inner) => {
        if (inner.number === 3) model.algorithm = inner.value;
      });
    } else if (field.number === 3 && field.isDelimited) {
      reader.message((inner) => {
        if (inner.number === 2 && inner.isDelimited && inner.bytes > 0) model.charsmap = reader.raw('a table of characters', MOST_BYTES);
        else if (inner.number === 3) model.addsSpace = inner.value !== 0;
        else if (inner.number === 4) model.joinsSpaces = inner.value !== 0;
      });
    }
  });
  return model;
}

function pieceOf(reader: ProtobufReader): Piece {
  let [text, score, kind] = ['', 0, 1];
  reader.message((field) => {
    if (field.number === 1 && field.isDelimited) text = reader.text('a piece', MOST_PIECE_BYTES);
    else if (field.number === 2) score = field.value;
    else if (field.number === 3) kind = field.value;
  });
  return { text, score, kind };
}
