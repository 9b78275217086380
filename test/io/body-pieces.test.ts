/** What is sent in one turn: as much as a turn takes, of however many parts, and the same bytes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inPieces } from '../../main/io/body-pieces.ts';

test('small parts go together, and large ones are cut and not copied', () => {
  const small = Array.from({ length: 1_000 }, (_, index) => Buffer.from(`${index},`));
  const large = Buffer.alloc(2_500, 'x');
  const pieces = [...inPieces([...small, large, ...small], 1_000)];
  expect(pieces.map(({ length }) => length)).toEqual([998, 1_000, 1_000, 892, 1_000, 1_000, 500, 998, 1_000, 1_000, 892]);
  expect(pieces[5]?.buffer).toBe(large.buffer);
});

test('are the same bytes, and none is larger', () => {
  const bytes = fc.uint8Array({ maxLength: 30 }).map((each) => Buffer.from(each));
  fc.assert(
    fc.property(fc.array(bytes), fc.integer({ min: 1, max: 20 }), (parts, most) => {
      const pieces = [...inPieces(parts, most)];
      expect(Buffer.concat(pieces)).toEqual(Buffer.concat(parts));
      expect(pieces.every(({ length }) => length > 0 && length <= most)).toBe(true);
    }),
  );
});
