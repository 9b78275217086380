/**
 * A choice of two or three visible options: a group of radio buttons that looks like one control.
 */
import { useId } from 'react';
import styles from './segmented.module.css';

interface SegmentedProps<Value extends string> {
  readonly label: string;
  readonly choices: readonly { readonly value: Value; readonly label: string }[];
  /** Null: none of them. */
  readonly value: Value | null;
  readonly onChange: (value: Value) => void;
}

export function Segmented<Value extends string>({ label, choices, value, onChange }: SegmentedProps<Value>) {
  const name = useId();
  return (
    <fieldset className={styles.group}>
      <legend className="visually-hidden">{label}</legend>
      {choices.map((choice) => (
        <label className={styles.choice} key={choice.value}>
          <input
            checked={choice.value === value}
            className="visually-hidden"
            name={name}
            onChange={() => onChange(choice.value)}
            type="radio"
          />
          <span>{choice.label}</span>
        </label>
      ))}
    </fieldset>
  );
}
