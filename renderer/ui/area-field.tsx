/** A field for several lines of text, which grows with the text up to a height and then scrolls. */
import { type ComponentPropsWithRef, type ReactNode, useId, useLayoutEffect, useRef } from 'react';
import styles from './area-field.module.css';
import { classes } from './classes.ts';

interface AreaProps extends Omit<ComponentPropsWithRef<'textarea'>, 'onChange' | 'value' | 'ref' | 'id' | 'rows'> {
  readonly label: string;
  readonly help?: ReactNode;
  readonly hideLabel?: boolean;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** No border of its own: it stands in a frame. */
  readonly bare?: boolean;
  /** Lines that it has when empty. */
  readonly lines?: number;
}

export function AreaField({ label, help, hideLabel = false, value, onChange, bare = false, lines = 1, className, ...rest }: AreaProps) {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: its height follows from the text.
  useLayoutEffect(() => {
    const element = area.current;
    if (element === null) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight + element.offsetHeight - element.clientHeight}px`;
  }, [value]);
  return (
    <div className={classes(styles.field, className)}>
      <label className={hideLabel ? 'visually-hidden' : styles.label} htmlFor={id}>
        {label}
      </label>
      <textarea
        {...rest}
        aria-describedby={help === undefined ? undefined : `${id}-help`}
        className={classes(styles.area, bare && styles.bare)}
        id={id}
        onChange={(event) => onChange(event.target.value)}
        ref={area}
        rows={lines}
        value={value}
      />
      {help !== undefined && (
        <p className={styles.help} id={`${id}-help`}>
          {help}
        </p>
      )}
    </div>
  );
}
