/**
 * Markdown as elements: blocks that did not change are not drawn again, which keeps a long answer
 * cheap while it grows. Never any raw HTML.
 */
import { createElement, memo, type ReactNode, useState } from 'react';
import * as texts from '../../texts.ts';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import { MarkdownReader, type Part } from './blocks.ts';
import { Code } from './code-view.tsx';
import { each, inline } from './inline.tsx';
import styles from './markdown.module.css';

interface MarkdownProps {
  readonly text: string;
  /** More of it comes. */
  readonly growing?: boolean;
}

export const Markdown = memo(function Markdown({ text, growing = false }: MarkdownProps) {
  const [reader] = useState(() => new MarkdownReader());
  const { blocks, hasDefinitions } = reader.read(text, growing);
  const last = blocks.at(-1);
  const draw = (part: Part): ReactNode => createElement(Block, { isLinked: hasDefinitions, isOpen: growing && part === last, part });
  return <div className={styles.markdown}>{each(blocks, draw)}</div>;
});

interface BlockProps {
  readonly part: Part;
  readonly isLinked: boolean;
  /** Its end has not come yet. */
  readonly isOpen: boolean;
}

const Block = memo(
  ({ part, isOpen }: BlockProps) =>
    part.type === 'code' ? <Code isOpen={isOpen} language={part.lang ?? ''} text={part.text} /> : block(part),
  isSame,
);
Block.displayName = 'Block';

/** The same characters are the same block, unless a definition elsewhere has a say in it. */
function isSame(before: BlockProps, after: BlockProps): boolean {
  if (before.isOpen !== after.isOpen && after.part.type === 'code') return false;
  if (before.part === after.part) return true;
  if (before.isLinked || after.isLinked) return false;
  return before.part.type === after.part.type && before.part.raw === after.part.raw;
}

function block(part: Part): ReactNode {
  switch (part.type) {
    case 'space':
    case 'def':
      return null;
    case 'paragraph':
      return <p>{each(part.tokens, inline)}</p>;
    case 'heading':
      // One level for all: an answer may begin with any, and the page's own outline must stay
      // whole.
      return <h3 data-depth={part.depth}>{each(part.tokens, inline)}</h3>;
    case 'code':
      return <Code isOpen={false} language={part.lang ?? ''} text={part.text} />;
    case 'list':
      return <List part={part} />;
    case 'blockquote':
      return <blockquote>{each(part.tokens, block)}</blockquote>;
    case 'table':
      return <Table part={part} />;
    case 'hr':
      return <hr />;
    case 'html':
      return <p className={styles.html}>{part.raw.trimEnd()}</p>;
    default:
      return inline(part);
  }
}

function List({ part }: { readonly part: Extract<Part, { type: 'list' }> }) {
  const items = each(part.items, (item) => <li>{'tokens' in item && each(item.tokens, block)}</li>);
  return part.ordered ? <ol start={part.start === '' ? 1 : part.start}>{items}</ol> : <ul>{items}</ul>;
}

/** Wide ones scroll in their own box, by keyboard too. */
function Table({ part }: { readonly part: Extract<Part, { type: 'table' }> }) {
  const cells = (row: readonly { readonly align: string | null; readonly tokens: readonly object[] }[], tag: 'th' | 'td'): ReactNode =>
    createElement(
      'tr',
      null,
      ...row.map(({ align, tokens }) => createElement(tag, { 'data-align': align ?? undefined }, each(tokens, inline))),
    );
  return (
    <ScrollBox as="div" className={styles.scroll} label={texts.markdown.table}>
      <table>
        <thead>{cells(part.header, 'th')}</thead>
        {createElement('tbody', null, ...part.rows.map((row) => cells(row, 'td')))}
      </table>
    </ScrollBox>
  );
}
