/**
 * What opens over the page: dialogs, the drawer at the right edge, the question before an action
 * that cannot be undone. Moves the focus in and back.
 */
import { AlertDialog } from '@base-ui/react/alert-dialog';
import { Dialog } from '@base-ui/react/dialog';
import { type ReactNode, type RefObject, useRef } from 'react';
import * as texts from '../texts.ts';
import { Button, IconButton } from './button.tsx';
import { classes } from './classes.ts';
import styles from './overlays.module.css';

interface OverlayProps {
  readonly open: boolean;
  readonly title: string;
  /** Beside the title: a chip, a switch. */
  readonly aside?: ReactNode;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly place?: 'middle' | 'right';
  /** Gets the focus in the end. Absent: what had it before, which may be gone by then. */
  readonly opener?: RefObject<HTMLElement | null> | undefined;
}

/** A dialog in the middle, or a drawer at the right. Escape and a click beside it close it. */
export function Overlay({ open, title, aside, onClose, children, place = 'middle', opener }: OverlayProps) {
  // Not the first button: its tooltip would open with the dialog.
  const heading = useRef<HTMLHeadingElement>(null);
  return (
    <Dialog.Root onOpenChange={(isOpen) => !isOpen && onClose()} open={open}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={classes(styles.popup, styles[place])} finalFocus={opener} initialFocus={heading}>
          <header className={styles.head}>
            <Dialog.Title className={styles.title} ref={heading} tabIndex={-1}>
              {title}
            </Dialog.Title>
            {aside}
            <Dialog.Close render={<IconButton icon="close" label={texts.common.close} />} />
          </header>
          <div className={styles.body}>{children}</div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

interface QuestionProps {
  readonly open: boolean;
  readonly title: string;
  readonly children: ReactNode;
  readonly yes: string;
  readonly onYes: () => void;
  readonly onClose: () => void;
}

export function Question({ open, title, children, yes, onYes, onClose }: QuestionProps) {
  return (
    <AlertDialog.Root onOpenChange={(isOpen) => !isOpen && onClose()} open={open}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={styles.backdrop} />
        <AlertDialog.Popup className={classes(styles.popup, styles.middle)}>
          <AlertDialog.Title className={styles.question}>{title}</AlertDialog.Title>
          <AlertDialog.Description className={styles.description}>{children}</AlertDialog.Description>
          <div className={styles.foot}>
            <AlertDialog.Close render={<Button>{texts.common.cancel}</Button>} />
            <Button
              variant="danger"
              onClick={() => {
                onYes();
                onClose();
              }}
            >
              {yes}
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
