/**
 * A tuple as a key of a dictionary: a text that is the same for equal tuples only. Pure; knows no
 * values of templates.
 */
import { TemplateBoundError } from './errors.ts';

/**
 * With the parts of the tuples in it. A tuple that holds the same one twice, forty times over, has
 * a million million parts, and takes no memory until somebody writes them out.
 */
const MOST_PARTS = 1_000;

/**
 * Each part has its length in front, so that no mark in it has to be escaped.
 * @param partsOf of a tuple in it; null for what is none.
 * @param placeOf what a part is kept under if it is a key by itself.
 * @throws TemplateBoundError for one of too many parts.
 */
export function tupleText<Item>(
  items: readonly Item[],
  partsOf: (item: Item) => readonly Item[] | null,
  placeOf: (item: Item) => unknown,
  left = { parts: MOST_PARTS },
): string {
  left.parts -= items.length;
  if (left.parts < 0) throw new TemplateBoundError(`it uses a tuple of more than ${MOST_PARTS} parts as a key`);
  const texts = items.map((item) => {
    const parts = partsOf(item);
    if (parts !== null) return tupleText(parts, partsOf, placeOf, left);
    const place = placeOf(item);
    const text = String(place);
    return `${typeof place} ${text.length} ${text}`;
  });
  return `tuple ${texts.length} ${texts.join('')}`;
}
