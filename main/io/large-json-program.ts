/**
 * A thread that scans large JSON bodies, so that the engine's own thread does not: their depth,
 * number of values and top-level members. It shares the bytes, or receives and returns them;
 * nothing is copied.
 */
import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { outlineOf } from '../core/json-outline.ts';
import { answerOneByOne } from './answer-thread.ts';
import type { JsonAnswer, JsonQuestion, LongTexts } from './large-json.ts';
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
/** V8 does not count shared memory: after so much of it, garbage is collected here as well. */
const COLLECTED_BYTES = 64 * 1024 * 1024;
const MEMBERS_OF_TEXTS = ['prompt', 'messages', 'input', 'inputs'];

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
  const outline = outlineOf(bytes, bounds);
  if (outline.kind === 'too-deep') return refuse(`${outline.at}: nested more than ${bounds.depth} deep.`, outline.at);
  if (outline.kind === 'too-many') return refuse(`The body holds more than ${bounds.values} values: send it in parts.`);
  if (outline.kind !== 'object') return refuse('The body is not a JSON object in braces.');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (whole) return { bytes, items: {}, ...withoutLong(JSON.parse(text.toString()) as Record<string, unknown>) };
    const value: Record<string, unknown> = {};
    for (const [key, { start, end }] of outline.members) {
      if (end - start <= LONGEST_TOP_BYTES) value[key] = JSON.parse(text.toString('utf8', start, end)) as unknown;
    }
    const items = Object.fromEntries([...outline.members].filter(([, each]) => each.items > 0).map(([key, each]) => [key, each.items]));
    return { bytes, value, items, texts: { word: '', texts: [] } };
  } catch (thrown) {
    return refuse(`The body is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

function withoutLong(value: Record<string, unknown>): { readonly value: Record<string, unknown>; readonly texts: LongTexts } {
  // Nobody who sends a text can know it.
  const word = randomUUID();
  const texts: Uint8Array[] = [];
  function shortened(part: unknown): unknown {
    if (typeof part === 'string') return part.length <= LONG_CHARACTERS ? part : `${word}-${texts.push(shared(JSON.stringify(part))) - 1}`;
    if (Array.isArray(part)) return part.map(shortened);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, each]) => [key, shortened(each)]));
  }
  const members = MEMBERS_OF_TEXTS.filter((name) => Object.hasOwn(value, name));
  const short = Object.fromEntries(members.map((name) => [name, shortened(value[name])]));
  return { value: { ...value, ...short }, texts: { word, texts } };
}

/** For whichever thread reads it next, without a copy. */
function shared(text: string): Uint8Array {
  const bytes = Buffer.from(new SharedArrayBuffer(Buffer.byteLength(text)));
  bytes.write(text);
  return bytes;
}

answerOneByOne<JsonQuestion, JsonAnswer>(answer, (answered) => ('bytes' in answered ? [answered.bytes] : []));
