/** Where the focus goes when the element that has it goes away. */
import { type RefObject, useLayoutEffect, useRef } from 'react';

/**
 * Passes the focus on when the part with this ref goes away and holds it: without that, who goes by
 * keys begins at the top again, and a reader falls silent.
 * @param next what has taken the place of the part by then.
 */
export function usePassedFocus<Part extends HTMLElement>(next: RefObject<HTMLElement | null>): RefObject<Part | null> {
  const part = useRef<Part>(null);
  useLayoutEffect(() => {
    const shown = part.current;
    return () => {
      // Still in the document here; what takes its place is there once this change is through.
      if (shown?.contains(document.activeElement) === true) queueMicrotask(() => next.current?.focus({ preventScroll: true }));
    };
  }, [next]);
  return part;
}
