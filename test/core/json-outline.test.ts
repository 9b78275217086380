import { assert, json, jsonValue, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasFewBrackets, outlineOf } from '../../main/core/json-outline.ts';

const bounds = { depth: 100, values: 100_000 };
const outline = (text: string, more = bounds) => outlineOf(Buffer.from(text), more);

function membersOf(text: string): Record<string, unknown> {
  const found = outline(text);
  if (found.kind !== 'object') throw new Error(found.kind);
  const bytes = Buffer.from(text);
  return Object.fromEntries([...found.members].map(([key, { start, end }]) => [key, JSON.parse(bytes.toString('utf8', start, end))]));
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('the outline of a JSON text', () => {
  test('has the members that JSON.parse finds, and its depth, whatever is in it', () => {
    void assert(
      property(json(), (text) => {
        const value = JSON.parse(text) as unknown;
        if (typeof value !== 'object' || value === null || Array.isArray(value)) {
          expect(outline(text).kind).toBe('broken');
          return;
        }
        const short = Object.entries(value).filter(([key]) => JSON.stringify(key).length < 180);
        expect(membersOf(text)).toMatchObject(Object.fromEntries(short));
        const depth = depthOf(value);
        expect(outline(text, { ...bounds, depth }).kind).toBe('object');
        expect(outline(text, { ...bounds, depth: depth - 1 }).kind).toBe('too-deep');
        expect(hasFewBrackets(Buffer.from(text), depth - 1)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  test('is the same with blanks between everything', () => {
    void assert(
      property(jsonValue(), (value) => {
        expect(membersOf(JSON.stringify({ a: value, 'b"\\': [value] }, null, '\t '))).toEqual(
          JSON.parse(JSON.stringify({ a: value, 'b"\\': [value] })),
        );
      }),
      { numRuns: 200 },
    );
  });

  test('counts the items of the lists at the top, and all that is in each member', () => {
    const found = outline('{"a": [{"b": [1, 2, 3]}, [4, 5], "x, y"], "c": 1, "d": {"e": [1, 2]}, "f": [ ], "g": [7]}');
    const members = found.kind === 'object' ? [...found.members] : [];
    expect(members.map(([key, { items, values }]) => [key, items, values])).toEqual([
      ['a', 3, 13],
      ['c', 0, 2],
      ['d', 0, 6],
      ['f', 1, 3],
      ['g', 1, 2],
    ]);
  });

  test('lets others run while it scans a large text', () => {
    const pauses = (text: string): number => {
      let count = 0;
      outlineOf(Buffer.from(text), { depth: 9, values: 2_000_000 }, () => {
        count += 1;
      });
      return count;
    };
    expect(pauses(`{"a":[${'1,'.repeat(500_000)}1]}`)).toBe(15);
    expect(pauses(`{"a":[${'"x",'.repeat(250_000)}1]}`)).toBe(15);
    // One text is found in one go.
    expect(pauses(`{"a":"${'x'.repeat(1_000_000)}"}`)).toBeLessThanOrEqual(1);
    expect(pauses('{"a":1}')).toBe(0);
  });

  test('of two equal keys the later counts', () => {
    expect(membersOf('{"model":"a", "x":{"model":"b"}, "model" : "c" }')).toEqual({ model: 'c', x: { model: 'b' } });
  });

  test.each(['', '[]', '"a"', '1', '{', '{"a":"b', '{"a":[}', '{}}', '{} {}', 'null'])('%j is broken, or JSON.parse says so', (text) => {
    const found = outline(text);
    if (found.kind === 'object') expect(() => JSON.parse(text) as unknown).toThrow();
    else expect(found.kind).toBe('broken');
  });

  test('values are counted before they cost anything', () => {
    expect(outline(`{"a":[${'{},'.repeat(5_000)}{}]}`, { depth: 9, values: 5_000 }).kind).toBe('too-many');
    expect(outline(`{"a":[${'1,'.repeat(5_000)}1]}`, { depth: 9, values: 5_000 }).kind).toBe('too-many');
    expect(outline(`{"a":[${'1,'.repeat(4_000)}1]}`, { depth: 9, values: 5_000 }).kind).toBe('object');
  });
});
