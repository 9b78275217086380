/** Shortens a sentence that may fill a page: shows its beginning, and all of it on request. */
import { useState } from 'react';
import * as texts from '../texts.ts';
import { Button } from './button.tsx';

interface LongTextProps {
  readonly text: string;
  readonly className?: string | undefined;
}

/** As much as three lines of a card take. */
const SHOWN = 180;

export function LongText({ text, className }: LongTextProps) {
  const [isWhole, setWhole] = useState(false);
  if (text.length <= SHOWN * 1.2) return <p className={className}>{text}</p>;
  return (
    <>
      <p className={className}>{isWhole ? text : `${text.slice(0, text.lastIndexOf(' ', SHOWN))} ...`}</p>
      <div>
        <Button aria-expanded={isWhole} variant="quiet" onClick={() => setWhole(!isWhole)} small>
          {isWhole ? texts.common.less : texts.common.allOfIt}
        </Button>
      </div>
    </>
  );
}
