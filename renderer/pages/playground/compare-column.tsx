/** One column of a comparison: the model, its growing answer, and its error. */
import type { ModelView } from '../../../shared/snapshot.ts';
import { Markdown } from '../../components/markdown/markdown.tsx';
import { StateChip, stateWord } from '../../components/state-chip.tsx';
import * as texts from '../../texts.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { ChoiceField } from '../../ui/fields.tsx';
import { isUnderWay } from './answering.ts';
import chatStyles from './chat.module.css';
import styles from './compare.module.css';
import { askAgain, type Column, stopOne } from './compare.ts';
import { FailureView } from './failure-view.tsx';
import { ThinkingView } from './thinking-view.tsx';
import { Transcript } from './transcript.tsx';
import { WaitingView } from './waiting-view.tsx';

interface ColumnProps {
  readonly letter: string;
  readonly model: ModelView;
  /** What it was asked last; undefined: nothing. */
  readonly column: Column | undefined;
  readonly choices: readonly ModelView[];
  readonly isBusy: boolean;
  readonly canLeave: boolean;
  /** Null: it leaves the comparison. */
  readonly onChoose: (id: string | null) => void;
}

export function CompareColumn({ letter, model, column, choices, isBusy, canLeave, onChoose }: ColumnProps) {
  return (
    <section aria-label={`${letter}: ${model.id}`} className={styles.column}>
      <header className={styles.head}>
        <span aria-hidden="true" className={styles.letter}>
          {letter}
        </span>
        <div className={styles.choice}>
          <ChoiceField
            choices={choices.map(({ id, state }) => ({ value: id, label: `${id} (${stateWord(state).toLowerCase()})` }))}
            disabled={isBusy}
            hideLabel
            label={texts.compare.model(letter)}
            onChange={onChoose}
            value={model.id}
          />
        </div>
        {canLeave && (
          <IconButton disabled={isBusy} icon="close" label={texts.common.remove(model.id)} onClick={() => onChoose(null)} small />
        )}
      </header>
      <Transcript asked={column?.phase === 'waiting' ? 1 : 0} label={texts.compare.answerOf(model.id)}>
        {column === undefined ? <p className={styles.hint}>{texts.compare.answerComes}</p> : <Answer column={column} />}
      </Transcript>
      <footer className={styles.columnFoot}>
        {column !== undefined && <Actions column={column} />}
        <span className={styles.state}>
          <StateChip model={model} />
        </span>
      </footer>
    </section>
  );
}

function Answer({ column: { model, phase, answer, reasoning, why, failure, final } }: { readonly column: Column }) {
  const isEmptyAnswer = phase === 'complete' && answer === '' && final !== null;
  return (
    <div className={chatStyles.answer}>
      {reasoning !== '' && <ThinkingView isGrowing={phase === 'thinking'} text={reasoning} />}
      {answer !== '' && <Markdown growing={phase === 'writing'} text={answer} />}
      {phase === 'waiting' && <WaitingView modelId={model.id} onCancel={() => stopOne(model.id)} why={why} />}
      {failure !== null && <FailureView error={failure} hasText={answer !== ''} />}
      {isEmptyAnswer && <p className={styles.hint}>{texts.compare.emptyAnswer}</p>}
    </div>
  );
}

function Actions({ column }: { readonly column: Column }) {
  const { model, phase, answer, reasoning } = column;
  return (
    <>
      {phase === 'thinking' || phase === 'writing' ? (
        <Button icon="stop" variant="quiet" aria-label={texts.compare.stop(model.id)} onClick={() => stopOne(model.id)} small>
          {texts.common.stop}
        </Button>
      ) : null}
      {!isUnderWay(column) && (
        <>
          {answer !== '' && (
            <CopyButton label={texts.common.copy} variant="quiet" name={texts.compare.copyAnswer(model.id)} text={() => answer} />
          )}
          <Button
            aria-label={`${phase === 'failed' ? texts.actions.retry : texts.playground.askAgain}: ${model.id}`}
            icon="refresh"
            variant="quiet"
            onClick={() => askAgain(model)}
            small
          >
            {phase === 'failed' ? texts.actions.retry : texts.playground.askAgain}
          </Button>
          {phase === 'stopped' && <span>{answer + reasoning === '' ? texts.playground.cancelled : texts.playground.stopped}</span>}
        </>
      )}
    </>
  );
}
