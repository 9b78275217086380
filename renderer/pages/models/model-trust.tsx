/**
 * The code in a model: which files, why each counts as code, their text, and the button with which
 * a user trusts exactly this content. Fetched on request; the trust is for the hash that was shown,
 * so files that changed meanwhile are not trusted unseen.
 */
import { useCallback, useState } from 'react';
import { toModeliumError } from '../../../shared/errors.ts';
import type { ModelView, TrustFormView, TrustView } from '../../../shared/snapshot.ts';
import { bytesInWords } from '../../../shared/units.ts';
import { visible, visibleName } from '../../../shared/visible.ts';
import { ask } from '../../api.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { Question } from '../../ui/overlays.tsx';
import { Note } from '../../ui/panel.tsx';
import { attempt } from '../../ui/toasts.tsx';
import styles from './model-trust.module.css';

/**
 * What was shown of another model, or before the files changed, is not what would be trusted: its
 * `key` is the model and its state.
 */
export function ModelTrust({ model }: { readonly model: ModelView }) {
  const { id, profile } = model;
  const [seen, setSeen] = useState<TrustView | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const path = `/control/models/${encodeURIComponent(id)}/trust`;
  const readForms = useCallback(() => {
    ask<'showTrust'>('GET', path)
      .then(setSeen)
      .catch((thrown: unknown) => setTrouble(toModeliumError(thrown).message));
  }, [path]);
  const files = profile?.forms.flatMap(({ codeFiles }) => codeFiles) ?? [];
  if (files.length === 0) return null;
  return (
    <section className={styles.section}>
      <h3>{texts.trust.title}</h3>
      {trouble !== null && <Note tone="bad">{trouble}</Note>}
      {seen === null ? (
        <div>
          <p>{texts.trust.wouldRun(files.length)}</p>
          <Button icon="search" onClick={readForms} small>
            {texts.trust.look}
          </Button>
        </div>
      ) : (
        seen.forms.map((form) => <Form form={form} key={form.form} onDone={readForms} path={path} />)
      )}
    </section>
  );
}

interface FormProps {
  readonly form: TrustFormView;
  readonly path: string;
  readonly onDone: () => void;
}

function Form({ form: { form, hash, trusted, files }, path, onDone }: FormProps) {
  const [asks, setAsks] = useState(false);
  const set = (trust: boolean): void =>
    void attempt(trust ? texts.trust.notTrusted : texts.trust.notRemoved, async () => {
      await ask<'trust'>('POST', path, { body: { form, hash, trusted: trust } });
      onDone();
    });
  return (
    <div className={styles.form}>
      <ul className={styles.files}>
        {files.map((file) => (
          <li key={file.path}>
            <details>
              <summary>
                <code>{visibleName(file.path)}</code>{' '}
                <span className={styles.quiet}>
                  {bytesInWords(file.bytes)}: {file.why}
                </span>
              </summary>
              {file.preview === null ? (
                <p className={styles.quiet}>{file.isCut ? texts.trust.tooLong : texts.trust.noText}</p>
              ) : (
                <pre className={styles.text}>
                  {visible(file.preview)}
                  {file.isCut ? texts.trust.cut : ''}
                </pre>
              )}
            </details>
          </li>
        ))}
      </ul>
      <p className={styles.hash}>{texts.trust.hash(hash)}</p>
      {trusted ? (
        <Button icon="close" onClick={() => set(false)} small>
          {texts.trust.remove}
        </Button>
      ) : (
        <Button icon="check" onClick={() => setAsks(true)} small>
          {texts.trust.trust}
        </Button>
      )}
      <Question onClose={() => setAsks(false)} onYes={() => set(true)} open={asks} title={texts.trust.question(form)} yes={texts.trust.yes}>
        {texts.trust.means(files.length)}
      </Question>
    </div>
  );
}
