/**
 * A field for one file, chosen or dropped. Only the page reads the file; it is not added as a
 * model.
 */
import { type DragEvent, useId, useState } from 'react';
import * as texts from '../texts.ts';
import { isAccepted } from './accepted.ts';
import { Button, IconButton } from './button.tsx';
import { classes } from './classes.ts';
import fields from './fields.module.css';
import styles from './file-field.module.css';

/** What a file may be, for the browser and for people. */
const KINDS = {
  image: { accept: 'image/*', words: texts.files.image },
  // What sound comes in, films included; of some of them browsers know no type.
  sound: { accept: 'audio/*,video/mp4,video/webm,.wav,.mp3,.mpga,.flac,.ogg,.oga,.opus,.m4a,.aac,.webm,.mp4', words: texts.files.sound },
} as const;

interface FileFieldProps {
  readonly label: string;
  readonly kind: keyof typeof KINDS;
  readonly file: File | null;
  readonly onChange: (file: File | null) => void;
}

export function FileField({ label, kind, file, onChange }: FileFieldProps) {
  const id = useId();
  const [isOver, setIsOver] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const { accept, words } = KINDS[kind];
  const take = (given: FileList | null): void => {
    const files = [...(given ?? [])];
    const taken = files.find((each) => isAccepted(each, accept));
    const [refused] = files;
    if (taken === undefined) setProblem(refused === undefined ? null : texts.files.isNot(refused.name, words));
    else setProblem(files.length === 1 ? null : texts.files.onlyOne(taken.name));
    if (taken !== undefined) onChange(taken);
  };
  // What is dropped here is no model: the window as a whole does not get to see it.
  const mine = (event: DragEvent, over: boolean): void => {
    if (!event.dataTransfer.types.includes('Files')) return;
    event.preventDefault();
    event.stopPropagation();
    setIsOver(over);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the same is done by keyboard with the button.
    <div
      className={fields.field}
      onDragEnter={(event) => mine(event, true)}
      onDragLeave={(event) => mine(event, false)}
      onDragOver={(event) => mine(event, true)}
      onDrop={(event) => {
        mine(event, false);
        take(event.dataTransfer.files);
      }}
    >
      <label className={fields.label} htmlFor={id}>
        {label}
      </label>
      <div className={classes(styles.place, isOver && styles.over)}>
        <input
          accept={accept}
          className="visually-hidden"
          id={id}
          onChange={(event) => {
            take(event.target.files);
            // So that the same file can be chosen again.
            event.target.value = '';
          }}
          tabIndex={-1}
          type="file"
        />
        <Button aria-label={texts.files.chooseFor(label)} icon="file" onClick={() => document.getElementById(id)?.click()} small>
          {texts.files.choose}
        </Button>
        <span className={styles.name}>{file === null ? texts.files.orDrop : file.name}</span>
        {file !== null && <IconButton icon="close" label={texts.files.takeAway(file.name)} onClick={() => onChange(null)} small />}
      </div>
      {problem !== null && (
        <p className={classes(fields.help, fields.wrong)} role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
