/**
 * The table of models: sorted by its heads, with a choice of rows. A row is drawn again only when
 * its own model or its being chosen changed.
 */
import { memo, type ReactNode, useState } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { bytesInWords } from '../../../shared/units.ts';
import { mainDevices, useDeviceNames } from '../../components/device-name.ts';
import { ModelActions } from '../../components/model-actions.tsx';
import { StateChip } from '../../components/state-chip.tsx';
import { address } from '../../route.ts';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { Icon } from '../../ui/icon.tsx';
import { Countdown } from './countdown.tsx';
import { inOrder, type Order, type SortKey, turned } from './model-order.ts';
import styles from './model-table.module.css';
import { isWordy, memoryOf, paceInWords, profileInWords, requestsInWords } from './model-words.ts';

/**
 * Rows that are drawn at once; the others on request, since thousands would hold every change up.
 */
const ROWS_AT_ONCE = 200;

interface TableProps {
  readonly models: readonly ModelView[];
  readonly order: Order;
  readonly onOrder: (order: Order) => void;
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (id: string, isChosen: boolean) => void;
}

export function ModelTable({ models, order, onOrder, chosen, onChoose }: TableProps) {
  const [rows, setRows] = useState(ROWS_AT_ONCE);
  if (models.length === 0) return null;
  const head = (key: SortKey, words: string, style?: string): ReactNode => (
    <th aria-sort={order.key === key ? (order.isDown ? 'descending' : 'ascending') : undefined} className={style} scope="col">
      <button className={styles.sort} onClick={() => onOrder(turned(order, key))} type="button">
        {words}
        <span className={classes(styles.arrow, order.key === key && styles.sorted, order.key === key && !order.isDown && styles.up)}>
          <Icon name="down" size={12} />
        </span>
      </button>
    </th>
  );
  const sorted = inOrder(models, order);
  return (
    <>
      <div className={styles.frame}>
        <table className={styles.table}>
          <thead>
            <tr>
              <th className={styles.choose} scope="col">
                <span className="visually-hidden">Choose</span>
              </th>
              {head('name', 'Model')}
              {head('state', 'State', styles.state)}
              <th className={styles.optional} scope="col">
                Runs on
              </th>
              {head('memory', 'Memory', classes(styles.optional, styles.right))}
              {head('pace', 'Answers', classes(styles.optional, styles.right))}
              {head('requests', 'Requests', classes(styles.optional, styles.right))}
              <th scope="col">
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {sorted.slice(0, rows).map((model) => (
              <Row isChosen={chosen.has(model.id)} key={model.id} model={model} onChoose={onChoose} />
            ))}
          </tbody>
        </table>
      </div>
      {sorted.length > rows && (
        <div>
          <Button onClick={() => setRows(rows + ROWS_AT_ONCE)}>Show more of the {sorted.length - rows} others</Button>
        </div>
      )}
    </>
  );
}

interface RowProps {
  readonly model: ModelView;
  readonly isChosen: boolean;
  readonly onChoose: (id: string, isChosen: boolean) => void;
}

const Row = memo(function Row({ model, isChosen, onChoose }: RowProps) {
  const nameOf = useDeviceNames();
  const memory = memoryOf(model);
  const where = model.remote ?? mainDevices(model.devices).map(nameOf).join(' + ');
  const runsOn = model.runtime === null ? '' : `${model.runtime} · ${where}`;
  const memoryWords = memory === null ? '' : `${memory.measured ? '' : 'about '}${bytesInWords(memory.bytes)}`;
  const pace = paceInWords(model.pace);
  const requests = requestsInWords(model);
  return (
    <tr className={classes(styles.row, isChosen && styles.chosen)}>
      <td className={styles.choose}>
        <input
          aria-label={`Choose ${model.id}`}
          checked={isChosen}
          onChange={(event) => onChoose(model.id, event.target.checked)}
          type="checkbox"
        />
      </td>
      <th className={styles.model} scope="row">
        <Name model={model} />
        <p className={styles.facts}>{profileInWords(model.profile)}</p>
        <p className={styles.below}>{[runsOn, memoryWords, pace.join(', '), requests].filter(Boolean).join(' · ')}</p>
        {isWordy(model) && (
          <p className={classes(styles.message, model.state === 'failed' && styles.failed)} title={model.message}>
            {model.headline}
          </p>
        )}
      </th>
      <td className={styles.state}>
        <StateChip model={model} />
        <Countdown model={model} />
      </td>
      <td className={styles.optional}>{runsOn}</td>
      <td className={classes(styles.optional, styles.right)}>{memoryWords}</td>
      <td
        className={classes(styles.optional, styles.right)}
        title="Tokens a second of one answer; half of the answers, and 95 of a hundred, were whole within"
      >
        {pace.map((line) => (
          <span className={styles.line} key={line}>
            {line}
          </span>
        ))}
      </td>
      <td className={classes(styles.optional, styles.right)}>{requests}</td>
      <td className={styles.actions}>
        <ModelActions model={model} />
      </td>
    </tr>
  );
});

function Name({ model }: { readonly model: ModelView }) {
  return (
    <>
      <a className={styles.name} href={address('models', model.id)}>
        {model.id}
      </a>
      {model.remote !== undefined && (
        <span className={styles.remote} title={`Runs at ${model.remote}`}>
          remote
        </span>
      )}
      {model.pinned && (
        <span className={styles.pin} title="Pinned: only a person unloads it">
          <Icon name="pin" size={13} />
          <span className="visually-hidden">pinned</span>
        </span>
      )}
    </>
  );
}
