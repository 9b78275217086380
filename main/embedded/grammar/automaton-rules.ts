/**
 * Turns automata and lists of texts into grammar rules. Each rule has one active position at a
 * time, whatever the number of texts. Pure.
 */

import type { State } from './automaton.ts';
import { type GrammarText, literal } from './grammar-text.ts';
import { type Characters, complement, intersection } from './language.ts';

/** Characters that JSON's strings hold only behind a backslash, and what stands there. */
const ESCAPED = new Map<number, string>([
  ...([
    [0x22, '"'],
    [0x5c, '\\'],
    [8, 'b'],
    [9, 't'],
    [10, 'n'],
    [12, 'f'],
    [13, 'r'],
  ] as const),
]);
/** What stands in a JSON string as itself. Halves of characters are none. */
const PLAIN = complement([
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0x7f, 0x7f],
  [0xd800, 0xdfff],
]);

/** An empty text: an alternative of nothing would take the next line for its own. */
const NOTHING = '""';

/**
 * @param behind the rule of what must follow a state, where there is one.
 * @param isString characters are those of a JSON string's value, whose quotes stand outside.
 * @returns the rule of its first state. */
export function automatonRules(
  grammar: GrammarText,
  states: readonly State[],
  isString: boolean,
  behind: (at: number) => string | null = () => null,
): string {
  const names = states.map(() => grammar.reserve());
  for (const [at, { accepts, steps }] of states.entries()) {
    const alternatives = steps.flatMap(({ set, to }) =>
      (isString ? quoted(set) : [range(set)]).map((written) => `${written} ${names[to]}`),
    );
    grammar.define(names[at] ?? '', [...alternatives, ...(accepts ? [NOTHING] : []), ...[behind(at) ?? []].flat()].join(' | '));
  }
  return names[0] ?? '';
}

function quoted(set: Characters): readonly string[] {
  const plain = intersection(set, PLAIN);
  const escaped = [...ESCAPED].filter(([code]) => set.some(([first, last]) => code >= first && code <= last)).map(([, letter]) => letter);
  const letters = escaped.map((letter) => (letter === '\\' ? '\\\\' : letter)).join('');
  return [...(plain.length === 0 ? [] : [range(plain)]), ...(letters === '' ? [] : [`"\\\\" [${letters}]`])];
}

function range(set: Characters): string {
  return `[${set.map(([first, last]) => (first === last ? character(first) : `${character(first)}-${character(last)}`)).join('')}]`;
}

function character(code: number): string {
  return /[0-9A-Za-z]/.test(String.fromCodePoint(code)) ? String.fromCodePoint(code) : `\\U${code.toString(16).padStart(8, '0')}`;
}

/**
 * One of these texts, as a tree of their beginnings: side by side, each of thousands would be held
 * open with each token.
 * @param texts at least one.
 */
export function oneOf(grammar: GrammarText, texts: readonly string[]): string {
  return branch(grammar, [...new Set(texts)].toSorted(), 0);
}

/**
 * @param sorted texts that are the same in front of `from`. @returns what may follow there, in the
 * grammar's notation.
 */
function branch(grammar: GrammarText, sorted: readonly string[], from: number): string {
  const [first = ''] = sorted;
  if (sorted.length === 1) return literal(first.slice(from));
  const shared = sharedEnd(first, sorted.at(-1) ?? '', from);
  const alternatives: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    const here = sorted[at] ?? '';
    let end = at + 1;
    if (here.length === shared) alternatives.push(NOTHING);
    else {
      while (end < sorted.length && sorted[end]?.codePointAt(shared) === here.codePointAt(shared)) end += 1;
      alternatives.push(branch(grammar, sorted.slice(at, end), shared));
    }
    at = end;
  }
  const rule = grammar.add(alternatives.join(' | '));
  return shared === from ? rule : `${literal(first.slice(from, shared))} ${rule}`;
}

/** Where two texts differ first; never in the middle of a character. */
function sharedEnd(left: string, right: string, from: number): number {
  let at = from;
  while (at < left.length && left.codePointAt(at) === right.codePointAt(at)) at += (left.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}
