/** A box for content that may be larger than its place: it scrolls, also by keyboard. */
import { createElement, type ReactNode } from 'react';

interface ScrollBoxProps {
  readonly as: 'div' | 'pre';
  /** What is in it, for readers. */
  readonly label: string;
  readonly className?: string | undefined;
  readonly children: ReactNode;
}

export function ScrollBox({ as, label, className, children }: ScrollBoxProps) {
  return createElement(as, { 'aria-label': label, className, role: 'group', tabIndex: 0 }, children);
}
