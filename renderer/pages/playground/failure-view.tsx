/**
 * Shows why a request failed: the engine's message, its hint, and the last output of the runtime.
 */
import type { ModeliumError } from '../../../shared/errors.ts';
import { redacted } from '../../../shared/redact.ts';
import { plain } from '../../components/ansi.ts';
import { controlToken } from '../../session.ts';
import * as texts from '../../texts.ts';
import { Note } from '../../ui/panel.tsx';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import { WithCode } from '../../ui/with-code.ts';
import styles from './chat.module.css';

/** @param hasText what came before it broke off is still shown. */
export function FailureView({ error, hasText = false }: { readonly error: ModeliumError; readonly hasText?: boolean }) {
  const { lastOutput = [], retryAfterSeconds } = error.details;
  const hint = hintOf(error);
  return (
    <Note tone="bad">
      <div className={styles.failure}>
        <p>
          {hasText && `${texts.failure.brokenOff} `}
          <WithCode>{error.message}</WithCode>
        </p>
        {hint !== null && (
          <p className={styles.hint}>
            <WithCode>{hint}</WithCode>
          </p>
        )}
        {retryAfterSeconds !== undefined && <p className={styles.hint}>{texts.failure.tryAgainIn(retryAfterSeconds)}</p>}
        {lastOutput.length > 0 && (
          <details className={styles.lastOutput}>
            <summary>{texts.failure.lastOutput}</summary>
            <ScrollBox as="pre" label={texts.failure.lastOutput}>
              {lastOutput.map((line) => redacted(plain(line), controlToken())).join('\n')}
            </ScrollBox>
          </details>
        )}
      </div>
    </Note>
  );
}

/**
 * A runtime's own refusal has a code that our table does not know: it is no bug of ours, and its
 * own sentence says all.
 */
function hintOf({ code, details, hint }: ModeliumError): string | null {
  const isForeign = details.origin !== undefined && details.origin !== 'modelium';
  return isForeign && (code === 'internal' || code === 'upstream-failed') ? null : hint;
}
