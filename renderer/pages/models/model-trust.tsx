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
      <h3>Code in this model</h3>
      {trouble !== null && <Note tone="bad">{trouble}</Note>}
      {seen === null ? (
        <div>
          <p>
            {files.length === 1 ? 'One file of it' : `${files.length} files of it`} would be executed. Nothing runs before you trust it.
          </p>
          <Button icon="search" onClick={readForms} small>
            Look at the code
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
    void attempt(trust ? 'It is not trusted' : 'Its trust could not be removed', async () => {
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
                <p className={styles.quiet}>
                  {file.isCut
                    ? 'The text is too long to be shown here: open the file itself.'
                    : 'It is not a text file, so it cannot be shown.'}
                </p>
              ) : (
                <pre className={styles.text}>
                  {visible(file.preview)}
                  {file.isCut ? '\n... (the rest is not shown)' : ''}
                </pre>
              )}
            </details>
          </li>
        ))}
      </ul>
      <p className={styles.hash}>SHA-256 {hash}</p>
      {trusted ? (
        <Button icon="close" onClick={() => set(false)} small>
          Remove the trust
        </Button>
      ) : (
        <Button icon="check" onClick={() => setAsks(true)} small>
          Trust this content
        </Button>
      )}
      <Question
        onClose={() => setAsks(false)}
        onYes={() => set(true)}
        open={asks}
        title={`Trust the code of the form ${form}?`}
        yes="Trust it"
      >
        {files.length === 1 ? 'This file' : `These ${files.length} files`} would then run on this machine with your rights. The trust is for
        exactly this content: it ends as soon as a file changes.
      </Question>
    </div>
  );
}
