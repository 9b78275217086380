import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellWords } from '../../main/cli/shell-words.ts';

/** What the shell of this machine makes of it: an independent source. */
function byShell(text: string): readonly string[] {
  // The line goes in by a file descriptor, as a command: no quoting of ours is between.
  const script = `set -f\nset -- ${text}\nfor word do printf '%s\\0' "$word"; done`;
  return execFileSync('/bin/sh', ['-c', script]).toString().split('\0').slice(0, -1);
}

test.each([
  ['a b  c\td'],
  [`server --model "/models/a b.gguf" --name 'it is "mine"'`],
  [`a"b c"d'e f'`],
  [`'' "" x`],
  ['a\\ b \\"c\\" \\\\'],
  ['a \\\n  --b c'],
  ['a\nb'.replace('\n', ' \\\n')],
  [`"a \\" \\\\ \\n c"`],
  [`'a \\ b'`],
  [`--json '{"a": {"b": 1}}'`],
  ['"two\nlines"'],
  ['x=1 a#b'],
])('%j is split as the shell splits it', (text) => {
  expect(shellWords(text)).toEqual(byShell(text));
});

test('nothing is expanded', () => {
  expect(shellWords('a $HOME `id` $(id) *.gguf ; rm | x > y ~')).toEqual([
    'a',
    '$HOME',
    '`id`',
    '$(id)',
    '*.gguf',
    ';',
    'rm',
    '|',
    'x',
    '>',
    'y',
    '~',
  ]);
});

test.each([
  ['a "b', /quote " has no end/],
  ["a 'b", /quote ' has no end/],
  ['a \\', /stands before nothing/],
])('%j has no end', (text, fault) => {
  expect(() => shellWords(text)).toThrow(fault);
});
