/**
 * The controls for values of the settings, chosen by the shape of their schema. Each reports the
 * new value, or why it cannot be saved.
 */
import { useState } from 'react';
import * as texts from '../../texts.ts';
import { ChoiceField, SwitchField, TextField } from '../../ui/fields.tsx';
import { ListRows, MapRows } from './rows.tsx';
import type { Control } from './schema.ts';
import styles from './settings-form.module.css';
import type { ControlProps } from './words.ts';
import { type Read, readJson, readNumber, valueInWords } from './words.ts';

const GOOD = { problem: null } as const;

export function ValueControl({ control, ...props }: ControlProps & { readonly control: Control }) {
  const { label, value, disabled, onRead } = props;
  switch (control.name) {
    case 'switch':
      return (
        <SwitchField
          checked={value === true}
          disabled={disabled}
          hideLabel
          label={label}
          onChange={(on) => onRead({ value: on, ...GOOD })}
        />
      );
    case 'choice':
      return <ChoiceOf {...props} values={control.values} />;
    case 'number':
      return (
        <WordOr {...props} other={texts.settings.number} start="" words={control.words}>
          {(inner) => <NumberOf {...inner} control={control} />}
        </WordOr>
      );
    case 'list':
      return (
        <WordOr {...props} other={texts.settings.list} start={[]} words={control.words}>
          {(inner) => <ListRows {...inner} control={control} />}
        </WordOr>
      );
    case 'map':
      return <MapRows {...props} />;
    case 'text':
      return <TextOf {...props} />;
    case 'json':
      return <JsonOf {...props} />;
  }
}

function TextOf({ label, value, mayBeEmpty, problem, disabled, onRead }: ControlProps) {
  return (
    <TextField
      disabled={disabled}
      hideLabel
      invalid={problem !== null}
      label={label}
      mono
      onChange={(text) => onRead({ value: text === '' && mayBeEmpty ? undefined : text, ...GOOD })}
      value={typeof value === 'string' ? value : ''}
    />
  );
}

function ChoiceOf({ label, value, disabled, onRead, values }: ControlProps & { readonly values: readonly (string | boolean)[] }) {
  return (
    <ChoiceField
      choices={values.map((each) => ({ value: String(each), label: valueInWords(each) }))}
      disabled={disabled}
      hideLabel
      label={label}
      onChange={(chosen) => onRead({ value: values.find((each) => String(each) === chosen), ...GOOD })}
      value={value === undefined || value === null ? null : String(value)}
    />
  );
}

interface WordOrProps extends ControlProps {
  readonly words: readonly string[];
  /** What a value is that is none of the words. */
  readonly other: string;
  /** What stands there when the person turns from a word to the other. */
  readonly start: unknown;
  readonly children: (props: ControlProps) => React.ReactNode;
}

/** A choice between words that stand for themselves, and a value with a control of its own. */
function WordOr({ words, other, start, children, ...props }: WordOrProps) {
  const { label, value, disabled, onRead } = props;
  if (words.length === 0) return children(props);
  const isWord = typeof value === 'string' && words.includes(value);
  const startOver = (): void => onRead({ value: start, problem: Array.isArray(start) ? null : texts.settings.numberExpected });
  return (
    <div className={styles.wordOr}>
      <ChoiceField
        choices={[...words, other].map((each) => ({ value: each, label: each }))}
        disabled={disabled}
        hideLabel
        label={texts.settings.kindOf(label)}
        onChange={(chosen) => (chosen === other ? startOver() : onRead({ value: chosen, ...GOOD }))}
        value={isWord ? value : other}
      />
      {!isWord && children(props)}
    </div>
  );
}

/** What is typed stays as it is typed (`1.`, `[1, `) as long as it means what the value is. */
function useTyped(value: unknown, words: (value: unknown) => string, read: (text: string) => Read): [string, (text: string) => Read] {
  const [typed, setTyped] = useState<string | null>(null);
  const means = typed !== null && JSON.stringify(read(typed).value) === JSON.stringify(value ?? undefined);
  const type = (text: string): Read => {
    setTyped(text);
    return read(text);
  };
  return [means ? typed : words(value), type];
}

function NumberOf({
  label,
  value,
  mayBeEmpty,
  unit,
  problem,
  disabled,
  onRead,
  control,
}: ControlProps & { readonly control: Control & { name: 'number' } }) {
  const read = (text: string): Read => (text === '' && mayBeEmpty ? { value: undefined, ...GOOD } : readNumber(text, control.limits));
  const [text, type] = useTyped(value, (number) => (number === null || number === undefined ? '' : String(number)), read);
  return (
    <div className={styles.withUnit}>
      <TextField
        disabled={disabled}
        hideLabel
        invalid={problem !== null}
        label={label}
        onChange={(next) => onRead(type(next))}
        value={text}
      />
      {unit !== null && <span>{unit}</span>}
    </div>
  );
}

function JsonOf({ label, value, mayBeEmpty, problem, disabled, onRead }: ControlProps) {
  const read = (text: string): Read => (text === '' && mayBeEmpty ? { value: undefined, ...GOOD } : readJson(text));
  const words = (json: unknown): string =>
    problem !== null && typeof json === 'string' ? json : json === undefined || json === null ? '' : JSON.stringify(json);
  const [text, type] = useTyped(value, words, read);
  return (
    <TextField
      disabled={disabled}
      hideLabel
      invalid={problem !== null}
      label={label}
      mono
      onChange={(next) => onRead(type(next))}
      value={text}
    />
  );
}
