import { afterEach, describe, expect, test, vi } from 'vitest';
import { createProgress, inLines, paint, print, printAside, printError, printJson, printText, table } from '../../main/cli/output.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { harmless } from '../../shared/visible.ts';

const onTerminal = process.stdout.isTTY;

function pretendTerminal(): void {
  vi.stubEnv('NO_COLOR', '');
  process.stdout.isTTY = true;
}

afterEach(() => {
  vi.unstubAllEnvs();
  process.stdout.isTTY = onTerminal;
});

describe('colours', () => {
  test('only on a terminal, and not with NO_COLOR', () => {
    process.stdout.isTTY = false;
    expect(paint('red', 'x')).toBe('x');
    pretendTerminal();
    expect(paint('red', 'x')).toBe('\u001b[31mx\u001b[39m');
    vi.stubEnv('NO_COLOR', '1');
    expect(paint('red', 'x')).toBe('x');
  });

  test('letters of two cells and marks of none do not shift the columns either', () => {
    const lines = table(
      ['NAME', 'B'],
      [
        ['模型', 'one'],
        ['हिन्दी', 'two'],
        ['x', 'three'],
      ],
    ).split('\n');
    // 模型 takes four cells, as NAME does; हिन्दी has three letters with a width.
    expect(lines.slice(1)).toEqual(['模型  one', 'हिन्दी   two', 'x     three']);
  });

  test('do not shift the columns', () => {
    pretendTerminal();
    const lines = table(
      ['A', 'B'],
      [
        [paint('green', 'ready'), 'one'],
        ['x', 'two'],
      ],
    ).split('\n');
    const plain = lines.map((line) => line.replaceAll(/\p{Cc}\[\d+m/gu, ''));
    expect(plain).toEqual(['A      B', 'ready  one', 'x      two']);
  });
});

test('only our own colours reach a terminal', () => {
  pretendTerminal();
  const reported = vi.spyOn(console, 'log').mockImplementation(() => {});
  const evil = '\u001b[32mready\u001b[0m \u001b[8m\u001b]0;t\u0007\u202egpj.exe\u200b\u2028\u009b2J';
  print(`${paint('red', `no ${evil}`)} ${evil}`);
  printText(table(['NAME', 'WHY'], [[`${evil}\nfake`, paint('green', 'ready')]]));
  const text = reported.mock.calls.join('\n');
  reported.mockRestore();
  const ours = /\p{Cc}\[(?:31|32|2)m\P{Cc}*\p{Cc}\[(?:39|22)m/gu;
  expect(text.match(ours)).toHaveLength(4);
  expect(text.replaceAll(ours, '')).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}]/u);
  expect(text).toContain('\\u{202e}gpj.exe\\u{200b}');
  expect(text.split('\n')).toHaveLength(3);
});

test('a line end in a text begins no line of its own', () => {
  let told = '';
  const note = (text: unknown) => {
    told += `${String(text)}\n`;
    return true;
  };
  for (const method of ['log', 'error'] as const) vi.spyOn(console, method).mockImplementation(note);
  vi.spyOn(process.stderr, 'write').mockImplementation(note);
  const evil = 'a name\r\nFAKE row';
  print(evil);
  printAside(evil);
  printText(inLines([evil, evil]));
  printError(new ModeliumError('not-running', evil));
  createProgress().show(evil, null);
  vi.restoreAllMocks();
  expect(told.match(/FAKE/g)).toHaveLength(6);
  expect(told).not.toMatch(/^FAKE/m);
});

test('letters that join, and pictures of several parts, stay as they are', () => {
  for (const text of ['می\u200cخواهم', '\u{1f468}\u200d\u{1f469}', 'é ü 模型']) expect(harmless(text)).toBe(text);
});

test("a file's name cannot speak to the terminal", () => {
  expect(harmless('a\u001b]0;owned\u0007b\tc\nd')).toBe('a ]0;owned b\tc\nd');
});

test('JSON on a terminal cannot speak to it either', () => {
  const reported = vi.spyOn(console, 'log').mockImplementation(() => {});
  printJson({ text: 'a\u001b[2J\u009b2Jb\u202e\u{e0041}' });
  const text = String(reported.mock.calls[0]?.[0]);
  reported.mockRestore();
  expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
  expect(JSON.parse(text)).toEqual({ text: 'a\u001b[2J\u009b2Jb\u202e\u{e0041}' });
});
