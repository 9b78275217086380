/** Puts a text on the clipboard, and says so. */
import { Button, type Look } from './button.tsx';
import { say, sayError } from './toasts.tsx';

interface CopyButtonProps {
  readonly label: string;
  /** What is copied, where the label does not say it: `Copy the answer`. Begins with the label. */
  readonly name?: string;
  readonly look?: Look;
  /** Made when it is asked for: it may be long, or still be growing. */
  readonly text: () => string;
}

export function CopyButton({ label, name, look = 'plain', text }: CopyButtonProps) {
  const copy = (): void => {
    copied(text()).then(
      () => say('Copied'),
      (thrown: unknown) => sayError('Nothing was copied', thrown),
    );
  };
  return (
    <Button aria-label={name} icon="copy" look={look} onClick={copy} small>
      {label}
    </Button>
  );
}

/** Where the clipboard's own interface is closed to pages (our Electron shell permits none), the old command on a selection still works. */
async function copied(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch (thrown) {
    if (!copiedBySelection(text)) throw thrown;
  }
}

function copiedBySelection(text: string): boolean {
  const opener = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (opener instanceof HTMLElement) opener.focus();
  return done;
}
