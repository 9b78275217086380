/** Lists and maps of texts, one row each, which can be added, edited and removed. */
import * as texts from '../../texts.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { TextField } from '../../ui/fields.tsx';
import type { Control } from './schema.ts';
import styles from './settings-form.module.css';
import type { ControlProps } from './words.ts';
import { type Read, readItem } from './words.ts';

type ListProps = ControlProps & { readonly control: Extract<Control, { name: 'list' }> };

export function ListRows({ label, value, disabled, onRead, control }: ListProps) {
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  const set = (next: readonly unknown[]): void => onRead(readList(next));
  return (
    <div className={styles.rows}>
      {items.map((item, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place; its text changes while it is typed.
        <div className={styles.rowOf} key={index}>
          <TextField
            disabled={disabled}
            hideLabel
            invalid={item === ''}
            label={`${label}, ${index + 1}`}
            mono
            onChange={(text) => set(items.with(index, readItem(text, control)))}
            value={String(item)}
          />
          <IconButton
            disabled={disabled}
            icon="close"
            label={texts.common.remove(String(item) || texts.settings.rowNumber(index + 1))}
            onClick={() => set(items.filter((_, each) => each !== index))}
          />
        </div>
      ))}
      <div>
        <Button aria-label={texts.settings.addTo(label)} disabled={disabled} icon="plus" onClick={() => set([...items, ''])} small>
          {texts.common.add}
        </Button>
      </div>
    </div>
  );
}

function readList(items: readonly unknown[]): Read {
  return { value: items, problem: items.includes('') ? texts.settings.emptyRow : null };
}

type Pair = readonly [string, string];

/** While names are empty or equal the value is the list of pairs, which cannot be saved. */
export function MapRows({ label, value, disabled, onRead }: ControlProps) {
  const pairs = pairsOf(value);
  const set = (next: readonly Pair[]): void => onRead(readMap(next));
  return (
    <div className={styles.rows}>
      {pairs.map(([name, text], index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place; its name changes while it is typed.
        <div className={styles.rowOf} key={index}>
          <TextField
            disabled={disabled}
            hideLabel
            label={texts.settings.nameField(label, index + 1)}
            mono
            placeholder={texts.settings.namePlaceholder}
            value={name}
            onChange={(next) => set(pairs.with(index, [next, text]))}
          />
          <TextField
            disabled={disabled}
            hideLabel
            label={texts.settings.valueField(label, index + 1)}
            mono
            placeholder={texts.settings.valuePlaceholder}
            value={text}
            onChange={(next) => set(pairs.with(index, [name, next]))}
          />
          <IconButton
            disabled={disabled}
            icon="close"
            label={texts.common.remove(name || texts.settings.rowNumber(index + 1))}
            onClick={() => set(pairs.filter((_, each) => each !== index))}
          />
        </div>
      ))}
      <div>
        <Button aria-label={texts.settings.addTo(label)} disabled={disabled} icon="plus" onClick={() => set([...pairs, ['', '']])} small>
          {texts.common.add}
        </Button>
      </div>
    </div>
  );
}

function pairsOf(value: unknown): readonly Pair[] {
  if (Array.isArray(value)) return value as readonly Pair[];
  return typeof value === 'object' && value !== null ? Object.entries(value).map(([name, text]): Pair => [name, String(text)]) : [];
}

function readMap(pairs: readonly Pair[]): Read {
  const names = pairs.map(([name]) => name);
  if (names.includes('')) return { value: pairs, problem: texts.settings.emptyName };
  if (new Set(names).size < names.length) return { value: pairs, problem: texts.settings.sameName };
  return { value: Object.fromEntries(pairs), problem: null };
}
