/** Shows a formula: as its source until it can be drawn, and if it cannot be drawn. */
import { useLayoutEffect, useRef, useState } from 'react';
import { laterModule } from '../../later.tsx';
import { classes } from '../../ui/classes.ts';
import styles from './markdown.module.css';
import type { MathPart } from './math-tokens.ts';

const useFormulas = laterModule(() => import('./formula.ts'));

export function MathView({ part: { raw, text, isDisplay } }: { readonly part: MathPart }) {
  const module = useFormulas(true);
  const place = useRef<HTMLSpanElement>(null);
  const [isDrawn, setIsDrawn] = useState(false);
  useLayoutEffect(() => {
    if (module !== null && place.current !== null) setIsDrawn(module.drawFormula(place.current, text, isDisplay));
  }, [module, text, isDisplay]);
  return (
    <span className={classes(isDisplay && styles.display)}>
      <span ref={place} />
      {!isDrawn && <code className={styles.code}>{raw.trim()}</code>}
    </span>
  );
}
