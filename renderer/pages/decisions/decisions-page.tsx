/** The page Decisions: the ledger as a timeline, newest first. */
import { useState } from 'react';
import type { DecisionRow } from '../../../shared/decision.ts';
import { go, type PageProps } from '../../route.ts';
import { useModels } from '../../store.ts';
import { Button } from '../../ui/button.tsx';
import { ChoiceField } from '../../ui/fields.tsx';
import { Empty, Note, Page, Panel } from '../../ui/panel.tsx';
import { daysOf } from './days.ts';
import { DecisionItem, GLYPHS, surpriseOf } from './decision-item.tsx';
import styles from './decisions-page.module.css';
import { useDecisions } from './use-decisions.ts';

const EVERY = '';
const OUTCOMES = [
  { value: EVERY, label: 'Every outcome' },
  { value: 'failed', label: 'Failed' },
  { value: 'surprise', label: 'Memory differed from the estimate' },
] as const;
const ACTIONS = [{ value: EVERY, label: 'Every action' }, ...Object.entries(GLYPHS).map(([value, { word }]) => ({ value, label: word }))];

function hasOutcome({ outcome }: DecisionRow, wanted: string): boolean {
  if (wanted === EVERY) return true;
  if (outcome === null) return false;
  return wanted === 'failed' ? !outcome.ok : surpriseOf(outcome) !== null;
}

export function DecisionsPage({ subject }: PageProps) {
  const models = useModels();
  const { rows, waiting, showWaiting, loadOlder, hasOlder, trouble } = useDecisions(subject);
  const [open, setOpen] = useState<number | null>(null);
  const [action, setAction] = useState(EVERY);
  const [outcome, setOutcome] = useState(EVERY);
  const shown = (rows ?? []).filter((row) => (action === EVERY || row.action === action) && hasOutcome(row, outcome));
  const names = [...new Set([...models.map(({ id }) => id), ...(subject === null ? [] : [subject])])];
  const isEmpty = rows !== null && rows.length === 0 && subject === null;
  const filters = (
    <>
      <ChoiceField choices={ACTIONS} hideLabel label="Action" onChange={setAction} value={action} />
      <ChoiceField choices={OUTCOMES} hideLabel label="Outcome" onChange={setOutcome} value={outcome} />
      <ChoiceField
        choices={[{ value: EVERY, label: 'Every model' }, ...names.map((id) => ({ value: id, label: id }))]}
        hideLabel
        label="Model"
        onChange={(id) => go('decisions', id === EVERY ? null : id)}
        value={subject ?? EVERY}
      />
    </>
  );
  return (
    <Page
      actions={!isEmpty && <div className={styles.filter}>{filters}</div>}
      sentence="What was loaded, refused, unloaded and why; the newest first."
      title="Decisions"
    >
      {trouble !== null && <Note tone="bad">{trouble}</Note>}
      {waiting > 0 && (
        <Button className={styles.waiting} icon="refresh" variant="primary" onClick={showWaiting} small>
          {waiting} new
        </Button>
      )}
      {rows !== null && rows.length === 0 && (
        <Panel>
          <Empty
            action={
              isEmpty ? (
                <Button onClick={() => go('models')}>Open the Models page</Button>
              ) : (
                <Button onClick={() => go('decisions')}>Decisions on every model</Button>
              )
            }
            icon="decisions"
            title={subject === null ? 'No decision yet' : `No decision on ${subject} yet`}
          >
            When a model is loaded, refused or unloaded, the reason is listed here, with every place that was considered and the outcome.
          </Empty>
        </Panel>
      )}
      {rows !== null && rows.length > 0 && shown.length === 0 && <p>None of the {rows.length} newest decisions is of that kind.</p>}
      {daysOf(shown).map(({ day, rows: ofDay }) => (
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
