/**
 * The chat with one model: the conversation, the composer, and announcements for screen readers
 * about the answer's progress.
 */
import { type KeyboardEvent, useMemo, useRef } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, Note } from '../../ui/panel.tsx';
import { isUnderWay } from './answering.ts';
import styles from './chat.module.css';
import { Composer } from './composer.tsx';
import { type Asked, send, stop, type Turn, useTurns } from './conversation.ts';
import { isServable, whyNoImages } from './request.ts';
import { Transcript } from './transcript.tsx';
import { TurnView } from './turn-view.tsx';

const EXAMPLES = { chat: texts.chat.examplesToAnswer, text: texts.chat.examplesToContinue } as const;

export function Chat({ model, requestKind }: { readonly model: ModelView; readonly requestKind: 'chat' | 'text' }) {
  const turns = useTurns(model.id);
  const last = turns.at(-1);
  const isGenerating = isUnderWay(last);
  // The same object from one drawing to the next, so that turns which did not change are not drawn
  // again.
  const { id } = model;
  const asked = useMemo<Asked>(() => ({ id, requestKind }), [id, requestKind]);
  const obstacle = isServable(model) ? null : texts.playground.cannotBeAsked(model.id, model.message);
  const box = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent): void => {
    // Popups of the page stand elsewhere in the document, and Escape closes them.
    const isHere = event.target instanceof Node && box.current?.contains(event.target) === true;
    if (event.key === 'Escape' && isGenerating && isHere) stop(model.id);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a shortcut for what the Stop button does.
    <div className={styles.chat} onKeyDown={onKeyDown} ref={box}>
      <Transcript asked={last?.id ?? 0} label={texts.chat.conversation}>
        {turns.length === 0 && <Beginning asked={asked} isServable={obstacle === null} />}
        {turns.map((turn) => (
          <TurnView isBusy={isGenerating} isLast={turn === last} key={turn.id} model={asked} turn={turn} />
        ))}
      </Transcript>
      <p className="visually-hidden" role="status">
        {statusOf(last)}
      </p>
      {obstacle !== null && (
        <Note tone="warn">
          {obstacle}
          {model.help === null ? '' : ` ${model.help}`}
        </Note>
      )}
      <Composer
        isGenerating={isGenerating}
        label={requestKind === 'chat' ? texts.chat.messageTo(model.id) : texts.chat.textFor(model.id)}
        obstacle={obstacle}
        noImages={requestKind === 'text' ? texts.chat.readsNoImages(model.id) : whyNoImages(model)}
        onSend={(question, images) => send(asked, question, images)}
        onStop={() => stop(model.id)}
      />
    </div>
  );
}

function Beginning({ asked, isServable: canAsk }: { readonly asked: Asked; readonly isServable: boolean }) {
  const isChat = asked.requestKind === 'chat';
  return (
    <Empty
      action={
        <div className={styles.examples}>
          {EXAMPLES[asked.requestKind].map((example) => (
            <Button disabled={!canAsk} key={example} onClick={() => send(asked, example)}>
              {example}
            </Button>
          ))}
        </div>
      }
      icon="playground"
      title={isChat ? texts.chat.nothingAsked : texts.chat.nothingWritten}
    >
      {isChat ? texts.chat.howToBegin : texts.chat.continuesText}
    </Empty>
  );
}

/**
 * Twice an answer: when it begins and when it ends. The words themselves are for reading, not for
 * being read out in pieces.
 */
function statusOf(turn: Turn | undefined): string {
  if (turn === undefined) return '';
  if (isUnderWay(turn)) return texts.playground.generating;
  if (turn.phase === 'failed') return texts.chat.failed(turn.failure?.message ?? '');
  return turn.phase === 'stopped' ? texts.playground.stopped : texts.playground.complete;
}
