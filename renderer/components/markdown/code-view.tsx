/** A block of code with its language and a button that copies it; coloured once it is whole. */
import { createElement, Fragment, useMemo } from 'react';
import { laterModule } from '../../later.tsx';
import * as texts from '../../texts.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import styles from './code-view.module.css';

/** More than this would hold the page up. */
const MOST_COLOURED = 40_000;
const useHighlight = laterModule(() => import('./highlight.ts'));

interface CodeProps {
  readonly text: string;
  readonly language: string;
  /** Its end has not come yet. */
  readonly isOpen: boolean;
}

export function Code({ text, language, isOpen }: CodeProps) {
  const name = language.split(/\s/)[0] ?? '';
  return (
    <figure className={styles.figure}>
      <figcaption>
        {name === '' ? texts.markdown.code : name}
        <CopyButton label={texts.common.copy} variant="quiet" name={texts.markdown.copyCode(name)} text={() => text} />
      </figcaption>
      <ScrollBox as="pre" label={name === '' ? texts.markdown.code : texts.markdown.codeIn(name)}>
        <code>
          <Coloured isWhole={!isOpen} language={name} text={text} />
        </code>
      </ScrollBox>
    </figure>
  );
}

function Coloured({ text, language, isWhole }: { readonly text: string; readonly language: string; readonly isWhole: boolean }) {
  const isWanted = isWhole && language !== '' && text.length <= MOST_COLOURED;
  const module = useHighlight(isWanted);
  const pieces = useMemo(
    () => (isWanted ? (module?.highlighted(text, language.toLowerCase()) ?? null) : null),
    [isWanted, module, text, language],
  );
  if (pieces === null) return text;
  // By their place: the pieces of one text never change.
  return createElement(
    Fragment,
    null,
    ...pieces.map((piece) => (piece.scope === null ? piece.text : createElement('span', { 'data-scope': piece.scope }, piece.text))),
  );
}
