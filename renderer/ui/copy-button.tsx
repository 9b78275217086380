/** Copies a text to the clipboard, and says so. */
import * as texts from '../texts.ts';
import { Button, type Variant } from './button.tsx';
import { say, sayError } from './toasts.tsx';

interface CopyButtonProps {
  readonly label: string;
  /** What is copied, where the label does not say it: `Copy the answer`. Begins with the label. */
  readonly name?: string;
  readonly variant?: Variant;
  /** Made when it is asked for: it may be long, or still be growing. */
  readonly text: () => string;
}

export function CopyButton({ label, name, variant = 'plain', text }: CopyButtonProps) {
  const copy = (): void => {
    navigator.clipboard.writeText(text()).then(
      () => say(texts.toasts.copied),
      (thrown: unknown) => sayError(texts.toasts.notCopied, thrown),
    );
  };
  return (
    <Button aria-label={name} icon="copy" variant={variant} onClick={copy} small>
      {label}
    </Button>
  );
}
