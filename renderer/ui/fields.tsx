/**
 * Form fields: text, choice, switch, number with a slider. Each has a label for screen readers and
 * clicks.
 */
import { Select } from '@base-ui/react/select';
import { Slider } from '@base-ui/react/slider';
import { Switch } from '@base-ui/react/switch';
import { type ReactNode, useId, useState } from 'react';
import * as texts from '../texts.ts';
import { classes } from './classes.ts';
import styles from './fields.module.css';
import { Icon } from './icon.tsx';

interface LabelledProps {
  readonly label: string;
  readonly help?: ReactNode;
  /** The label is for readers only: the place says what it is. */
  readonly hideLabel?: boolean;
}

interface TextProps extends LabelledProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  readonly type?: 'text' | 'search' | 'password' | 'number';
  readonly invalid?: boolean;
  readonly disabled?: boolean;
  readonly mono?: boolean;
  readonly onKeyDown?: (event: React.KeyboardEvent<HTMLInputElement>) => void;
  readonly onBlur?: () => void;
}

export function TextField({
  label,
  help,
  hideLabel = false,
  value,
  onChange,
  type = 'text',
  invalid = false,
  mono = false,
  ...rest
}: TextProps) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label className={hideLabel ? 'visually-hidden' : styles.label} htmlFor={id}>
        {label}
      </label>
      <input
        {...rest}
        aria-describedby={help === undefined ? undefined : `${id}-help`}
        aria-invalid={invalid || undefined}
        autoComplete="off"
        className={classes(styles.input, mono && styles.mono)}
        id={id}
        onChange={(event) => onChange(event.target.value)}
        spellCheck={false}
        step="any"
        type={type}
        value={value}
      />
      {help !== undefined && (
        <p className={classes(styles.help, invalid && styles.wrong)} id={`${id}-help`}>
          {help}
        </p>
      )}
    </div>
  );
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

interface ChoiceProps extends LabelledProps {
  readonly value: string | null;
  readonly choices: readonly Choice[];
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  readonly disabled?: boolean;
}

export function ChoiceField({
  label,
  help,
  hideLabel = false,
  value,
  choices,
  onChange,
  placeholder = texts.fields.choose,
  disabled = false,
}: ChoiceProps) {
  const id = useId();
  return (
    <div className={styles.field}>
      <span className={hideLabel ? 'visually-hidden' : styles.label} id={id}>
        {label}
      </span>
      <Select.Root disabled={disabled} items={choices} onValueChange={(chosen) => chosen !== null && onChange(chosen)} value={value}>
        <Select.Trigger aria-describedby={help === undefined ? undefined : `${id}-help`} aria-labelledby={id} className={styles.input}>
          <Select.Value className={styles.chosen}>
            {(chosen: string | null) => choices.find((choice) => choice.value === chosen)?.label ?? placeholder}
          </Select.Value>
          <Icon name="down" size={14} />
        </Select.Trigger>
        <Select.Portal>
          <Select.Positioner alignItemWithTrigger={false} className={styles.positioner} sideOffset={4}>
            <Select.Popup className={styles.popup}>
              <Select.List>
                {choices.map((choice) => (
                  <Select.Item className={styles.item} key={choice.value} value={choice.value}>
                    <Select.ItemText>{choice.label}</Select.ItemText>
                    <Select.ItemIndicator>
                      <Icon name="check" size={14} />
                    </Select.ItemIndicator>
                  </Select.Item>
                ))}
              </Select.List>
            </Select.Popup>
          </Select.Positioner>
        </Select.Portal>
      </Select.Root>
      {help !== undefined && (
        <p className={styles.help} id={`${id}-help`}>
          {help}
        </p>
      )}
    </div>
  );
}

interface SwitchProps extends LabelledProps {
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly disabled?: boolean;
}

export function SwitchField({ label, help, hideLabel = false, checked, onChange, disabled = false }: SwitchProps) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label className={styles.switchRow} htmlFor={id}>
        <Switch.Root
          aria-describedby={help === undefined ? undefined : `${id}-help`}
          checked={checked}
          className={styles.switch}
          disabled={disabled}
          id={id}
          onCheckedChange={onChange}
        >
          <Switch.Thumb className={styles.thumb} />
        </Switch.Root>
        {hideLabel ? <span className="visually-hidden">{label}</span> : label}
      </label>
      {help !== undefined && (
        <p className={styles.help} id={`${id}-help`}>
          {help}
        </p>
      )}
    </div>
  );
}

interface NumberProps extends LabelledProps {
  /** Null: nobody set it, where `usual` allows that. */
  readonly value: number | null;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly onChange: (value: number) => void;
  /** For a number that may be left alone: where its slider stands then, and what takes it back. */
  readonly usual?: { readonly at: number; readonly onClear: () => void } | undefined;
}

/** A slider and its number, which can be typed as well. */
export function NumberField({ label, help, value, min, max, step, onChange, usual }: NumberProps) {
  const id = useId();
  // What is being typed need not be a number of the range yet: `0` on the way to `0.9`.
  const [typed, setTyped] = useState<string | null>(null);
  const set = (next: number): void => {
    setTyped(null);
    if (Number.isFinite(next)) onChange(Math.min(max, Math.max(min, next)));
  };
  return (
    <div className={styles.field}>
      <div className={styles.numberHead}>
        <label className={styles.label} htmlFor={id}>
          {label}
        </label>
        <input
          className={classes(styles.input, styles.number)}
          id={id}
          max={max}
          min={min}
          onBlur={() => setTyped(null)}
          onChange={(event) => {
            setTyped(event.target.value);
            const next = event.target.valueAsNumber;
            if (event.target.value === '' && !event.target.validity.badInput) usual?.onClear();
            if (next >= min && next <= max) onChange(next);
          }}
          placeholder={usual === undefined ? undefined : texts.fields.default}
          step={step}
          type="number"
          value={typed ?? value ?? ''}
        />
      </div>
      <Slider.Root
        className={value === null ? styles.unset : undefined}
        max={max}
        min={min}
        onValueChange={(next) => set(Number(next))}
        step={step}
        value={Math.min(max, Math.max(min, value ?? usual?.at ?? min))}
      >
        <Slider.Control className={styles.slider}>
          <Slider.Track className={styles.track}>
            <Slider.Indicator className={styles.indicator} />
            <Slider.Thumb aria-label={value === null ? texts.fields.isDefault(label) : label} className={styles.sliderThumb} />
          </Slider.Track>
        </Slider.Control>
      </Slider.Root>
      {help !== undefined && <p className={styles.help}>{help}</p>}
    </div>
  );
}
