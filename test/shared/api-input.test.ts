/** What checking a request costs, whatever is in it. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { checkInput } from '../../shared/api-input.ts';

test('is looked at up to the first fault, however many there are', () => {
  let looks = 0;
  const wrong = z.custom<string>(() => {
    looks += 1;
    return false;
  });
  const schema = z.strictObject({ stop: z.union([z.string(), z.array(wrong)]) });
  expect(() => checkInput(schema, { stop: Array(1_000).fill(0) })).toThrow(
    expect.objectContaining({ code: 'invalid-body', message: 'stop: Invalid input' }),
  );
  expect(looks).toBe(1);
});
