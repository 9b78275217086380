/** Shows the commands between backticks in a sentence of the engine as code. */
import { createElement, Fragment } from 'react';

export function WithCode({ children }: { readonly children: string }) {
  const parts = children.split('`');
  // Without a pair for each backtick the sentence is shown as it came.
  if (parts.length % 2 === 0) return children;
  // Every second part stood between two backticks.
  const shown = parts.map((part, at) => (at % 2 === 1 ? createElement('code', null, part) : part));
  return createElement(Fragment, null, ...shown);
}
