/**
 * Markdown that grows: however it comes in, the blocks in the end are those of the whole text, and
 * what is settled is not read again.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MarkdownReader } from '../../renderer/components/markdown/blocks.ts';
import { resolveEntities, safeAddress } from '../../renderer/components/markdown/entities.ts';

/** Pieces whose meaning hangs on what stands before and after them. */
const PIECES = [
  ...[
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
  ],
  ...[
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
  ],
  ...['<!--', '-->', '<pre>', '</pre>', '&amp;', '\\', 'http://x.example', '| a | b |\n|---|---|\n| c | d |\n', '[ ] ', '[x] ', '$'],
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
