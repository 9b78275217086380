/**
 * Shown instead of all pages while the engine does not know this window: explains the control
 * token, where it is, and has a field for it.
 */
import { useEffect, useState } from 'react';
import { reconnect } from './link.ts';
import { keepToken } from './session.ts';
import { useWindow } from './store.ts';
import styles from './token-page.module.css';
import { Button } from './ui/button.tsx';
import { TextField } from './ui/fields.tsx';
import { Panel } from './ui/panel.tsx';

export function TokenPage() {
  const link = useWindow((state) => state.link);
  const [token, setToken] = useState('');
  const isChecking = link.name === 'refused' && link.checking;
  useEffect(() => {
    document.title = 'Modelium: control token';
  }, []);
  return (
    <main className={styles.page}>
      <Panel className={styles.panel}>
        <h1>This window needs the control token</h1>
        <p role="alert">{link.name === 'refused' && !link.checking ? link.why : 'Asking the engine ...'}</p>
        <p>It keeps other pages and users of this machine from changing your models.</p>
        <p>
          On the engine's machine, <code>modelium open</code> prints the address of this window with the token. Open that address, or paste
          it here: the field takes the address and the token alone.
        </p>
        <form
          className={styles.form}
          onSubmit={(event) => {
            event.preventDefault();
            keepToken(token);
            reconnect();
          }}
        >
          <TextField label="Control token" onChange={setToken} type="password" value={token} />
          <Button disabled={token.trim() === '' || isChecking} variant="primary" submit>
            Open the window
          </Button>
        </form>
      </Panel>
    </main>
  );
}
