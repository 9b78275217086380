/** Buttons with a word, or with an icon whose name is a tooltip and is read by screen readers. */
import type { ComponentPropsWithRef } from 'react';
import styles from './button.module.css';
import { classes } from './classes.ts';
import { Icon, type IconName } from './icon.tsx';
import { Tip } from './tip.tsx';

export type Variant = 'primary' | 'plain' | 'quiet' | 'danger';

interface ButtonProps extends Omit<ComponentPropsWithRef<'button'>, 'type'> {
  readonly variant?: Variant;
  readonly icon?: IconName;
  readonly small?: boolean;
  readonly submit?: boolean;
}

export function Button({ variant = 'plain', icon, small = false, submit = false, className, children, ...rest }: ButtonProps) {
  return (
    <button
      {...rest}
      className={classes(styles.button, styles[variant], small && styles.small, className)}
      type={submit ? 'submit' : 'button'}
    >
      {icon !== undefined && <Icon name={icon} size={small ? 14 : 16} />}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<ComponentPropsWithRef<'button'>, 'type' | 'aria-label' | 'children'> {
  readonly icon: IconName;
  /** What it does, for readers and as its tooltip. */
  readonly label: string;
  readonly small?: boolean;
  readonly variant?: Variant;
}

export function IconButton({ icon, label, small = false, variant = 'quiet', className, ...rest }: IconButtonProps) {
  return (
    <Tip label={label}>
      <button
        {...rest}
        aria-label={label}
        className={classes(styles.button, styles[variant], styles.icon, small && styles.small, className)}
        type="button"
      >
        <Icon name={icon} size={small ? 14 : 16} />
      </button>
    </Tip>
  );
}
