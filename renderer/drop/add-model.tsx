/**
 * Adding a model by its path: for browsers, which tell no path of what is dropped, and for who
 * likes to type. With native dialogs in the app.
 */
import { useState } from 'react';
import { bridge } from '../bridge.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/fields.tsx';
import { Overlay } from '../ui/overlays.tsx';
import styles from './add-model.module.css';
import { addPaths } from './drops.ts';

interface AddModelProps {
  readonly open: boolean;
  readonly onClose: () => void;
  /** Why a path is asked for, when something was dropped that brought none. */
  readonly reason?: string | undefined;
}

export function AddModel({ open, onClose, reason }: AddModelProps) {
  const [path, setPath] = useState('');
  const add = (paths: readonly string[]): void => {
    if (paths.length === 0) return;
    addPaths(paths);
    setPath('');
    onClose();
  };
  return (
    <Overlay onClose={onClose} open={open} title="Add a model">
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          add(path.trim() === '' ? [] : [path.trim()]);
        }}
      >
        {reason !== undefined && <p>{reason}</p>}
        <TextField
          help="The absolute path of a GGUF file or of a model's folder on the machine that the engine runs on. It is served from there."
          label="Path"
          mono
          onChange={setPath}
          placeholder="/data/models/llama-3.2-3b.gguf"
          value={path}
        />
        <div className={styles.foot}>
          {bridge !== null && (
            <>
              <Button icon="file" onClick={() => void bridge?.choose('files').then(add)}>
                Choose files
              </Button>
              <Button icon="folder" onClick={() => void bridge?.choose('folder').then(add)}>
                Choose a folder
              </Button>
            </>
          )}
          <Button disabled={path.trim() === ''} look="primary" submit>
            Add
          </Button>
        </div>
      </form>
    </Overlay>
  );
}
