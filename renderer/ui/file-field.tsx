/** One file that a person chooses, or drops on the field. It is read by the page alone, not added as a model. */
import { type DragEvent, useId, useState } from 'react';
import { Button, IconButton } from './button.tsx';
import { classes } from './classes.ts';
import fields from './fields.module.css';
import styles from './file-field.module.css';

interface FileFieldProps {
  readonly label: string;
  /** As an input of HTML takes it: `image/*`. */
  readonly accept: string;
  readonly file: File | null;
  readonly onChange: (file: File | null) => void;
}

export function FileField({ label, accept, file, onChange }: FileFieldProps) {
  const id = useId();
  const [isOver, setIsOver] = useState(false);
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
        onChange(event.dataTransfer.files[0] ?? file);
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
          key={file?.name ?? ''}
          onChange={(event) => onChange(event.target.files?.[0] ?? null)}
          tabIndex={-1}
          type="file"
        />
        <Button aria-label={`Choose a file: ${label}`} icon="file" onClick={() => document.getElementById(id)?.click()} small>
          Choose a file
        </Button>
        <span className={styles.name}>{file === null ? 'or drop it here' : `${file.name}`}</span>
        {file !== null && <IconButton icon="close" label={`Take ${file.name} away`} onClick={() => onChange(null)} small />}
      </div>
    </div>
  );
}
