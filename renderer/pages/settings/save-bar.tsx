/**
 * The bar for unsaved changes: their number, the result of saving, and the two buttons. Stays
 * visible at the end of the page.
 */
import { useEffect } from 'react';
import * as texts from '../../texts.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Icon } from '../../ui/icon.tsx';
import { changeInWords, keyOf, type Path } from './draft.ts';
import { discard, dismissSaved, save, useSettings } from './edits.ts';
import styles from './save-bar.module.css';

interface SaveBarProps {
  /** Null: it can be saved. */
  readonly whyReadOnly: string | null;
  readonly fallbackOf: (path: Path) => unknown;
}

export function SaveBar({ whyReadOnly, fallbackOf }: SaveBarProps) {
  const { view, edits, isSaving, refusal, isChanged, refused, saved } = useSettings();
  const given = view?.given ?? {};
  const broken = [...edits.values()].filter(({ problem }) => problem !== null).length;
  return (
    <div className={styles.place}>
      <div aria-live="polite" role="status">
        {saved !== null && edits.size === 0 && <Saved notes={saved} />}
      </div>
      {edits.size > 0 && (
        <section aria-label={texts.settings.changes} className={styles.bar}>
          <div className={styles.words}>
            <h2>{texts.settings.changeCount(edits.size)}</h2>
            <ul className={styles.list}>
              {[...edits.values()].map((each) => (
                <li key={keyOf(each.path)}>
                  <code>{changeInWords(each, given, fallbackOf)}</code>
                  {(each.problem ?? refused.get(keyOf(each.path))) !== undefined && (
                    <span className={styles.wrong}> {each.problem ?? refused.get(keyOf(each.path))}</span>
                  )}
                </li>
              ))}
            </ul>
            {whyReadOnly !== null && <p className={styles.wrong}>{whyReadOnly}</p>}
            {isChanged && <p className={styles.wrong}>{texts.settings.changedMeanwhile}</p>}
            {refusal.map((sentence) => (
              <p className={styles.wrong} key={sentence} role="alert">
                {sentence}
              </p>
            ))}
          </div>
          <div className={styles.buttons}>
            <Button disabled={isSaving} onClick={discard}>
              {texts.settings.discard}
            </Button>
            <Button disabled={whyReadOnly !== null || isSaving || broken > 0} variant="primary" onClick={() => void save()}>
              {isSaving ? texts.settings.saving : texts.settings.save}
            </Button>
          </div>
        </section>
      )}
    </div>
  );
}

function Saved({ notes }: { readonly notes: readonly string[] }) {
  useEffect(() => dismissSaved, []);
  return (
    <div className={styles.bar}>
      <span className={styles.good}>
        <Icon name="check" />
      </span>
      <div className={styles.words}>
        <p>{notes.length === 0 ? texts.settings.savedAndInForce : texts.settings.saved}</p>
        {notes.map((note) => (
          <p key={note}>{note}</p>
        ))}
      </div>
      <IconButton icon="close" label={texts.common.dismiss} onClick={dismissSaved} small />
    </div>
  );
}
