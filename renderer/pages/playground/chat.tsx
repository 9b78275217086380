/**
 * The chat with one model: the conversation, the composer, and announcements for screen readers
 * about the answer's progress.
 */
import { type KeyboardEvent, useMemo, useRef } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, Note } from '../../ui/panel.tsx';
import { isUnderWay } from './answering.ts';
import styles from './chat.module.css';
import { Composer } from './composer.tsx';
import { type Asked, send, stop, type Turn, useTurns } from './conversation.ts';
import { isServable, whyNoImages } from './request.ts';
import { Transcript } from './transcript.tsx';
import { TurnView } from './turn-view.tsx';

const EXAMPLES = {
  chat: [
    'Explain in three sentences what a GPU does when a language model answers.',
    'Write a Python function that counts the words of a text, with a test.',
    'Compare tea and coffee in a small table.',
  ],
  text: ['The most surprising thing about the deep sea is', 'def fibonacci(n):', 'Once upon a time, in a house by the river,'],
} as const;

export function Chat({ model, requestKind }: { readonly model: ModelView; readonly requestKind: 'chat' | 'text' }) {
  const turns = useTurns(model.id);
  const last = turns.at(-1);
  const isGenerating = isUnderWay(last);
  // The same object from one drawing to the next, so that turns which did not change are not drawn
  // again.
  const { id } = model;
  const asked = useMemo<Asked>(() => ({ id, requestKind }), [id, requestKind]);
  const obstacle = isServable(model) ? null : `${model.id} cannot be asked now: ${model.message}`;
  const box = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent): void => {
    // Popups of the page stand elsewhere in the document, and Escape closes them.
    const isHere = event.target instanceof Node && box.current?.contains(event.target) === true;
    if (event.key === 'Escape' && isGenerating && isHere) stop(model.id);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a shortcut for what the Stop button does.
    <div className={styles.chat} onKeyDown={onKeyDown} ref={box}>
      <Transcript asked={last?.id ?? 0} label="Conversation">
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
        label={requestKind === 'chat' ? `Message to ${model.id}` : `Text for ${model.id} to continue`}
        obstacle={obstacle}
        noImages={requestKind === 'text' ? `${model.id} continues a text and reads no images.` : whyNoImages(model)}
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
      title={isChat ? 'Nothing was asked yet' : 'Nothing was written yet'}
    >
      {isChat
        ? 'Write a message below, or begin with one of these.'
        : 'This model has no chat template: it continues the given text, and remembers nothing between requests.'}
    </Empty>
  );
}

/**
 * Twice an answer: when it begins and when it ends. The words themselves are for reading, not for
 * being read out in pieces.
 */
function statusOf(turn: Turn | undefined): string {
  if (turn === undefined) return '';
  if (isUnderWay(turn)) return 'Generating';
  if (turn.phase === 'failed') return `The answer failed: ${turn.failure?.message ?? ''}`;
  return turn.phase === 'stopped' ? 'Stopped' : 'Complete';
}
