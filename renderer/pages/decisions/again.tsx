/** Asks the question of a past decision again, with what is known and free now. Changes nothing. */
import { useState } from 'react';
import type { Decision, DecisionRow } from '../../../shared/decision.ts';
import { toModeliumError } from '../../../shared/errors.ts';
import { headlineOf } from '../../../shared/reason-words.ts';
import { ask } from '../../api.ts';
import { useDeviceNames } from '../../components/device-name.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import styles from './decision-item.module.css';
import { differencesOf } from './differences.ts';

interface Answer {
  /** Null: there is no decision to be made, and the words say why. */
  readonly decision: Decision | null;
  readonly words: string;
}

export function Again({ row }: { readonly row: DecisionRow }) {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [isAsking, setAsking] = useState(false);
  const again = async (): Promise<void> => {
    setAsking(true);
    try {
      const { decision, message } = await ask<'plan'>('POST', '/control/plan', { body: { target: row.modelId } });
      setAnswer({ decision, words: decision === null ? message : headlineOf(decision.because) });
    } catch (thrown) {
      setAnswer({ decision: null, words: toModeliumError(thrown).message });
    }
    setAsking(false);
  };
  return (
    <div className={styles.again}>
      <Button disabled={isAsking} icon="refresh" onClick={() => void again()} small>
        {texts.decisions.decideAgain}
      </Button>
      <div role="status">{answer !== null && <Now row={row} answer={answer} />}</div>
    </div>
  );
}

function Now({ row, answer: { decision, words } }: { readonly row: DecisionRow; readonly answer: Answer }) {
  const nameOf = useDeviceNames();
  const differences = decision === null ? [] : differencesOf(row, decision, nameOf);
  return (
    <>
      <p>
        <b>{texts.decisions.nowIs}</b> {words}
        {decision !== null && differences.length === 0 && `. ${texts.decisions.noDifference}`}
      </p>
      {differences.length > 0 && (
        <table className={styles.differences}>
          <thead>
            <tr>
              <th scope="col">{texts.decisions.whatDiffers}</th>
              <th scope="col">{texts.decisions.before}</th>
              <th scope="col">{texts.common.now}</th>
            </tr>
          </thead>
          <tbody>
            {differences.map(({ what, before, after }) => (
              <tr key={what}>
                <th scope="row">{what}</th>
                <td>{before}</td>
                <td>{after}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
