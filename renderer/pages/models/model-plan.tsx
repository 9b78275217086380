/**
 * What would happen if it were asked for now, and why: the brain's dry run, with every candidate.
 * Asked when somebody wants to see it.
 */
import { useState } from 'react';
import { toModeliumError } from '../../../shared/errors.ts';
import type { StateName } from '../../../shared/model.ts';
import { headlineOf } from '../../../shared/reason-words.ts';
import { type AnswerOf, ask } from '../../api.ts';
import { CandidateTable } from '../../components/candidate-table.tsx';
import { ReasonView } from '../../components/reason.tsx';
import { Button } from '../../ui/button.tsx';
import { Note } from '../../ui/panel.tsx';
import styles from './model-drawer.module.css';

interface ModelPlanProps {
  readonly id: string;
  readonly state: StateName;
}

/**
 * What was planned for another model, or from another state, says nothing of this one: its `key` is
 * both.
 */
export function ModelPlan({ id, state }: ModelPlanProps) {
  const [answer, setAnswer] = useState<AnswerOf<'plan'> | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  if (state !== 'unloaded' && state !== 'failed' && state !== 'blocked') return null;
  const plan = (): void => {
    ask<'plan'>('POST', '/control/plan', { body: { target: id } })
      .then(setAnswer)
      .catch((thrown: unknown) => setTrouble(toModeliumError(thrown).message));
  };
  return (
    <section className={styles.section}>
      <h3>What would happen</h3>
      {trouble !== null && <Note tone="bad">{trouble}</Note>}
      {answer === null ? (
        <div>
          <Button icon="decisions" onClick={plan} small>
            Plan it (changes nothing)
          </Button>
        </div>
      ) : (
        <Planned answer={answer} />
      )}
    </section>
  );
}

function Planned({ answer: { decision, message } }: { readonly answer: AnswerOf<'plan'> }) {
  if (decision === null) return <p>{message}</p>;
  const { candidates } = decision;
  return (
    <>
      <p>{headlineOf(decision.because)}</p>
      <ReasonView reason={decision.because} />
      {decision.kind === 'refuse' && <Note tone="warn">{decision.help}</Note>}
      {candidates.length > 0 && <CandidateTable candidates={candidates} chosen={decision.kind === 'place' ? 0 : null} />}
    </>
  );
}
