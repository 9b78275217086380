/**
 * Splits a model's output into text and tool calls while it arrives. Output that only resembles a
 * call is passed on as text, unless a complete call came before it. No I/O.
 */
import { CallJson } from './call-json.ts';
import { startAtEnd } from './marks.ts';
import type { ToolFormat } from './tool-format.ts';

export type ToolPart =
  | { readonly kind: 'text'; readonly text: string }
  /** `name` comes once for each call, with its first part. */
  | { readonly kind: 'call'; readonly index: number; readonly name: string | null; readonly arguments: string };

/** What an answer consists of: thoughts in front of it too. */
export type Part = ToolPart | { readonly kind: 'reasoning'; readonly text: string };

/** What is expected next. */
type State = 'text' | 'begin' | 'call' | 'after' | 'done';

const BEGINS: Readonly<Record<ToolFormat, string>> = {
  hermes: '<tool_call>',
  mistral: '[TOOL_CALLS]',
  'mistral-named': '[TOOL_CALLS]',
  llama: '<|python_tag|>',
};

export interface ReaderOptions {
  /** One call at most: what follows it is dropped. */
  readonly isSingle?: boolean;
  /** Tools without parameters: their arguments are `{}`, whatever is written. */
  readonly takesNothing?: (name: string) => boolean;
}

export class ToolReader {
  readonly #format: ToolFormat;
  readonly #isTool: (name: string) => boolean;
  readonly #options: ReaderOptions;
  #state: State;
  /** Text that is not understood yet. */
  #held = '';
  #call: CallJson | null = null;
  #isReported = false;
  #calls = 0;
  #parts: ToolPart[] = [];
  /** Nothing was said since the last call. */
  #isBehindCall = false;
  /** A list of calls is open: Mistral's. */
  #inList = false;

  constructor(format: ToolFormat, isTool: (name: string) => boolean, options: ReaderOptions = {}) {
    this.#options = options;
    this.#format = format;
    this.#isTool = isTool;
    // Llama's calls have no mark: an answer that begins as one is one.
    this.#state = format === 'llama' ? 'begin' : 'text';
  }

  /** Calls that were told. */
  get calls(): number {
    return this.#calls;
  }

  /** The one call that may come is whole. */
  get isDone(): boolean {
    return this.#state === 'done';
  }

  push(text: string): readonly ToolPart[] {
    this.#held += text;
    while (this.#advance());
    return this.#take();
  }

  /**
   * What is left. Right behind a call it is the beginning of another one that was cut off, or white
   * space: no text for anybody.
   */
  end(): readonly ToolPart[] {
    if (this.#isBehindCall) {
      this.#held = '';
      return this.#take();
    }
    if (this.#call !== null && !this.#isReported) this.#text(this.#call.text);
    this.#call = null;
    if (this.#state === 'text' || this.#state === 'begin') this.#text(this.#held);
    this.#held = '';
    return this.#take();
  }

  #take(): readonly ToolPart[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  #text(text: string): void {
    if (text === '') return;
    this.#parts.push({ kind: 'text', text });
    this.#isBehindCall = false;
  }

  /** @returns false when more must come first. */
  #advance(): boolean {
    switch (this.#state) {
      case 'text':
        return this.#readText();
      case 'begin':
        return this.#readBegin();
      case 'call':
        return this.#readCall();
      case 'after':
        return this.#readAfter();
      case 'done':
        return false;
      default:
        return this.#state satisfies never;
    }
  }

  #readText(): boolean {
    const mark = BEGINS[this.#format];
    const at = this.#held.indexOf(mark);
    if (at < 0) {
      // Spaces in front of a call belong to it, and the last characters may be the mark's first
      // ones.
      const sure = this.#held.slice(0, this.#held.length - startAtEnd(this.#held, mark)).trimEnd();
      this.#text(sure);
      this.#held = this.#held.slice(sure.length);
      return false;
    }
    this.#text(this.#held.slice(0, at).trimEnd());
    this.#held = this.#held.slice(at + mark.length);
    this.#state = 'begin';
    return true;
  }

  #readBegin(): boolean {
    const rest = this.#held.trimStart();
    if (rest === '') return false;
    if (this.#format === 'llama') {
      const mark = BEGINS.llama;
      if (rest.startsWith(mark)) return this.#skip(rest.slice(mark.length));
      if (mark.startsWith(rest)) return false;
      if (!rest.startsWith('{')) return this.#noCall(this.#held);
    }
    if (this.#format === 'mistral' && !this.#inList) {
      if (rest.startsWith('[')) {
        this.#inList = true;
        return this.#skip(rest.slice(1));
      }
    }
    if (this.#format === 'mistral-named' || (this.#format === 'mistral' && !this.#inList && !rest.startsWith('{')))
      return this.#readName(rest);
    return this.#open(null, rest);
  }

  /** `name[ARGS]{...}`, or `name{...}`. */
  #readName(rest: string): boolean {
    const at = rest.indexOf('{');
    if (at < 0) return false;
    return this.#open(rest.slice(0, at).replace('[ARGS]', '').trim(), rest.slice(at));
  }

