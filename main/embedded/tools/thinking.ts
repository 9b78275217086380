/**
 * Splits the output of a reasoning model into thoughts and answer. Owns the markers that models put
 * around thoughts, and removes them completely. No I/O.
 */
import { startAtEnd } from './marks.ts';

export interface ThinkingMarks {
  readonly open: string;
  readonly close: string;
}

/** What models write, by their templates. A mark of several words is looked for as one text. */
const KNOWN_MARKS: readonly ThinkingMarks[] = [
  { open: '<|channel|>analysis<|message|>', close: '<|end|><|start|>assistant<|channel|>final<|message|>' },
  { open: '<think>', close: '</think>' },
  { open: '<thinking>', close: '</thinking>' },
  { open: '<thought>', close: '</thought>' },
  { open: '<seed:think>', close: '</seed:think>' },
  { open: '<mm:think>', close: '</mm:think>' },
  { open: '[THINK]', close: '[/THINK]' },
  { open: '<|START_THINKING|>', close: '<|END_THINKING|>' },
  { open: '<|inner_prefix|>', close: '<|inner_suffix|>' },
  { open: '<|think|>', close: '<|/think|>' },
  { open: '<|channel>thought', close: '<channel|>' },
  { open: '◁think▷', close: '◁/think▷' },
  { open: '<reasoning>', close: '</reasoning>' },
];
/** Models whose templates only show what a text may be split at. */
const HARMONY = '<|channel|>';

/** The marks that a template knows; null: its model does not think aloud. */
export function thinkingMarksOf(template: string): ThinkingMarks | null {
  if (template.includes(HARMONY) && template.includes('analysis')) return KNOWN_MARKS[0] ?? null;
  return KNOWN_MARKS.slice(1).find(({ open, close }) => template.includes(open) && template.includes(close)) ?? null;
}

/** The single tokens that marks may consist of: control tokens, in some vocabularies. */
export function tokensOf({ open, close }: ThinkingMarks): readonly string[] {
  return [open, close].flatMap((mark) => (mark.includes('<|channel|>') ? (mark.match(/<\|\w+\|>/g) ?? []) : [mark]));
}

/** Whether an answer to this prompt begins inside of thoughts. */
export function isThoughtOpen(prompt: string, { open, close }: ThinkingMarks): boolean {
  const opened = prompt.lastIndexOf(open);
  if (opened < 0 || prompt.indexOf(close, opened) >= 0) return false;
  // A text of the conversation may hold the mark too: only the template's own, at the end, counts.
  return prompt.slice(opened + open.length).trim() === '';
}

/**
 * What ends thoughts at once, behind a prompt in which they are open: an answer that a grammar
 * holds has no room for them.
 */
export function closedAtOnce({ close }: ThinkingMarks): string {
  return `\n${close}\n\n`;
}

/** The same where no thoughts are wanted: the shortest that a model takes for having thought. */
export function withoutThoughts(prompt: string, marks: ThinkingMarks): string {
  return `${prompt}${isThoughtOpen(prompt, marks) ? '' : marks.open}${marks.close}`;
}

export interface ThinkingPart {
  readonly kind: 'text' | 'reasoning';
  readonly text: string;
}

/**
 * `begin`: nothing but white space was written yet; `answer-begin`: white space between thoughts
 * and answer belongs to neither.
 */
type State = 'begin' | 'thought-begin' | 'thought' | 'answer-begin' | 'answer';

export class ThinkingReader {
  readonly #marks: ThinkingMarks;
  #state: State;
  /** What is not understood yet. */
  #held = '';

  /**
   * @param isOpen the prompt ended inside of thoughts. @param isClosed it ended behind their end.
   */
  constructor(marks: ThinkingMarks, isOpen: boolean, isClosed = false) {
    this.#marks = marks;
    this.#state = isOpen ? 'thought-begin' : isClosed ? 'answer-begin' : 'begin';
  }

  push(text: string): readonly ThinkingPart[] {
    this.#held += text;
    const parts: ThinkingPart[] = [];
    while (this.#advance(parts));
    return parts;
  }

  end(): readonly ThinkingPart[] {
    const held = this.#held;
    this.#held = '';
    if (this.#state === 'thought-begin' || this.#state === 'thought') return this.#part('reasoning', held.trimEnd());
    return this.#state === 'answer-begin' ? [] : this.#part('text', held);
  }

  #part(kind: ThinkingPart['kind'], text: string): readonly ThinkingPart[] {
    return text === '' ? [] : [{ kind, text }];
  }

  /** @returns false when more must come first. */
  #advance(parts: ThinkingPart[]): boolean {
    switch (this.#state) {
      case 'begin':
        return this.#begin();
      case 'thought-begin':
      case 'answer-begin':
        this.#held = this.#held.trimStart();
        if (this.#held === '') return false;
        this.#state = this.#state === 'thought-begin' ? 'thought' : 'answer';
        return true;
      case 'thought':
        return this.#thought(parts);
      case 'answer':
        parts.push(...this.#part('text', this.#held));
        this.#held = '';
        return false;
      default:
        return this.#state satisfies never;
    }
  }

  #begin(): boolean {
    const { open } = this.#marks;
    const rest = this.#held.trimStart();
    if (rest.startsWith(open)) {
      this.#held = rest.slice(open.length);
      this.#state = 'thought-begin';
      return true;
    }
    if (open.startsWith(rest)) return false;
    this.#state = 'answer';
    return true;
  }

  #thought(parts: ThinkingPart[]): boolean {
    const { close } = this.#marks;
    const at = this.#held.indexOf(close);
    if (at >= 0) {
      parts.push(...this.#part('reasoning', this.#held.slice(0, at).trimEnd()));
      this.#held = this.#held.slice(at + close.length);
      this.#state = 'answer-begin';
      return true;
    }
    // The last characters may be the mark's first ones, and white space in front of it belongs to
    // neither.
    const sure = this.#held.slice(0, this.#held.length - startAtEnd(this.#held, close)).trimEnd();
    parts.push(...this.#part('reasoning', sure));
    this.#held = this.#held.slice(sure.length);
    return false;
  }
}
