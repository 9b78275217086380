/** Lists and maps of texts, one row each, which can be added, edited and removed. */
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
            label={`Remove ${String(item) || `row ${index + 1}`}`}
            onClick={() => set(items.filter((_, each) => each !== index))}
          />
        </div>
      ))}
      <div>
        <Button aria-label={`Add to ${label}`} disabled={disabled} icon="plus" onClick={() => set([...items, ''])} small>
          Add
        </Button>
      </div>
    </div>
  );
}

function readList(items: readonly unknown[]): Read {
  return { value: items, problem: items.includes('') ? 'A row is empty: fill it in, or remove it.' : null };
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
            label={`${label}, name ${index + 1}`}
            mono
            placeholder="NAME"
            value={name}
            onChange={(next) => set(pairs.with(index, [next, text]))}
          />
          <TextField
            disabled={disabled}
            hideLabel
            label={`${label}, value ${index + 1}`}
            mono
            placeholder="value"
            value={text}
            onChange={(next) => set(pairs.with(index, [name, next]))}
          />
          <IconButton
            disabled={disabled}
            icon="close"
            label={`Remove ${name || `row ${index + 1}`}`}
            onClick={() => set(pairs.filter((_, each) => each !== index))}
          />
        </div>
      ))}
      <div>
        <Button aria-label={`Add to ${label}`} disabled={disabled} icon="plus" onClick={() => set([...pairs, ['', '']])} small>
          Add
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
  if (names.includes('')) return { value: pairs, problem: 'A name is empty: fill it in, or remove the row.' };
  if (new Set(names).size < names.length) return { value: pairs, problem: 'Two rows have the same name.' };
  return { value: Object.fromEntries(pairs), problem: null };
}
