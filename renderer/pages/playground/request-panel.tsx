/** The request as a command or a program, to copy into a script. */
import { useMemo } from 'react';
import { predictPath } from '../../../shared/api-predict.ts';
import { useWindow } from '../../store.ts';
import * as texts from '../../texts.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Panel } from '../../ui/panel.tsx';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { useAttached } from './attached.ts';
import { useParameters, usePlayground, useSettledTurns } from './conversation.ts';
import { useTyped } from './once.ts';
import styles from './playground.module.css';
import { textBody } from './request.ts';
import { LANGUAGES, type Shown, snippet } from './snippets.ts';

/** The one that the draft would be, or the last one when nothing is drafted. */
export function ChatRequestPanel({ modelId, requestKind }: { readonly modelId: string; readonly requestKind: 'chat' | 'text' }) {
  const draft = usePlayground((state) => state.draft);
  const lastBody = usePlayground((state) => state.requests[modelId]);
  const images = useAttached((state) => state.images);
  const parameters = useParameters(modelId);
  const turns = useSettledTurns(modelId);
  const isLast = draft.trim() === '' && lastBody !== undefined;
  const shown = useMemo<Shown>(() => {
    const body = isLast ? lastBody : textBody(requestKind, turns, draft, parameters, '', requestKind === 'chat' ? images : []);
    return { kind: 'words', modelId, path: predictPath(modelId), body };
  }, [isLast, lastBody, requestKind, turns, draft, parameters, images, modelId]);
  return <RequestPanel isLast={isLast} shown={shown} />;
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
  const [chosen, choose] = useTyped('language-of-requests');
  const language = LANGUAGES.find((each) => each === chosen) ?? 'curl';
  const text = useMemo(() => snippet(language, address, shown), [language, address, shown]);
  return (
    <Panel
      aside={<CopyButton label={texts.common.copy} variant="quiet" name={texts.request.copy} text={() => text} />}
      title={texts.request.title}
    >
      <Segmented choices={CHOICES} label={texts.common.language} onChange={choose} value={language} />
      <ScrollBox as="pre" className={styles.command} label={language === 'curl' ? texts.request.asCurl : texts.request.in(language)}>
        {text.replaceAll(IMAGE, '$1...')}
      </ScrollBox>
      {gap !== undefined && <p className={styles.hint}>{gap}</p>}
      <p className={styles.hint}>{texts.request.isLoadedByIt(isLast)}</p>
    </Panel>
  );
}
