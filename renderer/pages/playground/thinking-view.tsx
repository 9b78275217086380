/**
 * A model's thoughts before its answer: open while they arrive, folded when the answer begins,
 * unless the user chose otherwise.
 */
import { useState } from 'react';
import * as texts from '../../texts.ts';
import styles from './chat.module.css';

export function ThinkingView({ text, isGrowing }: { readonly text: string; readonly isGrowing: boolean }) {
  const [chosen, setChosen] = useState<boolean | null>(null);
  const isOpen = chosen ?? isGrowing;
  return (
    <details className={styles.thinking} open={isOpen}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a summary is a button by itself, of the keyboard too. */}
      <summary
        onClick={(event) => {
          event.preventDefault();
          setChosen(!isOpen);
        }}
      >
        {texts.chat.thinking}
      </summary>
      <p>{text}</p>
    </details>
  );
}
