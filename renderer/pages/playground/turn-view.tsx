/** One question and its answer: the text, progress, figures or error, and the actions for it. */

import { memo, useState } from 'react';
import { figuresOf } from '../../../shared/answer-figures.ts';
import { Markdown } from '../../components/markdown/markdown.tsx';
import * as texts from '../../texts.ts';
import { AreaField } from '../../ui/area-field.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { isUnderWay } from './answering.ts';
import styles from './chat.module.css';
import { type Asked, branch, goOn, sendAgain, stop, type Turn } from './conversation.ts';
import { FailureView } from './failure-view.tsx';
import { Images } from './images.tsx';
import { ThinkingView } from './thinking-view.tsx';
import { WaitingView } from './waiting-view.tsx';

interface TurnProps {
  readonly model: Asked;
  readonly turn: Turn;
  /** The last one can be asked again. */
  readonly isLast: boolean;
  /** An answer of this conversation is under way. */
  readonly isBusy: boolean;
}

export const TurnView = memo(function TurnView({ model, turn, isLast, isBusy }: TurnProps) {
  const { answer, reasoning, phase, why } = turn;
  const canRepeat = isLast && !isUnderWay(turn);
  return (
    <>
      <QuestionView canEdit={!isBusy} model={model} turn={turn} />
      <article aria-label={texts.chat.answers(model.id)} className={styles.answer}>
        {reasoning !== '' && <ThinkingView isGrowing={phase === 'thinking'} text={reasoning} />}
        {answer !== '' && <Markdown growing={phase === 'writing'} text={answer} />}
        {phase === 'waiting' && <WaitingView modelId={model.id} onCancel={() => stop(model.id)} why={why} />}
        {turn.failure !== null && <FailureView error={turn.failure} hasText={answer !== ''} />}
        {!isUnderWay(turn) && <AnswerFoot canRepeat={canRepeat} model={model} turn={turn} />}
      </article>
    </>
  );
});

function QuestionView({ model, turn, canEdit }: { readonly model: Asked; readonly turn: Turn; readonly canEdit: boolean }) {
  const [edited, setEdited] = useState<string | null>(null);
  if (edited !== null && canEdit) {
    const submit = (): void => {
      if (edited.trim() === '') return;
      setEdited(null);
      branch(model, turn.id, edited);
    };
    return (
      <form
        className={styles.editing}
        onKeyDown={(event) => {
          if (event.key === 'Escape') setEdited(null);
        }}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <AreaField autoFocus hideLabel label={texts.chat.yourQuestion} onChange={setEdited} value={edited} />
        <div className={styles.editingFoot}>
          <Button onClick={() => setEdited(null)} small>
            {texts.common.cancel}
          </Button>
          <Button disabled={edited.trim() === ''} variant="primary" small submit>
            {texts.chat.askThisInstead}
          </Button>
        </div>
      </form>
    );
  }
  return (
    <article aria-label={texts.chat.youAsked} className={styles.question}>
      {turn.images !== undefined && turn.images.length > 0 && <Images images={turn.images} />}
      {turn.lostImages !== undefined && turn.lostImages > 0 && <p className={styles.lost}>{texts.chat.lostImages(turn.lostImages)}</p>}
      <p className={styles.asked}>{turn.question}</p>
      {canEdit && (
        <Button variant="quiet" onClick={() => setEdited(turn.question)} small>
          {texts.chat.edit}
        </Button>
      )}
    </article>
  );
}

function AnswerFoot({ model, turn, canRepeat }: { readonly model: Asked; readonly turn: Turn; readonly canRepeat: boolean }) {
  return (
    <footer className={styles.foot}>
      {turn.answer !== '' && <CopyButton label={texts.common.copy} variant="quiet" name={texts.chat.copyAnswer} text={() => turn.answer} />}
      {canRepeat && (
        <Button icon="refresh" variant="quiet" onClick={() => sendAgain(model)} small>
          {turn.phase === 'failed' ? texts.actions.retry : texts.playground.askAgain}
        </Button>
      )}
      {canRepeat && turn.answer !== '' && (turn.phase === 'stopped' || turn.final?.finish_reason === 'length') && (
        <Button icon="play" variant="quiet" onClick={() => goOn(model)} small>
          {texts.chat.continue}
        </Button>
      )}
      {turn.phase === 'stopped' && (
        <span className={styles.figure}>{turn.answer + turn.reasoning === '' ? texts.playground.cancelled : texts.playground.stopped}</span>
      )}
      {turn.phase === 'complete' && turn.answer === '' && <span className={styles.figure}>{noAnswerInWords(turn)}</span>}
      {turn.final !== null && <span className={styles.figure}>{figuresOf(turn.final).join(' · ')}</span>}
    </footer>
  );
}

function noAnswerInWords({ reasoning, final }: Turn): string {
  if (reasoning === '') return texts.chat.emptyAnswer;
  return final?.finish_reason === 'length' ? texts.chat.stillThinking : texts.chat.onlyThoughts;
}
