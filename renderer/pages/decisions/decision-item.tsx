/** One decision: a line, which opens to the candidates, the outcome and the row of the ledger. */
import { memo } from 'react';
import type { DecisionAction, DecisionOutcome, DecisionRow } from '../../../shared/decision.ts';
import { rowHeadlines } from '../../../shared/reason-words.ts';
import { bytesInWords, phasesInWords, secondsInWords } from '../../../shared/units.ts';
import { CandidateTable } from '../../components/candidate-table.tsx';
import { chosenOf } from '../../components/candidate-words.ts';
import { mainDevices, useDeviceNames } from '../../components/device-name.ts';
import { ReasonView } from '../../components/reason.tsx';
import { address } from '../../route.ts';
import * as texts from '../../texts.ts';
import { classes } from '../../ui/classes.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Icon, type IconName } from '../../ui/icon.tsx';
import { Again } from './again.tsx';
import styles from './decision-item.module.css';
import { isPlacing } from './differences.ts';

export const GLYPHS: Readonly<Record<DecisionAction, { readonly icon: IconName; readonly word: string }>> = {
  load: { icon: 'play', word: texts.decisions.actions.load },
  refuse: { icon: 'warning', word: texts.decisions.actions.refuse },
  wait: { icon: 'clock', word: texts.decisions.actions.wait },
  evict: { icon: 'eject', word: texts.decisions.actions.evict },
  retry: { icon: 'refresh', word: texts.decisions.actions.retry },
  sleep: { icon: 'sleep', word: texts.decisions.actions.sleep },
  prepare: { icon: 'file', word: texts.decisions.actions.prepare },
  rest: { icon: 'ring', word: texts.decisions.actions.rest },
};

/** Measured further off than this from what was predicted is worth a mark. */
const SURPRISE = 0.1;

interface DecisionItemProps {
  readonly row: DecisionRow;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

export const DecisionItem = memo(
  function DecisionItem({ row, isOpen, onToggle }: DecisionItemProps) {
    const { icon, word } = GLYPHS[row.action];
    const id = `decision-${row.id}`;
    const { headline, failure } = rowHeadlines(row);
    return (
      <li className={styles.item}>
        <button aria-controls={id} aria-expanded={isOpen} className={styles.line} onClick={onToggle} type="button">
          <span className={classes(styles.turn, isOpen && styles.turned)}>
            <Icon name="chevron" size={14} />
          </span>
          <time className={styles.time} dateTime={row.at}>
            {new Date(row.at).toLocaleTimeString('en', { hour12: false })}
          </time>
          <span className={styles.action}>
            <Icon name={icon} size={14} />
            {word}
          </span>
          <span className={styles.sentence}>
            {!headline.includes(row.modelId) && <b>{row.modelId}: </b>}
            {headline}
            {failure !== null && <span className={styles.failure}>{failure}</span>}
          </span>
          <Result outcome={row.outcome} />
        </button>
        {isOpen && (
          <div className={styles.body} id={id}>
            <Details row={row} />
          </div>
        )}
      </li>
    );
  },
  (before, after) => before.row === after.row && before.isOpen === after.isOpen,
);

function Result({ outcome }: { readonly outcome: DecisionOutcome | null }) {
  if (outcome === null) return null;
  const off = surpriseOf(outcome);
  return (
    <span className={classes(styles.result, outcome.ok ? styles.good : styles.bad)}>
      {texts.decisions.outcome(outcome.ok, outcome.seconds === null ? null : secondsInWords(outcome.seconds))}
      {off !== null && <span className={styles.surprise}>{texts.decisions.memoryDiffers(off)}</span>}
    </span>
  );
}

/**
 * `12 % over`: how far the measured memory is from the predicted; null within the tolerance, or
 * where one is not known.
 */
export function surpriseOf({ predictedBytes, measuredBytes }: DecisionOutcome): string | null {
  if (predictedBytes === null || measuredBytes === null) return null;
  const ids = mainDevices(Object.keys(predictedBytes));
  const sum = (bytes: Readonly<Record<string, number>>): number => ids.reduce((total, id) => total + (bytes[id] ?? 0), 0);
  const predicted = sum(predictedBytes);
  if (predicted === 0) return null;
  const off = sum(measuredBytes) / predicted - 1;
  return Math.abs(off) <= SURPRISE ? null : texts.decisions.difference(Math.round(Math.abs(off) * 100), off > 0);
}

function Details({ row }: { readonly row: DecisionRow }) {
  return (
    <>
      {row.because !== undefined && <ReasonView reason={row.because} />}
      {row.outcome !== null && <Outcome outcome={row.outcome} />}
      {row.candidates.length > 0 && <CandidateTable candidates={row.candidates} chosen={chosenOf(row.inputs)} />}
      {isPlacing(row) && <Again row={row} />}
      <p className={styles.foot}>
        <a href={address('models', row.modelId)}>{row.modelId}</a>
        <span className={styles.reason}>{texts.decisions.row(row.reason, row.id)}</span>
        <CopyButton label={texts.decisions.copy} text={() => JSON.stringify(row, null, 2)} />
      </p>
    </>
  );
}

function Outcome({ outcome }: { readonly outcome: DecisionOutcome }) {
  const nameOf = useDeviceNames();
  const { message, predictedBytes, measuredBytes, reportedBytes = {}, phaseSeconds = {} } = outcome;
  const phases = phasesInWords(phaseSeconds);
  const ids = Object.keys(predictedBytes ?? measuredBytes ?? {});
  const figure = (bytes: Readonly<Record<string, number>> | null, id: string): string => {
    const value = bytes?.[id];
    return value === undefined ? texts.decisions.unknown : bytesInWords(value);
  };
  return (
    <div>
      <p>{message}</p>
      {ids.length > 0 && (
        <p className={styles.figures}>
          {ids
            .map((id) => texts.decisions.predictedAndMeasured(nameOf(id), figure(predictedBytes, id), figure(measuredBytes, id)))
            .join('; ')}
        </p>
      )}
      {Object.entries(reportedBytes).map(([name, { modelBytes, kvBytes, computeBytes }]) => (
        <p className={styles.figures} key={name}>
          {texts.decisions.runtimeSays(name, bytesInWords(modelBytes), bytesInWords(kvBytes), bytesInWords(computeBytes))}
        </p>
      ))}
      {phases !== '' && <p className={styles.figures}>{phases}</p>}
    </div>
  );
}
