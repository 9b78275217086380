/**
 * Markdown that grows: however it comes in, the blocks in the end are those of the whole text, and
 * what is settled is not read again.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MarkdownReader, type Part } from '../../renderer/components/markdown/blocks.ts';
import { resolveEntities, safeAddress } from '../../renderer/components/markdown/entities.ts';
import { highlighted } from '../../renderer/components/markdown/highlight.ts';

/** Pieces whose meaning hangs on what stands before and after them. */
const PIECES = [
  'word',
  ' ',
  '\n',
  '\n\n',
  '\n\n\n',
  '- ',
  '* ',
  '1. ',
  '2) ',
  '  ',
  '    ',
  '\t',
  '> ',
  '# ',
  '## ',
  '---',
  '===',
  '***',
  '|',
  ':-',
  '\r\n',
  '**',
  '*',
  '_',
  '`',
  '```',
  '```js\n',
  '~~~',
  '~~',
  '[',
  ']',
  '(',
  ')',
  '[a]: http://x.example\n',
  '[a]',
  '![',
  '<',
  '>',
  '<div>',
  '</div>',
  '<!--',
  '-->',
  '<pre>',
  '</pre>',
  '&amp;',
  '\\',
  'http://x.example',
  '| a | b |\n|---|---|\n| c | d |\n',
  '[ ] ',
  '[x] ',
  '$',
  '$$',
  '$$\n',
  '\\(',
  '\\)',
  '\\[',
  '\\]',
  'x^2',
  '$5 ',
];

const wholeOf = (text: string) => new MarkdownReader().read(text, false).blocks;

describe('Markdown that grows', () => {
  it('ends as the whole text would, whatever it holds and however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }), fc.integer({ min: 1, max: 7 }), (pieces, step) => {
        const text = pieces.join('');
        const reader = new MarkdownReader();
        for (let end = step; end < text.length; end += step) reader.read(text.slice(0, end), true);
        expect(reader.read(text, false)).toEqual(new MarkdownReader().read(text, false));
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the blocks that are settled: the same objects, not equal ones', () => {
    const reader = new MarkdownReader();
    const text = Array.from({ length: 40 }, (_, at) => `Paragraph ${at} with **strong** words.`).join('\n\n');
    const before = reader.read(text, true).blocks;
    const after = reader.read(`${text} And more.`, true).blocks;
    const kept = after.filter((block, at) => block === before[at]).length;
    expect(after.length - kept).toBeLessThanOrEqual(4);
  });

  it('closes for now what the end has opened', () => {
    const [paragraph] = new MarkdownReader().read('Some **strong wor', true).blocks;
    expect(paragraph).toMatchObject({ tokens: [{ text: 'Some ' }, { type: 'strong', text: 'strong wor' }] });
    const [plain] = wholeOf('Some **strong wor');
    expect(plain).toMatchObject({ tokens: [{ type: 'text' }] });
  });

  it('leaves an open fence as it is: code, with its language', () => {
    const [code] = new MarkdownReader().read('```python\nprint("**', true).blocks;
    expect(code).toMatchObject({ type: 'code', lang: 'python', text: 'print("**' });
  });

  it('begins anew with another text', () => {
    const reader = new MarkdownReader();
    reader.read('One.\n\nTwo.\n\nThree.\n\nFour.', true);
    expect(reader.read('Other.\n\nTwo.\n\nThree.', false).blocks).toEqual(wholeOf('Other.\n\nTwo.\n\nThree.'));
  });
});

describe('formulas', () => {
  const formulas = (text: string): readonly (readonly [string, boolean])[] => {
    const found: (readonly [string, boolean])[] = [];
    const look = (parts: readonly object[]): void => {
      for (const part of parts as readonly (Part & { tokens?: readonly object[]; items?: readonly object[] })[]) {
        if (part.type === 'math') found.push([part.text, part.isDisplay]);
        look([...(part.tokens ?? []), ...(part.items ?? [])]);
      }
    };
    look(wholeOf(text));
    return found;
  };

  it('stand between dollars and the brackets of TeX, within a line or by themselves', () => {
    expect(formulas('So $a_1 * b_2$ and \\(x < y\\), **bold $c$**.')).toEqual([
      ['a_1 * b_2', false],
      ['x < y', false],
      ['c', false],
    ]);
    expect(formulas('Then\n$$\nE = m\n+ c^2\n$$\nand\n\n\\[\n- x\n\\]\n')).toEqual([
      ['E = m\n+ c^2', true],
      ['- x', true],
    ]);
    expect(formulas('- in a list: $$x$$\n- and \\[y\\] too')).toEqual([
      ['x', true],
      ['y', true],
    ]);
  });

  it('are no prices, no code, no escaped brackets, and end with their paragraph', () => {
    for (const text of [
      'It costs $5 and $10, or $20.',
      'US$ 5, CA$ 6',
      '`$x$` and\n\n```\n$$x$$\n```',
      'an \\(open one',
      '$$\n\na blank line\n\n$$',
      '$ x $',
      '$HOME and $PATH',
    ]) {
      expect(formulas(text), text).toEqual([]);
    }
  });
});

describe('code in colours', () => {
  it('is the same code, character by character, whatever it holds; hostile tags stay text', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('python', 'js', 'html', 'json', 'bash', 'c', 'yaml'),
        fc.array(
          fc.constantFrom(
            '</span>',
            '<span class="hljs-x">',
            '&lt;',
            '&amp;amp;',
            '"',
            "'",
            '<script>',
            'def f():\n',
            '// x\n',
            '1',
            '{',
            '}',
            '\u0000',
            '\ud800',
            ' ',
          ),
          {
            maxLength: 30,
          },
        ),
        (language, parts) => {
          const code = parts.join('');
          expect(
            highlighted(code, language)
              ?.map(({ text }) => text)
              .join(''),
          ).toBe(code);
        },
      ),
    );
    expect(highlighted('x = 1', 'python')).toContainEqual({ text: '1', scope: 'number' });
    expect(highlighted('x', 'no-such-language')).toBeNull();
  });
});

describe('the parts of a line', () => {
  it('resolves character references, and leaves what is none', () => {
    expect(resolveEntities('a &amp; b &lt; c &#65;&#x42; &unknown; &constructor; AT&T &#0; &#xD800;')).toBe(
      'a & b < c AB &unknown; &constructor; AT&T \ufffd \ufffd',
    );
  });

  it('lets http and https alone be an address', () => {
    expect(safeAddress('https://x.example/a?b#c')).toBe('https://x.example/a?b#c');
    for (const href of [
      'javascript:alert(1)',
      ' java\nscript:alert(1)',
      'data:text/html,x',
      'file:///etc/passwd',
      'modelium://x',
      '/control',
      '#/box',
      '',
    ]) {
      expect(safeAddress(href), href).toBeNull();
    }
  });
});

it('text that nests deeper than the stack is shown as text', () => {
  const text = '>'.repeat(20_000);
  expect(wholeOf(text)).toMatchObject([{ type: 'paragraph', raw: text }]);
  expect(new MarkdownReader().read(text, true).blocks).toHaveLength(1);
});
