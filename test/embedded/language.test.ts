/**
 * Patterns and bounds of numbers as automata: the same texts as JavaScript's own regular
 * expressions and arithmetic allow.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { automaton, lengths, type State } from '../../main/embedded/grammar/automaton.ts';
import { jsonGrammar } from '../../main/embedded/grammar/json-grammar.ts';
import { allowWork, both, characters, repeated, TooMuchWork, text } from '../../main/embedded/grammar/language.ts';
import { numberLanguage } from '../../main/embedded/grammar/number-language.ts';
import { patternLanguage } from '../../main/embedded/grammar/regex.ts';

function accepts(states: readonly State[] | null, written: string): boolean {
  let at: State | undefined = states?.[0];
  for (const character of written) {
    const code = character.codePointAt(0)!;
    const step = at?.steps.find(({ set }) => set.some(([first, last]) => code >= first && code <= last));
    at = step === undefined ? undefined : states?.[step.to];
  }
  return at?.accepts ?? false;
}

const PATTERNS = [
  '^[a-z]+$',
  'ab',
  '^a|b$',
  '^(?:ab|a)(?:c|bcd)$',
  '^(a|ab)*c?$',
  '[^ab]',
  '^.{2,3}$',
  '^a{2}b{0,}$',
  '^\\d+\\.\\d{1,2}$',
  '^\\w+\\s?\\W$',
  '^$',
  '',
  '^[\\]a-c-]+$',
  '^(?<name>a+?)b*?$',
  '^\\u0061\\x62[\\u{1F600}-\\u{1F602}]$',
  '^(a+)+$',
  '\\$',
  '^[^\\d\\s]$',
  '^\\S(.*\\S)?$',
];

describe('patterns', () => {
  test.each(PATTERNS)('%s', (pattern) => {
    const states = automaton(patternLanguage(pattern));
    const real = new RegExp(pattern, 'u');
    const letters = fc.constantFrom(...'aaabbbcd01.- $]\n"\\é😀😁');
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 7 }), (parts) => {
        expect(accepts(states, parts.join('')), JSON.stringify(parts.join(''))).toBe(real.test(parts.join('')));
      }),
      { numRuns: 300 },
    );
  });

  test.each(['(?=a)', '(?<!a)b', '\\bfoo', '(a)\\1', '\\p{L}', 'a^b', 'a$b', 'x{20000}', '(', '[z-a]'])('%s is refused', (pattern) => {
    expect(() => patternLanguage(pattern)).toThrow();
  });

  test('a pattern that would take states without end is refused, not worked out', () => {
    expect(() => automaton(patternLanguage('(a|b)*a(a|b){20}'))).toThrow(/too many states/);
    allowWork(10_000);
    expect(() => automaton(patternLanguage('(a|b)*a(a|b){20}'))).toThrow(/takes too long/);
    allowWork(Number.POSITIVE_INFINITY);
    expect(automaton(both([text('a'), text('b')]))).toBeNull();
  });

  test('work that runs out while a pattern is read refuses no schema: another process has more of it', () => {
    let pattern = 'abcdefghijklmnop'.repeat(40);
    for (let depth = 0; depth < 48; depth += 1) pattern = `(${pattern})b`;
    allowWork(1_000);
    try {
      expect(() => jsonGrammar({ type: 'string', pattern })).toThrow(TooMuchWork);
    } finally {
      allowWork(Number.POSITIVE_INFINITY);
    }
  });

  // What is allowed here is worked out by the thread that generates.
  test.each([
    ['parts that may each be left out', `^${'[ab]?'.repeat(2_800)}$`],
    ['alternatives to nothing', `^${'(a|)'.repeat(3_500)}$`],
    ['a class of thousands', `^[${String.fromCharCode(...Array.from({ length: 3_000 }, (_, at) => 0x4e00 + 2 * at))}]{1,50}$`],
  ])('%s take no longer than others of as much work', (_, pattern) => {
    const spentMs = (of: string) => {
      allowWork(Number.POSITIVE_INFINITY);
      const language = patternLanguage(of);
      allowWork(30_000);
      const startMs = performance.now();
      expect(() => automaton(language)).toThrow(/takes too long/);
      return performance.now() - startMs;
    };
    try {
      const tries = [1, 2, 3].map(() => [spentMs(pattern), spentMs('(a|b)*a(a|b){20}')] as const);
      expect(Math.min(...tries.map(([own]) => own))).toBeLessThan(4 * Math.min(...tries.map(([, others]) => others)));
    } finally {
      allowWork(Number.POSITIVE_INFINITY);
    }
  });

  test('lengths', () => {
    const of = (pattern: string) => lengths(automaton(patternLanguage(pattern))!);
    expect(of('^a{2,5}$')).toEqual([2, 5]);
    expect(of('^ab?c*$')).toEqual([1, Number.POSITIVE_INFINITY]);
    expect(lengths(automaton(repeated(characters([[0x61, 0x7a]]), 0, 3))!)).toEqual([0, 3]);
  });
});

describe('numbers', () => {
  const open = { isLeastOpen: false, isMostOpen: false, multipleOf: null };

  test('whole numbers between bounds: every one, no other, none with a leading zero', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1200, max: 1200 }),
        fc.nat(1500),
        fc.boolean(),
        fc.boolean(),
        (least, span, isLeastOpen, isMostOpen) => {
          const most = least + span;
          const states = automaton(numberLanguage({ isInteger: true, least, most, isLeastOpen, isMostOpen, multipleOf: null }));
          for (let value = -1300; value <= 2800; value += 7) {
            const isInside = (isLeastOpen ? value > least : value >= least) && (isMostOpen ? value < most : value <= most);
            expect(accepts(states, String(value)), `${value} in ${least}..${most}`).toBe(isInside);
          }
          for (const wrong of ['007', '-0', '', '1.0', '-', '1e2']) expect(accepts(states, wrong)).toBe(false);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('numbers with a point, as JavaScript compares them', () => {
    const decimal = fc
      .tuple(fc.integer({ min: -3000, max: 3000 }), fc.constantFrom(1, 10, 100, 1000))
      .map(([whole, scale]) => whole / scale);
    fc.assert(
      fc.property(decimal, decimal, fc.boolean(), fc.boolean(), decimal, (one, other, isLeastOpen, isMostOpen, value) => {
        const [least, most] = [Math.min(one, other), Math.max(one, other)];
        const states = automaton(numberLanguage({ isInteger: false, least, most, isLeastOpen, isMostOpen, multipleOf: null }));
        for (const tried of [value, least, most, (least + most) / 2]) {
          const written = String(tried);
          if (!/^-?\d+(\.\d{1,5})?$/.test(written)) continue;
          const isInside = (isLeastOpen ? tried > least : tried >= least) && (isMostOpen ? tried < most : tried <= most);
          expect(accepts(states, written), `${written} in ${least}..${most}`).toBe(isInside);
        }
      }),
      { numRuns: 300 },
    );
  });

  test.each([[7], [12], [0.5], [0.25], [0.01], [100]])('multiples of %d', (multipleOf) => {
    const states = automaton(numberLanguage({ ...open, isInteger: false, least: null, most: null, multipleOf }));
    const places = String(multipleOf).split('.')[1]?.length ?? 0;
    for (let steps = -300; steps <= 300; steps++) {
      const multiple = steps * multipleOf;
      if (steps !== 0) expect(accepts(states, multiple.toFixed(places)), multiple.toFixed(places)).toBe(true);
      const beside = multiple + (multipleOf === 0.01 ? 0.005 : multipleOf >= 2 ? 1 : multipleOf / 5);
      expect(accepts(states, String(Number(beside.toFixed(4)))), String(beside)).toBe(false);
    }
  });

  test('large, small and impossible bounds', () => {
    const of = (least: number | null, most: number | null, isInteger = true) =>
      automaton(numberLanguage({ ...open, isInteger, least, most }));
    expect(['1', '42', '999999999999999'].every((written) => accepts(of(1, null), written))).toBe(true);
    expect(['0', '-1', '9999999999999999'].some((written) => accepts(of(1, null), written))).toBe(false);
    expect(['-100', '-99', '-123456'].map((written) => accepts(of(null, -100), written))).toEqual([true, false, true]);
    expect(accepts(of(1e-7, 2e-7, false), '0.00000015')).toBe(true);
    expect(accepts(of(1e-7, 2e-7, false), '0.00000025')).toBe(false);
    expect(of(3, 2)).toBeNull();
    expect(() => numberLanguage({ ...open, isInteger: true, least: null, most: null, multipleOf: 1.234567 })).toThrow(RangeError);
  });
});
