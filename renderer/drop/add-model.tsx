/**
 * The dialog that adds a model by its path: for browsers, which hide the path of a dropped file,
 * and for users who prefer to type. Uses native dialogs in the app.
 */
import { useState } from 'react';
import { MODEL_ENDINGS } from '../../shared/model-files.ts';
import { bridge } from '../bridge.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/fields.tsx';
import { FilePicker } from '../ui/file-picker.tsx';
import { Overlay } from '../ui/overlays.tsx';
import styles from './add-model.module.css';
import { addPaths, uploadFiles } from './drops.ts';

/** What the file dialog offers; the engine has the last word. */
const MODEL_FILES = MODEL_ENDINGS.map((ending) => `.${ending}`).join(',');

interface AddModelProps {
  readonly open: boolean;
  readonly onClose: () => void;
  /** What was dropped without a path, and may be uploaded. */
  readonly dropped?: readonly File[];
  /** Why a path is asked for, when something was dropped that brought none. */
  readonly reason?: string | undefined;
}

export function AddModel({ open, onClose, reason, dropped = [] }: AddModelProps) {
  const [path, setPath] = useState('');
  const add = (paths: readonly string[]): void => {
    if (paths.length === 0) return;
    addPaths(paths);
    setPath('');
    onClose();
  };
  const upload = (files: readonly File[]): void => {
    if (files.length === 0) return;
    uploadFiles(files);
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
          help="The absolute path of a GGUF file or of a model's folder on the engine's machine. Modelium serves the file or folder without moving it."
          label="Path"
          mono
          onChange={setPath}
          placeholder="/data/models/llama-3.2-3b.gguf"
          value={path}
        />
        {bridge === null && (
          <div className={styles.upload}>
            <p>
              {dropped.length === 0 ? 'A small model file' : dropped.map(({ name }) => name).join(', ')} can be copied into the first watch
              folder of the engine instead.
            </p>
            {dropped.length > 0 ? (
              <Button icon="file" onClick={() => upload(dropped)}>
                {dropped.length === 1 ? 'Upload this file' : `Upload these ${dropped.length} files`}
              </Button>
            ) : (
              <FilePicker accept={MODEL_FILES} label="Files to upload" onPick={upload}>
                {(choose) => (
                  <Button icon="file" onClick={choose}>
                    Upload files
                  </Button>
                )}
              </FilePicker>
            )}
          </div>
        )}
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
          <Button disabled={path.trim() === ''} variant="primary" submit>
            Add
          </Button>
        </div>
      </form>
    </Overlay>
  );
}
