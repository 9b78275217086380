import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FormatError } from '../../../main/core/analyzer/bytes.ts';
import { checkJson, checkText, readJsonObject } from '../../../main/core/analyzer/json.ts';
import { counted } from './synthetic-gguf.ts';

const WINDOW_BYTES = 64 * 1024;
const odd = fc.string({ unit: fc.constantFrom('\\', '"', 'a', '{', '[', ',', '}', ']', 'é'), maxLength: 40 });

function fault(run: () => unknown): string {
  try {
    run();
    return 'none';
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error.fault;
  }
}

test('quotes and backslashes are told apart, also where a window ends between them', () => {
  fc.assert(
    fc.property(odd, odd, fc.nat(60), (key, value, shift) => {
      const text = JSON.stringify({ pad: 'x'.repeat(WINDOW_BYTES - 30 - shift), [`k${key}`]: value, list: [1, [2, value]] });
      const bytes = Buffer.from(text);
      expect(fault(() => checkJson(counted(bytes), 2 ** 20))).toBe('none');
      expect(fault(() => checkJson(counted(bytes.subarray(0, -1)), 2 ** 20))).toBe('truncated');
      expect(checkText(bytes, 'it')).toBe(3);
      expect(readJsonObject(counted(bytes), 2 ** 20)).toEqual(JSON.parse(text));
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['{"a": "', 'truncated'],
  ['{"a": "\\"}', 'truncated'],
  ['{"a": "\\\\"}', 'none'],
  ['{"a": [1, 2}', 'truncated'],
  ['{"a": 1}\u0000', 'damaged'],
  [`{"a": 1}${'\u0000'.repeat(512)}`, 'truncated'],
  [`{"a": 1${'\u0000'.repeat(511)}}`, 'damaged'],
  ['{"a": nothing}', 'damaged'],
  ['[1, 2]', 'damaged'],
  [`{"a": ${'['.repeat(65)}${']'.repeat(65)}}`, 'damaged'],
  [`{"a": [${'1,'.repeat(300_000)}1]}`, 'damaged'],
])('%j', (text, expected) => {
  expect(fault(() => readJsonObject(counted(Buffer.from(text)), 2 ** 20))).toBe(expected);
});
