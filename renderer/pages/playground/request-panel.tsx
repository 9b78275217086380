/** The request as a command, for whoever goes on from here with a script. */

import { predictPath } from '../../../shared/api-predict.ts';
import { useWindow } from '../../store.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Panel } from '../../ui/panel.tsx';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import { useParameters, usePlayground, useTurns } from './conversation.ts';
import { curlCommand } from './curl.ts';
import styles from './playground.module.css';
import { type Body, textBody } from './request.ts';

/** The one that the draft would be, or the last one when nothing is drafted. */
export function ChatRequestPanel({ modelId, way }: { readonly modelId: string; readonly way: 'chat' | 'text' }) {
  const { draft, requests } = usePlayground();
  const parameters = useParameters(modelId);
  const turns = useTurns(modelId);
  const last = draft.trim() === '' ? requests[modelId] : undefined;
  return <RequestPanel body={last ?? textBody(way, turns, draft, parameters)} isLast={last !== undefined} path={predictPath(modelId)} />;
}

interface RequestProps {
  readonly path: string;
  readonly body: Body;
  readonly isLast: boolean;
}

export function RequestPanel({ path, body, isLast }: RequestProps) {
  const address = useWindow((state) => state.snapshot?.address ?? location.origin);
  const command = curlCommand(address, path, body);
  return (
    <Panel aside={<CopyButton label="Copy" look="quiet" name="Copy the request" text={() => command} />} title="As a request">
      <p className={styles.hint}>{isLast ? 'The last one, for a shell.' : 'The next one, for a shell.'}</p>
      <ScrollBox as="pre" className={styles.command} label="The request as a curl command">
        {command}
      </ScrollBox>
    </Panel>
  );
}
