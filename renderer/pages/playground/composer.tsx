/**
 * The field for the next question. Enter sends it, Shift+Enter begins a new line; while an answer
 * arrives, Escape and the button stop it.
 */
import { type KeyboardEvent, useRef } from 'react';
import * as texts from '../../texts.ts';
import { AreaField } from '../../ui/area-field.tsx';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { Note } from '../../ui/panel.tsx';
import { detach, refuse, takeAttached } from './attached.ts';
import styles from './chat.module.css';
import { setDraft, usePlayground } from './conversation.ts';
import { ImagePicker, Images } from './images.tsx';
import { useAttaching } from './use-attaching.ts';

interface ComposerProps {
  readonly label: string;
  readonly isGenerating: boolean;
  /** Why nothing can be sent at all; null: it can. */
  readonly obstacle: string | null;
  readonly onSend: (question: string, images: readonly string[]) => void;
  readonly onStop: () => void;
  /** Why no image can go with the question; null: it can. */
  readonly noImages: string | null;
}

export function Composer({ label, isGenerating, obstacle, onSend, onStop, noImages }: ComposerProps) {
  const draft = usePlayground((state) => state.draft);
  const { images, isReading, trouble, isOver, take, listeners } = useAttaching(noImages);
  const form = useRef<HTMLFormElement>(null);
  const canSend = draft.trim() !== '' && obstacle === null && !isGenerating && !isReading;
  const submit = (): void => {
    if (!canSend) return;
    setDraft('');
    refuse(null);
    // Where no image can go, those of the draft wait for a model that sees.
    onSend(draft, noImages === null ? takeAttached() : []);
  };
  const stop = (): void => {
    onStop();
    // The button goes with the answer; the keyboard must not be left nowhere.
    form.current?.querySelector('textarea')?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // Enter also ends the composing of a Chinese or Japanese word.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  };
  return (
    <>
      {(images.length > 0 || isReading || trouble !== null) && (
        <div className={styles.attached}>
          {images.length > 0 && <Images images={images} onRemove={detach} />}
          {isReading && <p>{texts.images.reading}</p>}
          {trouble !== null && <Note tone="warn">{trouble}</Note>}
        </div>
      )}
      <form
        className={classes(styles.composer, isOver && styles.over)}
        {...listeners}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
        ref={form}
      >
        <AreaField
          bare
          className={styles.draft}
          hideLabel
          label={label}
          onChange={setDraft}
          onKeyDown={onKeyDown}
          placeholder={texts.chat.placeholder(label)}
          value={draft}
        />
        {noImages === null && <ImagePicker onPick={take} />}
        {/* Two elements, not one that changes: the click that stops would go on as the one that sends. */}
        {isGenerating ? (
          <Button icon="stop" key="stop" onClick={stop}>
            {texts.common.stop}
          </Button>
        ) : (
          <Button disabled={!canSend} icon="send" key="send" variant="primary" submit title={obstacle ?? undefined}>
            {texts.chat.send}
          </Button>
        )}
      </form>
    </>
  );
}
