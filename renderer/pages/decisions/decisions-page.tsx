/**
 * The ledger as a timeline: each decision a sentence that opens into what was weighed and what came
 * of it.
 */
import { useState } from 'react';
import { go, type PageProps } from '../../route.ts';
import { useModels } from '../../store.ts';
import { Button } from '../../ui/button.tsx';
import { ChoiceField } from '../../ui/fields.tsx';
import { Empty, Note, Page, Panel } from '../../ui/panel.tsx';
import { daysOf } from './days.ts';
import { DecisionItem } from './decision-item.tsx';
import styles from './decisions-page.module.css';
import { useDecisions } from './use-decisions.ts';

const EVERY = '';

export function DecisionsPage({ subject }: PageProps) {
  const models = useModels();
  const { rows, waiting, showWaiting, loadOlder, hasOlder, trouble } = useDecisions(subject);
  const [open, setOpen] = useState<number | null>(null);
  const names = [...new Set([...models.map(({ id }) => id), ...(subject === null ? [] : [subject])])];
  const filter = (
    <ChoiceField
      choices={[{ value: EVERY, label: 'Every model' }, ...names.map((id) => ({ value: id, label: id }))]}
      hideLabel
      label="Model"
      onChange={(id) => go('decisions', id === EVERY ? null : id)}
      value={subject ?? EVERY}
    />
  );
  return (
    <Page
      actions={<div className={styles.filter}>{filter}</div>}
      sentence="What was loaded, refused, unloaded and why; the newest first."
      title="Decisions"
    >
      {trouble !== null && <Note tone="bad">{trouble}</Note>}
      {waiting > 0 && (
        <Button className={styles.waiting} icon="refresh" look="primary" onClick={showWaiting} small>
          {waiting} new
        </Button>
      )}
      {rows !== null && rows.length === 0 && (
        <Panel>
          <Empty icon="decisions" title={subject === null ? 'No decision yet' : `No decision on ${subject} yet`}>
            When a model is loaded, refused or unloaded, the reason stands here, with every place that was weighed and what it came to.
          </Empty>
        </Panel>
      )}
      {daysOf(rows ?? []).map(({ day, rows: ofDay }) => (
        <section aria-label={day} className={styles.day} key={day}>
          <h2>{day}</h2>
          <ol className={styles.rows}>
            {ofDay.map((row) => (
              <DecisionItem isOpen={row.id === open} key={row.id} onToggle={() => setOpen(row.id === open ? null : row.id)} row={row} />
            ))}
          </ol>
        </section>
      ))}
      {hasOlder && (
        <div>
          <Button onClick={loadOlder}>Show older</Button>
        </div>
      )}
    </Page>
  );
}
