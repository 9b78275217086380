/**
 * Shown instead of all pages while the engine does not know this window: explains the control
 * token, where it is, and has a field for it.
 */
import { useEffect, useState } from 'react';
import { reconnect } from './link.ts';
import { keepToken } from './session.ts';
import { useWindow } from './store.ts';
import * as texts from './texts.ts';
import styles from './token-page.module.css';
import { Button } from './ui/button.tsx';
import { TextField } from './ui/fields.tsx';
import { Panel } from './ui/panel.tsx';

export function TokenPage() {
  const link = useWindow((state) => state.link);
  const [token, setToken] = useState('');
  const isChecking = link.name === 'refused' && link.checking;
  useEffect(() => {
    document.title = texts.token.documentTitle;
  }, []);
  return (
    <main className={styles.page}>
      <Panel className={styles.panel}>
        <h1>{texts.token.title}</h1>
        <p role="alert">{link.name === 'refused' && !link.checking ? link.why : texts.token.asking}</p>
        <p>{texts.token.purpose}</p>
        <p>
          {texts.token.onTheMachineBeforeCommand} <code>modelium open</code> {texts.token.onTheMachineAfterCommand}
        </p>
        <form
          className={styles.form}
          onSubmit={(event) => {
            event.preventDefault();
            keepToken(token);
            reconnect();
          }}
        >
          <TextField label={texts.token.field} onChange={setToken} type="password" value={token} />
          <Button disabled={token.trim() === '' || isChecking} variant="primary" submit>
            {texts.token.openWindow}
          </Button>
        </form>
      </Panel>
    </main>
  );
}
