/** Sentences with commands between backticks, as the page shows them. */
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import { WithCode } from '../../renderer/ui/with-code.ts';

const shown = (text: string) => renderToStaticMarkup(WithCode({ children: text }));

test('what stands between backticks is code, and no backtick is left', () => {
  expect(shown('`modelium trust x` shows it; or set `vllm.command`.')).toBe(
    '<code>modelium trust x</code> shows it; or set <code>vllm.command</code>.',
  );
});

test('a backtick without its pair stays as it came, and markup is never taken for markup', () => {
  expect(shown('a ` in <b>a name</b>')).toBe('a ` in &lt;b&gt;a name&lt;/b&gt;');
});
