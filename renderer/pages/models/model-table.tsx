/**
 * The table of models: sortable, with selectable rows. A row is drawn again only when its own model
 * or its selection changed.
 */
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, type ReactNode, type RefCallback, useLayoutEffect, useRef, useState } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { bytesInWords } from '../../../shared/units.ts';
import { mainDevices, useDeviceNames } from '../../components/device-name.ts';
import { ModelActions } from '../../components/model-actions.tsx';
import { memoryOf } from '../../components/model-memory.ts';
import { StateChip } from '../../components/state-chip.tsx';
import { address } from '../../route.ts';
import * as texts from '../../texts.ts';
import { classes } from '../../ui/classes.ts';
import { Icon } from '../../ui/icon.tsx';
import { Countdown } from './countdown.tsx';
import { inOrder, type Order, type SortKey, turned } from './model-order.ts';
import styles from './model-table.module.css';
import { isWordy, paceInWords, profileInWords, requestsInWords } from './model-words.ts';

/** More than these are drawn only where they are in sight: thousands would hold every change up. */
const ROWS_AT_ONCE = 100;
/** Until a row was measured. */
const ROW_HEIGHT = 62;
const COLUMNS = 8;

interface TableProps {
  readonly models: readonly ModelView[];
  readonly order: Order;
  readonly onOrder: (order: Order) => void;
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (id: string, isChosen: boolean) => void;
}

export function ModelTable({ models, order, onOrder, chosen, onChoose }: TableProps) {
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
    <div className={styles.frame}>
      <table aria-rowcount={sorted.length + 1} className={styles.table}>
        <thead>
          <tr>
            <th className={styles.choose} scope="col">
              <span className="visually-hidden">{texts.models.choose}</span>
            </th>
            {head('name', texts.common.model)}
            {head('state', texts.models.state, styles.state)}
            <th className={styles.optional} scope="col">
              {texts.models.runsOn}
            </th>
            {head('memory', texts.common.memory, classes(styles.optional, styles.right))}
            {head('pace', texts.models.answers, classes(styles.optional, styles.right))}
            {head('requests', texts.common.requests, classes(styles.optional, styles.right))}
            <th scope="col">
              <span className="visually-hidden">{texts.models.actions}</span>
            </th>
          </tr>
        </thead>
        {sorted.length <= ROWS_AT_ONCE ? (
          <tbody>
            {sorted.map((model, index) => (
              <Row index={index} isChosen={chosen.has(model.id)} key={model.id} model={model} onChoose={onChoose} />
            ))}
          </tbody>
        ) : (
          <RowsInSight chosen={chosen} models={sorted} onChoose={onChoose} />
        )}
      </table>
    </div>
  );
}

/** Those in sight of the page, between two empty rows as high as the others would be. */
function RowsInSight({ models, chosen, onChoose }: Pick<TableProps, 'models' | 'chosen' | 'onChoose'>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [scrollMargin, setScrollMargin] = useState(0);
  const virtualizer = useVirtualizer({
    count: models.length,
    getScrollElement: pageScroller,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => models[index]?.id ?? index,
    overscan: 10,
    scrollMargin,
  });
  // What stands above the table may come and go.
  useLayoutEffect(() => {
    const scroller = pageScroller();
    const top = body.current?.closest('table')?.tHead?.getBoundingClientRect().bottom;
    if (scroller === null || top === undefined) return;
    setScrollMargin(Math.round(top - scroller.getBoundingClientRect().top + scroller.scrollTop));
  });
  const items = virtualizer.getVirtualItems();
  const before = (items[0]?.start ?? scrollMargin) - scrollMargin;
  const after = virtualizer.getTotalSize() - ((items.at(-1)?.end ?? scrollMargin) - scrollMargin);
  return (
    <>
      <Space height={before} />
      <tbody ref={body}>
        {items.map(({ index }) => {
          const model = models[index];
          if (model === undefined) return null;
          return (
            <Row
              index={index}
              isChosen={chosen.has(model.id)}
              key={model.id}
              measure={virtualizer.measureElement}
              model={model}
              onChoose={onChoose}
            />
          );
        })}
      </tbody>
      <Space height={after} />
    </>
  );
}

function pageScroller(): HTMLElement | null {
  return document.getElementById('main');
}

function Space({ height }: { readonly height: number }) {
  if (height <= 0) return null;
  return (
    <tbody aria-hidden="true">
      <tr>
        <td className={styles.space} colSpan={COLUMNS} style={{ height }} />
      </tr>
    </tbody>
  );
}

interface RowProps {
  readonly model: ModelView;
  /** Among all of the table. */
  readonly index: number;
  /** Where only those in sight are drawn: tells how high it is. */
  readonly measure?: RefCallback<HTMLTableRowElement>;
  readonly isChosen: boolean;
  readonly onChoose: (id: string, isChosen: boolean) => void;
}

const Row = memo(function Row({ model, index, isChosen, measure, onChoose }: RowProps) {
  const nameOf = useDeviceNames();
  const memory = memoryOf(model);
  const where = model.remote ?? mainDevices(model.devices).map(nameOf).join(' + ');
  const runsOn = model.runtime === null ? '' : `${model.runtime} · ${where}`;
  const memoryWords =
    memory === null ? '' : memory.measured ? bytesInWords(memory.bytes) : texts.models.aboutSize(bytesInWords(memory.bytes));
  const pace = paceInWords(model.pace);
  const requests = requestsInWords(model);
  return (
    <tr aria-rowindex={index + 2} className={classes(styles.row, isChosen && styles.chosen)} data-index={index} ref={measure}>
      <td className={styles.choose}>
        <input
          aria-label={texts.models.chooseModel(model.id)}
          checked={isChosen}
          onChange={(event) => onChoose(model.id, event.target.checked)}
          type="checkbox"
        />
      </td>
      <th className={styles.model} scope="row">
        <Name model={model} />
        <p className={styles.facts}>{profileInWords(model.profile)}</p>
        <p className={styles.below}>{[runsOn, memoryWords, pace.join(', '), ...requests].filter(Boolean).join(' · ')}</p>
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
      <td className={classes(styles.optional, styles.right)} title={texts.models.answersMean}>
        <Lines of={pace} />
      </td>
      <td className={classes(styles.optional, styles.right)}>
        <Lines of={requests} />
      </td>
      <td className={styles.actions}>
        <ModelActions model={model} />
      </td>
    </tr>
  );
});

function Lines({ of }: { readonly of: readonly string[] }) {
  return of.map((line) => (
    <span className={styles.line} key={line}>
      {line}
    </span>
  ));
}

function Name({ model }: { readonly model: ModelView }) {
  return (
    <>
      <a className={styles.name} href={address('models', model.id)}>
        {model.id}
      </a>
      {model.remote !== undefined && (
        <span className={styles.remote} title={texts.models.runsAt(model.remote)}>
          {texts.models.remote}
        </span>
      )}
      {model.pinned && (
        <span className={styles.pin} title={texts.common.pinnedMeans}>
          <Icon name="pin" size={13} />
          <span className="visually-hidden">{texts.models.pinned}</span>
        </span>
      )}
    </>
  );
}
