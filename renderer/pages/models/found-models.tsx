/**
 * Models that other tools already have on this machine: announced on the page Models, listed on
 * request, served without moving them.
 */
import { useState } from 'react';
import { type FoundModel, STORE_NAMES } from '../../../shared/snapshot.ts';
import { bytesInWords } from '../../../shared/units.ts';
import { type AnswerOf, ask } from '../../api.ts';
import { addPaths } from '../../drop/drops.ts';
import { Button } from '../../ui/button.tsx';
import { Overlay } from '../../ui/overlays.tsx';
import { Note } from '../../ui/panel.tsx';
import { attempt } from '../../ui/toasts.tsx';
import { useAsked } from '../../use-asked.ts';
import styles from './found-models.module.css';

type Found = AnswerOf<'found'>;

/** @param known how many models are registered: when that changes, it is looked again. */
export function FoundModels({ known }: { readonly known: number }) {
  const { answer: found } = useAsked<'found'>('/control/found', [known]);
  const [isOpen, setOpen] = useState(false);
  const newModels = found?.models.filter(isNew) ?? [];
  if (found === null || (newModels.length === 0 && !isOpen)) return null;
  const words = newModels.length === 1 ? 'One model of another tool is' : `${newModels.length} models of other tools are`;
  return (
    <>
      {newModels.length > 0 && (
        <Note tone="info">
          <div className={styles.note}>
            <span>{words} already on this machine. Modelium can serve them without moving them.</span>
            <Button onClick={() => setOpen(true)} small>
              Show them
            </Button>
          </div>
        </Note>
      )}
      <Overlay onClose={() => setOpen(false)} open={isOpen} title="Already on this machine">
        <FoundList found={found} newModels={newModels} />
      </Overlay>
    </>
  );
}

function isNew({ registered, whole }: FoundModel): boolean {
  return registered === null && whole;
}

function FoundList({ found, newModels }: { readonly found: Found; readonly newModels: readonly FoundModel[] }) {
  return (
    <div className={styles.list}>
      <ul>
        {found.models.map((model) => (
          <Row key={model.path} model={model} />
        ))}
      </ul>
      {found.problems.map((problem) => (
        <Note key={problem} tone="warn">
          {problem}
        </Note>
      ))}
      {found.isCut && <p className={styles.quiet}>There may be more: the search takes at most two seconds.</p>}
      {newModels.length > 1 && (
        <div>
          <Button variant="primary" onClick={() => void addAll(newModels)}>
            Serve all {newModels.length}; each is loaded when it is asked for
          </Button>
        </div>
      )}
    </div>
  );
}

function Row({ model }: { readonly model: FoundModel }) {
  const { name, store, bytes, kind, quantization, problem, registered, path } = model;
  return (
    <li className={styles.row}>
      <div className={styles.words}>
        <h3>{name}</h3>
        <p className={styles.quiet}>{[STORE_NAMES[store], kind, quantization, bytesInWords(bytes)].filter(Boolean).join(' · ')}</p>
        {problem !== null && <p className={styles.quiet}>{problem}</p>}
      </div>
      {registered === null ? (
        <Button aria-label={`Serve ${name}`} disabled={!isNew(model)} onClick={() => addPaths([path])} small>
          Serve
        </Button>
      ) : (
        <span className={styles.quiet}>here as {registered}</span>
      )}
    </li>
  );
}

/** Registered without loading: fourteen models do not fit a GPU. */
function addAll(models: readonly FoundModel[]): Promise<void> {
  return attempt('Not all of them could be registered', async () => {
    for (const { path } of models) await ask<'add'>('POST', '/control/library', { body: { path, load: false } });
  });
}
