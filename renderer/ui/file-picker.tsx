/** Lets a user choose files with a button that the caller draws. */
import { type ReactNode, useRef } from 'react';

interface FilePickerProps {
  /** As an input's `accept`. */
  readonly accept: string;
  readonly label: string;
  readonly onPick: (files: readonly File[]) => void;
  /** The button. @param open shows the browser's dialog. */
  readonly children: (open: () => void) => ReactNode;
}

export function FilePicker({ accept, label, onPick, children }: FilePickerProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        accept={accept}
        aria-label={label}
        className="visually-hidden"
        multiple
        onChange={(event) => {
          onPick([...(event.target.files ?? [])]);
          // So that the same file can be chosen again.
          event.target.value = '';
        }}
        ref={input}
        tabIndex={-1}
        type="file"
      />
      {children(() => input.current?.click())}
    </>
  );
}
