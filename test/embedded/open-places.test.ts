/**
 * How many ways a grammar leaves open, counted as llama.cpp follows them. A grammar that would make
 * it compute without end is found before, and none that people use is.
 */
import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { jsonGrammar } from '../../main/embedded/grammar/json-grammar.ts';
import { allowWork, TooMuchWork } from '../../main/embedded/grammar/language.ts';
import { NotationError, readNotation } from '../../main/embedded/grammar/notation.ts';
import { checkGrammar, OpenPlaces, TooManyPlaces } from '../../main/embedded/grammar/open-places.ts';
import { collectGarbage } from '../../main/io/memory.ts';
import { random } from './fuzz-bodies.ts';

/** How many places are open behind this text. */
function open(grammar: string, text: string): number {
  const places = new OpenPlaces(readNotation(grammar));
  places.accept(text);
  return places.count;
}

/** A grammar is found again by its text: each test has one of its own. */
let comments = 0;
function check(grammar: string): void {
  allowWork(5_000_000);
  checkGrammar(`${grammar}\n# ${++comments}`);
}

const rules = (rule: (next: string) => string, last: string) =>
  ['root ::= a0', ...Array.from({ length: 30 }, (_, at) => `a${at} ::= ${rule(`a${at + 1}`)}`), `a30 ::= ${last}`].join('\n');

describe('places that are open', () => {
  test.each<[string, string, number]>([
    ['root ::= "ab" | "ac"', '', 2],
    ['root ::= "ab" | "ac"', 'a', 2],
    ['root ::= "ab" | "ac"', 'ab', 0],
    ['root ::= ("a" | "b"){2,4} "c"', 'ab', 3],
    ['root ::= ("a" | "b"){2,4} "c"', 'abab', 1],
    ['root ::= [a-c]+ [^x] .', 'ab', 3],
    ['root ::= "\\x61\\n\\"" # a comment\n', 'a\n', 1],
    ['root ::= a? b*\na ::= "a"\nb ::= "b"', '', 2],
    ['root ::= "x" (\n  "y" |\n  "z"\n)', 'x', 2],
    // Nothing of the grammar: it is followed no more.
    ['root ::= "ab"', 'c', 0],
  ])('%j behind %j: %i', (grammar, text, count) => {
    expect(open(grammar, text)).toBe(count);
  });

  test('equal ones are one', () => {
    expect(open('root ::= (x | x)* "b"\nx ::= "a"', 'aaaaaaaa')).toBe(2);
  });

  test('those that are closed take no memory for ever', () => {
    const places = new OpenPlaces(readNotation('root ::= item*\nitem ::= "[" root "]" | "(" root ")"'));
    const next = random(7);
    const heap = () => {
      collectGarbage('all');
      return process.memoryUsage().heapUsed;
    };
    const before = heap();
    const ends: string[] = [];
    for (let at = 0; at < 1_000_000; at++) {
      const isNew = ends.length === 0 || (ends.length < 30 && next() < 0.5);
      if (isNew) ends.push(next() < 0.5 ? ']' : ')');
      places.accept(isNew ? (ends.at(-1) === ']' ? '[' : '(') : ends.pop()!);
    }
    expect(places.count).toBe(ends.length === 0 ? 2 : 3);
    expect(heap() - before).toBeLessThan(60 * 1024 * 1024);
  });

  test.each([
    'root ::= other',
    'root ::=  "a',
    'root ::= [a',
    'root ::= "\\x6"',
    'root = "a"',
    'root ::= *',
    'root ::= <[1]>',
    'a ::= "a"',
  ])('what is no notation is refused: %j', (grammar) => {
    expect(() => readNotation(grammar)).toThrow(NotationError);
  });
});

describe('a grammar is refused', () => {
  test.each([
    ['where rules that may be empty double', rules((next) => `${next} ${next}`, '"a"?')],
    ['where choices double', rules((next) => `${next} | ${next} "b"`, '"a"')],
    ['where the ways double with each character', 'root ::= "a" root "b" | "a" root "c"'],
    ['where they do so beside some that end', 'root ::= "a" root "b" | "a" root "c" | "q" "1" | "q" "2" | "q" "3"'],
    ['where each of very many equal ways leads to all of them again', `root ::= (${Array(1_000).fill('"x"').join(' | ')})*`],
    ['where a rule begins with itself', 'root ::= root "a" | "b"'],
  ])('%s', (_, grammar) => {
    expect(() => check(grammar)).toThrow(TooManyPlaces);
  });

  test('where two kinds of lists hold each other and end otherwise', () => {
    const lists = [
      { type: 'array', items: { $ref: '#/$defs/s' } },
      { type: 'array', prefixItems: [{ $ref: '#/$defs/s' }, { type: 'null' }] },
    ];
    const grammar = jsonGrammar({ $ref: '#/$defs/s', $defs: { s: { anyOf: lists } } });
    expect(() => check(grammar)).toThrow(TooManyPlaces);
  });

  test('once the answer comes to where they double', () => {
    const grammar = `root ::= "${'x'.repeat(50)}" s\ns ::= "a" s "b" | "a" s "c"`;
    check(grammar);
    const places = new OpenPlaces(readNotation(grammar));
    places.accept('x'.repeat(49));
    expect(() => places.accept('x')).toThrow(TooManyPlaces);
  });

  test('where finding that out takes too much work here', () => {
    allowWork(1_000);
    expect(() => checkGrammar(rules((next) => `${next} | ${next} "c"`, '"a"'))).toThrow(TooMuchWork);
  });
});

describe('a grammar is taken', () => {
  const tree = {
    $ref: '#/$defs/t',
    $defs: {
      t: {
        anyOf: [
          { type: 'array', items: { $ref: '#/$defs/t' } },
          { type: 'array', items: { type: 'integer' } },
        ],
      },
    },
  };
  const node = (type: string, ...children: string[]) => ({
    type: 'object',
    properties: { type: { const: type }, ...Object.fromEntries(children.map((name) => [name, { $ref: '#/$defs/e' }])) },
    required: ['type', ...children],
  });
  test.each<[string, unknown]>([
    ['anything', {}],
    ['any object', { type: 'object' }],
    ['trees whose kinds begin alike', tree],
    [
      'expressions',
      { $ref: '#/$defs/e', $defs: { e: { anyOf: [node('binary', 'left', 'right'), node('unary', 'of'), { type: 'number' }] } } },
    ],
    [
      '2,000 properties, none of which must be there',
      { type: 'object', properties: Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`p${at}`, { type: 'null' }])) },
    ],
    ['10,000 values', { enum: Array.from({ length: 10_000 }, (_, at) => `value number ${at * 7919}`) }],
    ['long lists and texts', { type: 'array', items: { type: 'string', minLength: 3, maxLength: 1900 }, minItems: 300, maxItems: 2000 }],
  ])('of a schema of %s', (_, schema) => {
    allowWork(5_000_000);
    check(jsonGrammar(schema));
  });

  test('a list of 4,000 texts', () => {
    check(`root ::= (${Array.from({ length: 4000 }, (_, at) => `"${'x'.repeat(at % 15)}${at}"`).join(' | ')})*`);
  });

  test('each that llama.cpp brings as an example', async () => {
    const folder = new URL('../../node_modules/node-llama-cpp/llama/grammars/', import.meta.url);
    const names = (await readdir(folder)).filter((name) => name.endsWith('.gbnf'));
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) check(await readFile(new URL(name, folder), 'utf8'));
  });
});
