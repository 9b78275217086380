/** What a person reads before trusting code is what would run. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { harmless, shellWord, visible, visibleJson, visibleName } from '../../shared/visible.ts';

test.each([
  ['import os\n\tos.system("x")\r\n', 'import os\n\tos.system("x")\r\n'],
  ['\u001b[8mhidden\u001b[0m', '\\u{1b}[8mhidden\\u{1b}[0m'],
  ['a\u202eb\u200bc', 'a\\u{202e}b\\u{200b}c'],
  ['over\rwritten', 'over\\u{d}written'],
  ['\u{1f600} and \u00e9', '\u{1f600} and \u00e9'],
])('%j', (text, shown) => {
  expect(visible(text)).toBe(shown);
});

/** Fillers of Hangul, a joiner of graphemes, variation selectors: letters and marks to Unicode. */
const NOT_DRAWN = '\u3164\u115f\uffa0\u034f\ufe00\u{e0100}';
const SPELLED = '\\u{3164}\\u{115f}\\u{ffa0}\\u{34f}\\u{fe00}\\u{e0100}';

test('letters and marks that are not drawn are spelled out, so that nothing hides in a name or in code', () => {
  expect([visible(`x${NOT_DRAWN}`), harmless(`x${NOT_DRAWN}`)]).toEqual([`x${SPELLED}`, `x${SPELLED}`]);
  expect(JSON.parse(visibleJson(JSON.stringify(NOT_DRAWN)))).toBe(NOT_DRAWN);
  expect(visibleJson(NOT_DRAWN)).toMatch(/^(?:\\u[0-9a-f]{4})+$/);
  // A picture in colour; a text that a person trusts has it spelled out.
  expect([harmless('\u2764\ufe0f'), visible('\u2764\ufe0f')]).toEqual(['\u2764\ufe0f', '\u2764\\u{fe0f}']);
});

test('a name stays on its line', () => {
  expect(visibleName('a.py\nb.py\t2 B\r\n')).toBe('a.py\\u{a}b.py\\u{9}2 B\\u{d}\\u{a}');
});

test.each([
  ['/m/a-b.gguf', '/m/a-b.gguf'],
  ["/m/it's $x", "'/m/it'\\''s $x'"],
  ["it's\\ \u202eb\u200b\u{e0041}\n", "$'it\\U00000027s\\U0000005c \\U0000202eb\\U0000200b\\U000e0041\\U0000000a'"],
])('%j is one word of a command line, with nothing in it that is not seen', (word, written) => {
  expect(shellWord(word)).toBe(written);
  expect(harmless(written)).toBe(written);
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  expect(execFileSync('bash', ['-c', `printf %s ${written}`], { encoding: 'utf8', env })).toBe(word);
});
