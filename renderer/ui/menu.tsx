/** A menu of actions behind a button. */
import { Menu } from '@base-ui/react/menu';
import type { ReactElement } from 'react';
import { classes } from './classes.ts';
import { Icon, type IconName } from './icon.tsx';
import styles from './menu.module.css';

export interface MenuAction {
  readonly label: string;
  readonly icon: IconName;
  readonly onChoose: () => void;
  readonly danger?: boolean;
  readonly disabled?: boolean;
}

interface MenuProps {
  readonly trigger: ReactElement<Record<string, unknown>>;
  readonly actions: readonly MenuAction[];
}

export function ActionMenu({ trigger, actions }: MenuProps) {
  return (
    <Menu.Root>
      <Menu.Trigger render={trigger} />
      <Menu.Portal>
        <Menu.Positioner align="end" className={styles.positioner} sideOffset={4}>
          <Menu.Popup className={styles.popup}>
            {actions.map(({ label, icon, onChoose, danger = false, disabled = false }) => (
              <Menu.Item className={classes(styles.item, danger && styles.danger)} disabled={disabled} key={label} onClick={onChoose}>
                <Icon name={icon} />
                {label}
              </Menu.Item>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
