/**
 * The dialog that adds a model by its path: for browsers, which hide the path of a dropped file,
 * and for users who prefer to type. Uses native dialogs in the app.
 */
import { type RefObject, useState } from 'react';
import { MODEL_ENDINGS } from '../../shared/model-files.ts';
import { bridge } from '../bridge.ts';
import * as texts from '../texts.ts';
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
  readonly opener?: RefObject<HTMLElement | null>;
}

export function AddModel({ open, onClose, reason, opener, dropped = [] }: AddModelProps) {
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
    <Overlay onClose={onClose} open={open} opener={opener} title={texts.common.addModel}>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          add(path.trim() === '' ? [] : [path.trim()]);
        }}
      >
        {reason !== undefined && <p>{reason}</p>}
        <TextField
          help={texts.drop.pathHelp}
          label={texts.drop.path}
          mono
          onChange={setPath}
          placeholder="/data/models/llama-3.2-3b.gguf"
          value={path}
        />
        {bridge === null && (
          <div className={styles.upload}>
            <p>{texts.drop.uploadInstead(dropped.length === 0 ? null : dropped.map(({ name }) => name).join(', '))}</p>
            {dropped.length > 0 ? (
              <Button icon="file" onClick={() => upload(dropped)}>
                {texts.drop.uploadThese(dropped.length)}
              </Button>
            ) : (
              <FilePicker accept={MODEL_FILES} label={texts.drop.filesToUpload} onPick={upload}>
                {(choose) => (
                  <Button icon="file" onClick={choose}>
                    {texts.drop.upload}
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
                {texts.drop.chooseFiles}
              </Button>
              <Button icon="folder" onClick={() => void bridge?.choose('folder').then(add)}>
                {texts.drop.chooseFolder}
              </Button>
            </>
          )}
          <Button disabled={path.trim() === ''} variant="primary" submit>
            {texts.common.add}
          </Button>
        </div>
      </form>
    </Overlay>
  );
}
