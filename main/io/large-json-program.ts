/**
 * A thread that looks into large JSON bodies, so that the engine's own thread does not: whether
 * they are too deep or too many values, and what their top says. It is given the bytes and gives
 * them back; nothing is copied.
 */
import { isUtf8 } from 'node:buffer';
import { parentPort } from 'node:worker_threads';
import { outlineOf } from '../core/json-outline.ts';
import type { JsonAnswer, JsonQuestion } from './large-json.ts';

/**
 * What the top of a body may say on the engine's thread as well: names and numbers, no texts to be
 * answered.
 */
const LONGEST_TOP_BYTES = 1_000;

function answer({ id, bytes, whole, bounds }: JsonQuestion): JsonAnswer {
  const refuse = (problem: string, param: string | null = null): JsonAnswer => {
    // Nobody wants these bytes any more: their memory goes at once.
    (bytes.buffer as ArrayBuffer).transferToFixedLength(0);
    return { id, problem, param };
  };
  if (!isUtf8(bytes)) return refuse('The body is not UTF-8: encode it so, rather than as Latin-1, UTF-16 or GBK.');
  const outline = outlineOf(bytes, bounds);
  if (outline.kind === 'too-deep') return refuse(`${outline.at}: nested more than ${bounds.depth} deep.`, outline.at);
  if (outline.kind === 'too-many') return refuse(`The body holds more than ${bounds.values} values: send it in parts.`);
  if (outline.kind !== 'object') return refuse('The body is not a JSON object in braces.');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (whole) return { id, bytes, value: JSON.parse(text.toString()) as Record<string, unknown> };
    const value: Record<string, unknown> = {};
    for (const [key, { start, end }] of outline.members) {
      if (end - start <= LONGEST_TOP_BYTES) value[key] = JSON.parse(text.toString('utf8', start, end)) as unknown;
    }
    return { id, bytes, value };
  } catch (thrown) {
    return refuse(`The body is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

parentPort?.on('message', (question: JsonQuestion) => {
  const answered = answer(question);
  parentPort?.postMessage(answered, 'bytes' in answered ? [answered.bytes.buffer as ArrayBuffer] : []);
});
