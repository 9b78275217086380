/** A titled part of the drawer. */
import type { ReactNode } from 'react';
import styles from './model-drawer.module.css';

export function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className={styles.section}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}
