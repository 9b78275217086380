/**
 * Renders the content of one line of Markdown. HTML is shown as text, and an image as its
 * description and address: nothing is fetched.
 */
import { createElement, Fragment, type ReactNode } from 'react';
import * as texts from '../../texts.ts';
import type { Part } from './blocks.ts';
import { resolveEntities, safeAddress } from './entities.ts';
import styles from './markdown.module.css';
import { MathView } from './math-view.tsx';

/** Children by their place, so that they need no keys. */
export function each(parts: readonly object[] | undefined, draw: (part: Part) => ReactNode): ReactNode {
  return createElement(Fragment, null, ...(parts ?? []).map((part) => draw(part as Part)));
}

export function inline(part: Part): ReactNode {
  switch (part.type) {
    case 'strong':
      return <strong>{each(part.tokens, inline)}</strong>;
    case 'em':
      return <em>{each(part.tokens, inline)}</em>;
    case 'del':
      return <del>{each(part.tokens, inline)}</del>;
    case 'codespan':
      return <code className={styles.code}>{part.text}</code>;
    case 'br':
      return <br />;
    case 'link':
      return <Link part={part} />;
    case 'image':
      return (
        <span className={styles.image}>
          {resolveEntities(part.text)} ({resolveEntities(part.href)})
        </span>
      );
    case 'checkbox':
      return (
        <input
          aria-label={part.checked ? texts.markdown.done : texts.markdown.toDo}
          checked={part.checked}
          className={styles.checkbox}
          disabled
          type="checkbox"
        />
      );
    case 'math':
      return <MathView part={part} />;
    case 'escape':
      return part.text;
    case 'text':
      return part.tokens === undefined ? resolveEntities(part.text) : each(part.tokens, inline);
    default:
      return part.raw;
  }
}

function Link({ part }: { readonly part: Extract<Part, { type: 'link' }> }) {
  const written = part.autolink === true ? part.href : resolveEntities(part.href);
  const address = safeAddress(written);
  const words = each(part.tokens, inline);
  if (address === null) return words;
  return (
    <a href={address} rel="noreferrer noopener" target="_blank" title={address}>
      {words}
    </a>
  );
}
