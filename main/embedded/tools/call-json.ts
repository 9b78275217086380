/**
 * Parses one tool call while it is written, `{"name": ..., "arguments": {...}}` or the arguments
 * alone: reports the name as soon as it is complete, and the text of the arguments as it arrives.
 * No I/O.
 */
import { isObject } from '../requests/openai-fields.ts';

const HEAD = /^\s*\{\s*(?:"type"\s*:\s*"function"\s*,\s*)?"name"\s*:\s*"((?:[^"\\]|\\.)*)"\s*,\s*"(?:arguments|parameters)"\s*:\s*(?=\{)/;

export class CallJson {
  #text = '';
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Where the arguments begin in the text, once the name is known. */
  #argumentsAt: number | null = null;
  #reported = 0;
  #argumentsEnd: number | null = null;
  #isWhole = false;

  /** @param name known beforehand where the arguments stand alone. */
  constructor(name: string | null) {
    if (name !== null) this.#argumentsAt = 0;
    this.name = name;
  }

  name: string | null;

  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Everything seen so far: what it is when it turns out to be no call. */
  get text(): string {
    return this.#text;
  }

  /** @returns what follows the end of the call. */
  push(text: string): string {
    let at = 0;
    for (; at < text.length && !this.#isWhole; at++) this.#character(text[at] ?? '');
    if (this.#argumentsAt === null) this.#findHead();
    return text.slice(at);
  }

  /** The arguments' text that is new since the last time. */
  fresh(): string {
    if (this.#argumentsAt === null) return '';
    const end = this.#argumentsEnd ?? this.#text.length;
    const fresh = this.#text.slice(this.#argumentsAt + this.#reported, end);
    this.#reported += fresh.length;
    return fresh;
  }

  #character(character: string): void {
    this.#text += character;
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (character === '\\') this.#escaped = true;
      else if (character === '"') this.#inString = false;
      return;
    }
    if (character === '"') this.#inString = true;
    else if (character === '{' || character === '[') this.#depth += 1;
    else if (character === '}' || character === ']') {
      this.#depth -= 1;
      if (this.#depth === 1 && this.#argumentsAt === null) this.#findHead();
      const own = this.#argumentsAt === 0 ? 0 : 1;
      if (this.#depth === own && this.#argumentsAt !== null) this.#argumentsEnd ??= this.#text.length;
      if (this.#depth <= 0) this.#isWhole = true;
    }
    if (this.#isWhole && this.#argumentsAt === null) this.#readWhole();
  }

  #findHead(): void {
    const head = HEAD.exec(this.#text);
    if (head === null) return;
    this.name = JSON.parse(`"${head[1] ?? ''}"`) as string;
    this.#argumentsAt = head[0].length;
  }

  /** The keys came in another order: the call is told at its end. */
  #readWhole(): void {
    let call: unknown;
    try {
      call = JSON.parse(this.#text);
    } catch {
      return;
    }
    if (!isObject(call) || typeof call['name'] !== 'string') return;
    const given = call['arguments'] ?? call['parameters'] ?? {};
    this.name = call['name'];
    this.#text = typeof given === 'string' && given.trim() !== '' ? given : JSON.stringify(given === '' ? {} : given);
    this.#argumentsAt = 0;
    this.#argumentsEnd = this.#text.length;
  }
}
