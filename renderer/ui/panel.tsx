/**
 * The building blocks of pages: their head, panels with a title, and the text for an empty place.
 */
import type { ReactElement, ReactNode } from 'react';
import { classes } from './classes.ts';
import { Icon, type IconName } from './icon.tsx';
import styles from './panel.module.css';

interface PageProps {
  readonly title: string;
  /** The page in a sentence, with its figures. */
  readonly sentence?: ReactNode;
  readonly actions?: ReactNode;
  /** The content scrolls by itself: a chat, a log. */
  readonly fills?: boolean;
  readonly children: ReactNode;
}

export function Page({ title, sentence, actions, fills = false, children }: PageProps) {
  return (
    <section aria-labelledby="page-title" className={classes(styles.page, fills && styles.fills)}>
      <header className={styles.head}>
        <div className={styles.words}>
          <h1 id="page-title">{title}</h1>
          {sentence !== undefined && <p className={styles.sentence}>{sentence}</p>}
        </div>
        {actions !== undefined && <div className={styles.actions}>{actions}</div>}
      </header>
      {children}
    </section>
  );
}

interface PanelProps {
  readonly title?: ReactNode;
  readonly aside?: ReactNode;
  readonly className?: string | undefined;
  readonly children: ReactNode;
}

export function Panel({ title, aside, className, children }: PanelProps) {
  return (
    <section className={classes(styles.panel, className)}>
      {title !== undefined && (
        <header className={styles.panelHead}>
          <h2>{title}</h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

interface EmptyProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children: ReactNode;
  /** `none`: what to do is right beside it, or it passes by itself. */
  readonly action: ReactElement | 'none';
}

/** Title, a sentence that teaches, one action. */
export function Empty({ icon, title, children, action }: EmptyProps) {
  return (
    <div className={styles.empty}>
      <span className={styles.emptyIcon}>
        <Icon name={icon} size={24} />
      </span>
      <h2>{title}</h2>
      <p>{children}</p>
      {action !== 'none' && action}
    </div>
  );
}

/** A fact and its name, in a list of them. */
export function Facts({ rows }: { readonly rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className={styles.facts}>
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Something a person should know before going on. */
export function Note({ tone, children }: { readonly tone: 'info' | 'warn' | 'bad'; readonly children: ReactNode }) {
  return (
    <div className={classes(styles.note, styles[tone])}>
      <Icon name={tone === 'info' ? 'error' : 'warning'} />
      <div>{children}</div>
    </div>
  );
}
