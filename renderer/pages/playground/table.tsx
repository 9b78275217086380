/** A table in a box that scrolls by itself, also by keyboard. */
import type { ReactNode } from 'react';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import styles from './playground.module.css';

export interface TableRow {
  readonly key: string | number;
  readonly cells: readonly ReactNode[];
}

interface TableProps {
  readonly label: string;
  readonly head: readonly string[];
  readonly rows: readonly TableRow[];
  /** Columns from this one on are numbers, and stand at the right. */
  readonly numbersFrom?: number;
}

export function Table({ label, head, rows, numbersFrom = Number.POSITIVE_INFINITY }: TableProps) {
  const classOf = (at: number): string | undefined => (at >= numbersFrom ? styles.number : at === 0 ? styles.text : undefined);
  return (
    <ScrollBox as="div" className={styles.table} label={label}>
      <table>
        <thead>
          <tr>
            {head.map((name, at) => (
              <th className={at >= numbersFrom ? styles.number : undefined} key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, cells }) => (
            <tr key={key}>
              {cells.map((cell, at) => (
                <td className={classOf(at)} key={head[at]}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollBox>
  );
}
