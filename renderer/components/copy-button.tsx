/** Puts a text on the clipboard, and says so. */
import { Button } from './button.tsx';
import { say, sayError } from './toasts.tsx';

interface CopyButtonProps {
  readonly label: string;
  /** Made when it is asked for: it may be long. */
  readonly text: () => string;
}

export function CopyButton({ label, text }: CopyButtonProps) {
  const copy = (): void => {
    navigator.clipboard.writeText(text()).then(
      () => say('Copied'),
      (thrown: unknown) => sayError('Nothing was copied', thrown),
    );
  };
  return (
    <Button icon="copy" onClick={copy} small>
      {label}
    </Button>
  );
}