  #open(name: string | null, rest: string): boolean {
    this.#call = new CallJson(name);
    this.#isReported = false;
    this.#held = rest;
    this.#state = 'call';
    return true;
  }

  #skip(rest: string): boolean {
    this.#held = rest;
    return true;
  }

  #noCall(text: string): boolean {
    this.#text(text);
    this.#held = '';
    this.#state = 'text';
    return false;
  }

  #readCall(): boolean {
    const call = this.#call;
    if (call === null || this.#held === '') return false;
    const rest = call.push(this.#held);
    this.#held = rest;
    if (call.name !== null && !this.#isReported) {
      if (this.#format === 'llama' && !this.#isTool(call.name)) return this.#notATool(call, rest);
      this.#isReported = true;
      this.#isBehindCall = true;
      this.#calls += 1;
      this.#parts.push({ kind: 'call', index: this.#calls - 1, name: call.name, arguments: '' });
    }
    if (this.#isReported) {
      const fresh = call.fresh();
      if (fresh !== '' && !this.#isEmpty(call)) this.#parts.push({ kind: 'call', index: this.#calls - 1, name: null, arguments: fresh });
    }
    if (!call.isWhole) return false;
    if (!this.#isReported && this.#format === 'llama') return this.#notATool(call, rest);
    if (!this.#isReported) this.#text(call.text);
    else if (this.#isEmpty(call)) this.#parts.push({ kind: 'call', index: this.#calls - 1, name: null, arguments: '{}' });
    this.#call = null;
    this.#state = this.#isReported && this.#options.isSingle === true ? 'done' : 'after';
    return true;
  }

  #isEmpty({ name }: CallJson): boolean {
    return name !== null && this.#options.takesNothing?.(name) === true;
  }

  /** JSON that names no tool of the request is an answer in JSON. */
  #notATool(call: CallJson, rest: string): boolean {
    this.#call = null;
    return this.#noCall(call.text + rest);
  }

  #readAfter(): boolean {
    const rest = this.#held.trimStart();
    if (rest === '') return false;
    switch (this.#format) {
      case 'hermes': {
        const mark = '</tool_call>';
        if (rest.startsWith(mark)) return this.#goOn('text', rest.slice(mark.length));
        return mark.startsWith(rest) ? false : this.#goOn('text', rest);
      }
      case 'mistral':
        if (this.#inList && rest.startsWith(',')) return this.#goOn('begin', rest.slice(1));
        this.#inList = false;
        return this.#goOn('text', rest.startsWith(']') ? rest.slice(1) : rest);
      case 'mistral-named':
        return this.#goOn('text', rest);
      case 'llama':
        return this.#goOn('begin', rest.replace(/^;\s*/, ''));
      default:
        return this.#format satisfies never;
    }
  }

  #goOn(state: State, rest: string): boolean {
    this.#state = state;
    this.#held = rest;
    return true;
  }
}
