/** The page Decisions: the ledger as a timeline, newest first. */
import { useState } from 'react';
import type { DecisionRow } from '../../../shared/decision.ts';
import { go, type PageProps } from '../../route.ts';
import { useModels } from '../../store.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { ChoiceField } from '../../ui/fields.tsx';
import { Empty, Note, Page, Panel } from '../../ui/panel.tsx';
import { daysOf } from './days.ts';
import { DecisionItem, GLYPHS, surpriseOf } from './decision-item.tsx';
import styles from './decisions-page.module.css';
import { useDecisions } from './use-decisions.ts';

const EVERY = '';
const OUTCOMES = [
  { value: EVERY, label: texts.common.everyOutcome },
  { value: 'failed', label: texts.common.failed },
  { value: 'surprise', label: texts.decisions.memoryDiffered },
] as const;
const ACTIONS = [
  { value: EVERY, label: texts.decisions.everyAction },
  ...Object.entries(GLYPHS).map(([value, { word }]) => ({ value, label: word })),
];

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
      <ChoiceField choices={ACTIONS} hideLabel label={texts.common.action} onChange={setAction} value={action} />
      <ChoiceField choices={OUTCOMES} hideLabel label={texts.common.outcome} onChange={setOutcome} value={outcome} />
      <ChoiceField
        choices={[{ value: EVERY, label: texts.common.everyModel }, ...names.map((id) => ({ value: id, label: id }))]}
        hideLabel
        label={texts.common.model}
        onChange={(id) => go('decisions', id === EVERY ? null : id)}
        value={subject ?? EVERY}
      />
    </>
  );
  return (
    <Page
      actions={!isEmpty && <div className={styles.filter}>{filters}</div>}
      sentence={texts.decisions.sentence}
      title={texts.window.titles.decisions}
    >
      {trouble !== null && <Note tone="bad">{trouble}</Note>}
      {waiting > 0 && (
        <Button className={styles.waiting} icon="refresh" variant="primary" onClick={showWaiting} small>
          {texts.decisions.new(waiting)}
        </Button>
      )}
      {rows !== null && rows.length === 0 && (
        <Panel>
          <Empty
            action={
              isEmpty ? (
                <Button onClick={() => go('models')}>{texts.common.openModelsPage}</Button>
              ) : (
                <Button onClick={() => go('decisions')}>{texts.decisions.onEveryModel}</Button>
              )
            }
            icon="decisions"
            title={subject === null ? texts.decisions.none : texts.decisions.noneOn(subject)}
          >
            {texts.decisions.whatIsListed}
          </Empty>
        </Panel>
      )}
      {rows !== null && rows.length > 0 && shown.length === 0 && <p>{texts.decisions.noMatch(rows.length)}</p>}
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
          <Button onClick={loadOlder}>{texts.decisions.showOlder}</Button>
        </div>
      )}
    </Page>
  );
}
