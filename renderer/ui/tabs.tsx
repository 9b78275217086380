/** Several views, one of which is shown; arrow keys change between them. */
import { Tabs as Base } from '@base-ui/react/tabs';
import type { ReactNode } from 'react';
import styles from './tabs.module.css';

export interface TabView {
  readonly name: string;
  readonly content: ReactNode;
}

interface TabsProps {
  /** What the views are of, for readers. */
  readonly label: string;
  readonly views: readonly TabView[];
}

/** Only the view that is shown is made, so that the others ask for nothing. */
export function Tabs({ label, views }: TabsProps) {
  return (
    <Base.Root defaultValue={views[0]?.name}>
      <Base.List aria-label={label} className={styles.list}>
        {views.map(({ name }) => (
          <Base.Tab className={styles.tab} key={name} value={name}>
            {name}
          </Base.Tab>
        ))}
      </Base.List>
      {views.map(({ name, content }) => (
        <Base.Panel className={styles.panel} key={name} value={name}>
          {content}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}
