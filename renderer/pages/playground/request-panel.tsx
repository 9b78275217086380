/** The request as a command or a program, for whoever goes on from here with a script. */

import { predictPath } from '../../../shared/api-predict.ts';
import { useWindow } from '../../store.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Panel } from '../../ui/panel.tsx';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { useParameters, usePlayground, useTurns } from './conversation.ts';
import { useTyped } from './once.ts';
import styles from './playground.module.css';
import { textBody } from './request.ts';
import { LANGUAGES, type Shown, snippet } from './snippets.ts';

/** The one that the draft would be, or the last one when nothing is drafted. */
export function ChatRequestPanel({ modelId, way }: { readonly modelId: string; readonly way: 'chat' | 'text' }) {
  const { draft, requests, attached } = usePlayground();
  const parameters = useParameters(modelId);
  const turns = useTurns(modelId);
  const last = draft.trim() === '' ? requests[modelId] : undefined;
  const body = last ?? textBody(way, turns, draft, parameters, '', way === 'chat' ? attached : []);
  return <RequestPanel isLast={last !== undefined} shown={{ kind: 'words', modelId, path: predictPath(modelId), body }} />;
}

/** An image is copied whole, and shown by its first letters. */
const IMAGE = /(data:image\/[a-z+]+;base64,[\w+/]{8})[\w+/=]+/g;
const CHOICES = LANGUAGES.map((language) => ({ value: language, label: language }));

interface RequestPanelProps {
  readonly shown: Shown;
  readonly isLast?: boolean;
  /** What a person has to put into it before it runs. */
  readonly gap?: string | undefined;
}

export function RequestPanel({ shown, isLast = false, gap }: RequestPanelProps) {
  const address = useWindow((state) => state.snapshot?.address ?? location.origin);
  const [chosen, choose] = useTyped('language of requests');
  const language = LANGUAGES.find((each) => each === chosen) ?? 'curl';
  const text = snippet(language, address, shown);
  return (
    <Panel aside={<CopyButton label="Copy" look="quiet" name="Copy the request" text={() => text} />} title="As a request">
      <Segmented choices={CHOICES} label="Language" onChange={choose} value={language} />
      <ScrollBox
        as="pre"
        className={styles.command}
        label={language === 'curl' ? 'The request as a curl command' : `The request in ${language}`}
      >
        {text.replaceAll(IMAGE, '$1...')}
      </ScrollBox>
      {gap !== undefined && <p className={styles.hint}>{gap}</p>}
      <p className={styles.hint}>{isLast ? 'The last request.' : 'The next request.'} A model that is not loaded is loaded by it.</p>
    </Panel>
  );
}
