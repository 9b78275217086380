/** Whole numbers between bounds: exactly those, shown by trying them all. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { integerRange } from '../../main/embedded/integer-grammar.ts';

/** These grammars use only what regular expressions know too. */
function pattern(body: string): RegExp {
  return new RegExp(`^(${body.replaceAll('"', '').replaceAll(' ', '')})$`);
}

test('every number between the bounds, no other, none with a leading zero', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1200, max: 1200 }), fc.nat(1500), (least, span) => {
      const range = pattern(integerRange(least, least + span)!);
      for (let value = -1400; value <= 2800; value++) {
        expect(range.test(String(value)), `${value} in ${least}..${least + span}`).toBe(value >= least && value <= least + span);
      }
      expect(range.test('007') || range.test('-0') || range.test('')).toBe(false);
    }),
    { numRuns: 60 },
  );
});

test('one bound alone, large numbers, and nothing between', () => {
  const positive = pattern(integerRange(1, null)!);
  expect(['1', '42', '999999999999999'].every((text) => positive.test(text))).toBe(true);
  expect(['0', '-1', '9999999999999999'].some((text) => positive.test(text))).toBe(false);
  const below = pattern(integerRange(null, -100)!);
  expect([below.test('-100'), below.test('-99'), below.test('-123456')]).toEqual([true, false, true]);
  const wide = pattern(integerRange(1_234_567, 98_765_432)!);
  expect([1_234_567, 98_765_432, 5_000_000].every((value) => wide.test(String(value)))).toBe(true);
  expect([1_234_566, 98_765_433].some((value) => wide.test(String(value)))).toBe(false);
  expect(integerRange(3, 2)).toBeNull();
});
