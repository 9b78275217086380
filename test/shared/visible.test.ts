/** What a person reads before trusting code is what would run. */
import { expect, test } from 'vitest';
import { visible, visibleName } from '../../shared/visible.ts';

test.each([
  ['import os\n\tos.system("x")\r\n', 'import os\n\tos.system("x")\r\n'],
  ['\u001b[8mhidden\u001b[0m', '\\u{1b}[8mhidden\\u{1b}[0m'],
  ['a\u202eb\u200bc', 'a\\u{202e}b\\u{200b}c'],
  ['over\rwritten', 'over\\u{d}written'],
  ['\u{1f600} and \u00e9', '\u{1f600} and \u00e9'],
])('%j', (text, shown) => {
  expect(visible(text)).toBe(shown);
});

test('a name stays on its line', () => {
  expect(visibleName('a.py\nb.py\t2 B\r\n')).toBe('a.py\\u{a}b.py\\u{9}2 B\\u{d}\\u{a}');
});
