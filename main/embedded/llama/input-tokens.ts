/** The special tokens around embedded or ranked texts, such as BERT's `[CLS]` and `[SEP]`. Pure. */

interface Marks {
  readonly bos: number | null;
  readonly eos: number | null;
  readonly sep: number | null;
  readonly shouldPrependBosToken: boolean;
  readonly shouldAppendEosToken: boolean;
}

/**
 * @param own tokens of the text; where it has a mark already, as token numbers of a client may,
 * none is added.
 */
export function betweenMarks(own: readonly number[], marks: Marks, isWordPiece: boolean): readonly number[] {
  const begin = isWordPiece || marks.shouldPrependBosToken ? marks.bos : null;
  const end = isWordPiece ? marks.sep : marks.shouldAppendEosToken ? marks.eos : null;
  const first = begin === null || own[0] === begin ? [] : [begin];
  const last = end === null || (own.length > 0 && own.at(-1) === end) ? [] : [end];
  return [...first, ...own, ...last];
}

/**
 * A question and a document as BERT reads them, each ended by its mark:
 * `[CLS] question [SEP] document [SEP]`.
 */
export function pairBetweenMarks(
  query: readonly number[],
  document: readonly number[],
  { bos, sep }: Pick<Marks, 'bos' | 'sep'>,
): readonly number[] {
  const end = sep === null ? [] : [sep];
  return [...(bos === null ? [] : [bos]), ...query, ...end, ...document, ...end];
}
