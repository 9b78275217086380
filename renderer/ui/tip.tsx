/**
 * A tooltip with the name of an icon, on hover and on focus. The child has a name of its own, so
 * screen readers never depend on the tooltip.
 */
import { Tooltip } from '@base-ui/react/tooltip';
import type { ReactElement } from 'react';
import styles from './tip.module.css';

export function Tip({ label, children }: { readonly label: string; readonly children: ReactElement<Record<string, unknown>> }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger render={children} />
      <Tooltip.Portal>
        <Tooltip.Positioner sideOffset={6}>
          <Tooltip.Popup className={styles.tip}>{label}</Tooltip.Popup>
        </Tooltip.Positioner>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
