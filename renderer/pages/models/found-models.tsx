/**
 * Models that other tools already have on this machine: announced on the page Models, listed on
 * request, served without moving them.
 */
import { useState } from 'react';
import { type FoundModel, STORE_NAMES } from '../../../shared/snapshot.ts';
import { bytesInWords } from '../../../shared/units.ts';
import { type AnswerOf, ask } from '../../api.ts';
import { addPaths } from '../../drop/drops.ts';
import * as texts from '../../texts.ts';
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
  return (
    <>
      {newModels.length > 0 && (
        <Note tone="info">
          <div className={styles.note}>
            <span>{texts.found.note(newModels.length)}</span>
            <Button onClick={() => setOpen(true)} small>
              {texts.found.show}
            </Button>
          </div>
        </Note>
      )}
      <Overlay onClose={() => setOpen(false)} open={isOpen} title={texts.found.title}>
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
      {found.isCut && <p className={styles.quiet}>{texts.found.maybeMore}</p>}
      {newModels.length > 1 && (
        <div>
          <Button variant="primary" onClick={() => void addAll(newModels)}>
            {texts.found.serveAll(newModels.length)}
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
        <Button aria-label={texts.found.serveModel(name)} disabled={!isNew(model)} onClick={() => addPaths([path])} small>
          {texts.found.serve}
        </Button>
      ) : (
        <span className={styles.quiet}>{texts.found.hereAs(registered)}</span>
      )}
    </li>
  );
}

/** Registered without loading: fourteen models do not fit a GPU. */
function addAll(models: readonly FoundModel[]): Promise<void> {
  return attempt(texts.found.notAllRegistered, async () => {
    for (const { path } of models) await ask<'add'>('POST', '/control/library', { body: { path, load: false } });
  });
}
