import { afterEach, describe, expect, test, vi } from 'vitest';
import { harmless, paint, printJson, table } from '../../main/cli/output.ts';

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

test("a file's name cannot speak to the terminal", () => {
  expect(harmless('a\u001b]0;owned\u0007b\tc\nd')).toBe('a ]0;owned b\tc\nd');
});

test('JSON on a terminal cannot speak to it either', () => {
  const told = vi.spyOn(console, 'log').mockImplementation(() => {});
  printJson({ text: 'a\u001b[2J\u009b2Jb' });
  const text = String(told.mock.calls[0]?.[0]);
  told.mockRestore();
  expect(text).not.toMatch(/(?!\n)\p{Cc}/u);
  expect(JSON.parse(text)).toEqual({ text: 'a\u001b[2J\u009b2Jb' });
});
