/** The table of what the answers of a comparison took; the best of each figure is marked. */

import type { ModelView } from '../../../shared/snapshot.ts';
import * as texts from '../../texts.ts';
import { classes } from '../../ui/classes.ts';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import { isUnderWay } from './answering.ts';
import styles from './compare.module.css';
import type { Column } from './compare.ts';
import { type Figure, figuresTable } from './compare-figures.ts';
import { LETTERS } from './kept-state.ts';
import tables from './playground.module.css';

export function CompareTable({ chosen, columns }: { readonly chosen: readonly ModelView[]; readonly columns: readonly Column[] }) {
  const shown = chosen.flatMap(({ id }) => columns.find(({ model }) => model.id === id) ?? []);
  if (shown.length < 2 || shown.every(isUnderWay)) return null;
  const { names, rows } = figuresTable(shown);
  if (names.length === 0) return null;
  const hasPower = names.includes(texts.compare.gpuPower);
  return (
    <section aria-label={texts.playground.figures} className={styles.figures}>
      <ScrollBox as="div" className={tables.table} label={texts.playground.figures}>
        <table>
          <thead>
            <tr>
              <th>{texts.common.model}</th>
              {names.map((name) => (
                <th className={tables.number} key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((column, row) => (
              <tr key={column.model.id}>
                <th className={styles.name} scope="row">
                  <span className={styles.letter}>{LETTERS[chosen.findIndex(({ id }) => id === column.model.id)]}</span> {column.model.id}
                </th>
                {rows[row]?.map((figure, at) => (
                  <FigureCell figure={figure} isComing={isUnderWay(column)} key={names[at]} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
      {hasPower && <p className={styles.hint}>{texts.compare.gpuPowerMeans}</p>}
    </section>
  );
}

function FigureCell({ figure: { text, isBest }, isComing }: { readonly figure: Figure; readonly isComing: boolean }) {
  return (
    <td className={classes(tables.number, isBest && styles.best)}>
      {text ?? <Nothing isComing={isComing} />}
      {isBest && <span className="visually-hidden"> {texts.compare.best}</span>}
    </td>
  );
}

function Nothing({ isComing }: { readonly isComing: boolean }) {
  return (
    <>
      <span aria-hidden="true">{isComing ? '…' : '–'}</span>
      <span className="visually-hidden">{isComing ? texts.compare.stillAnswering : texts.compare.notKnown}</span>
    </>
  );
}
