/**
 * A thread that scans large JSON bodies, so that the engine's own thread does not: their depth,
 * number of values and top-level members. It shares the bytes, or receives and returns them;
 * nothing is copied.
 */
import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { outlineOf } from '../core/json-outline.ts';
import { pauseForOthers } from '../core/step-behind.ts';
import { answerOneByOne } from './answer-thread.ts';
import type { JsonAnswer, JsonQuestion, TextsInRow } from './large-json.ts';
import { collectGarbage } from './memory.ts';

/**
 * What the top of a body may say on the engine's thread as well: names and numbers, no texts to be
 * answered.
 */
const LONGEST_TOP_BYTES = 1_000;
/**
 * Longer texts in these members go back as bytes, with a word in their place: the engine's thread
 * passes them on and reads none of them.
 */
const LONG_CHARACTERS = 16 * 1024;
/** So much of shorter texts goes back as it is, and of those that follow only the shortest. */
const KEPT_CHARACTERS = 1024 * 1024;
/** What takes the place of a text is not much shorter. */
const SHORTEST_CHARACTERS = 64;
/** All that the engine's thread builds again, checks and writes: some ten milliseconds of it. */
const MOST_LEFT_CHARACTERS = 4 * 1024 * 1024;
/** V8 does not count shared memory: after so much of it, garbage is collected here as well. */
const COLLECTED_BYTES = 64 * 1024 * 1024;
const MEMBERS_OF_TEXTS = ['prompt', 'messages', 'input', 'inputs'];

const NO_TEXTS: TextsInRow = { word: '', ...inRow([]) };

let uncollectedBytes = 0;

function answer({ bytes, whole, bounds }: JsonQuestion): JsonAnswer {
  if (uncollectedBytes >= COLLECTED_BYTES) {
    uncollectedBytes = 0;
    collectGarbage('all');
  }
  uncollectedBytes += bytes.byteLength;
  const refuse = (problem: string, param: string | null = null): JsonAnswer => {
    // Nobody wants these bytes any more: where they are ours, their memory goes at once.
    if (bytes.buffer instanceof ArrayBuffer) bytes.buffer.transferToFixedLength(0);
    return { problem, param };
  };
  if (!isUtf8(bytes)) return refuse('The body is not UTF-8: encode it as UTF-8, not as Latin-1, UTF-16 or GBK.');
  const outline = outlineOf(bytes, bounds, pauseForOthers);
  if (outline.kind === 'too-deep') return refuse(`${outline.at}: nested more than ${bounds.depth} deep.`, outline.at);
  if (outline.kind === 'too-many') return refuse(`The body holds more than ${bounds.values} values: send it in parts.`);
  if (outline.kind !== 'object') return refuse('The body is not a JSON object in braces.');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (whole) {
      const read = withoutLong(JSON.parse(text.toString()) as Record<string, unknown>);
      if (JSON.stringify(read.value).length <= MOST_LEFT_CHARACTERS) return { bytes, sizes: {}, ...read };
      const members = `${MEMBERS_OF_TEXTS.slice(0, -1).join(', ')} and ${MEMBERS_OF_TEXTS.at(-1)}`;
      return refuse(`The body holds more than ${MOST_LEFT_CHARACTERS} characters beside the texts in ${members}.`);
    }
    const value: Record<string, unknown> = {};
    for (const [key, { start, end }] of outline.members) {
      if (end - start <= LONGEST_TOP_BYTES) value[key] = JSON.parse(text.toString('utf8', start, end)) as unknown;
    }
    const unread = [...outline.members].filter(([key]) => !Object.hasOwn(value, key));
    const sizes = Object.fromEntries(unread.map(([key, { items, values }]) => [key, { items, values }]));
    return { bytes, value, sizes, texts: NO_TEXTS };
  } catch (thrown) {
    return refuse(`The body is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

function withoutLong(value: Record<string, unknown>): { readonly value: Record<string, unknown>; readonly texts: TextsInRow } {
  // Nobody who sends a text can know it.
  const word = randomUUID();
  const long: string[] = [];
  let keptCharacters = 0;
  function isLong({ length }: string): boolean {
    if (length > LONG_CHARACTERS || (length > SHORTEST_CHARACTERS && keptCharacters + length > KEPT_CHARACTERS)) return true;
    keptCharacters += length;
    return false;
  }
  function shortened(part: unknown): unknown {
    if (typeof part === 'string') return isLong(part) ? `${word}-${long.push(JSON.stringify(part)) - 1}` : part;
    if (Array.isArray(part)) return part.map(shortened);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, each]) => [key, shortened(each)]));
  }
  const members = MEMBERS_OF_TEXTS.filter((name) => Object.hasOwn(value, name));
  const short = Object.fromEntries(members.map((name) => [name, shortened(value[name])]));
  return { value: { ...value, ...short }, texts: { word, ...inRow(long) } };
}

/**
 * In one piece of memory for whichever thread reads it next, without a copy: a piece for each of
 * ten thousand texts costs that thread as much as the texts.
 */
function inRow(texts: readonly string[]): Omit<TextsInRow, 'word'> {
  let length = 0;
  const ends = Uint32Array.from(texts, (text) => (length += Buffer.byteLength(text)));
  const bytes = Buffer.from(new SharedArrayBuffer(length));
  for (const [index, text] of texts.entries()) bytes.write(text, ends[index - 1] ?? 0);
  return { bytes, ends };
}

answerOneByOne<JsonQuestion, JsonAnswer>(answer, (answered) => ('bytes' in answered ? [answered.bytes] : []));
