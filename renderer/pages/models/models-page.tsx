/**
 * The page Models: every model with its state and its actions; one of them in the drawer if the
 * address names it.
 */

import { type RefObject, useCallback, useRef, useState } from 'react';
import { LOADED_STATES } from '../../../shared/model.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { bridge } from '../../bridge.ts';
import { isNoModel, stateWord } from '../../components/state-chip.tsx';
import { AddModel } from '../../drop/add-model.tsx';
import { later } from '../../later.tsx';
import { go, type PageProps } from '../../route.ts';
import { useModels, useWindow } from '../../store.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { ChoiceField, TextField } from '../../ui/fields.tsx';
import { usePassedFocus } from '../../ui/focus.ts';
import { Overlay } from '../../ui/overlays.tsx';
import { Empty, Page, Panel } from '../../ui/panel.tsx';
import { ChosenBar } from './chosen-bar.tsx';
import { FoundModels } from './found-models.tsx';
import { FetchingSample, GetSample } from './get-sample.tsx';
import { BY_NAME, type Order } from './model-order.ts';
import { ModelTable } from './model-table.tsx';
import styles from './models-page.module.css';

/**
 * With its plan and its settings it is a fifth of the first load, and the first look does not need
 * it.
 */
const ModelDrawer = later(
  async () => (await import('./model-drawer.tsx')).ModelDrawer,
  (words, { id, onClose }) => (
    <Overlay onClose={onClose} open={id !== null && words !== null} place="right" title={id ?? ''}>
      {words}
    </Overlay>
  ),
);

const ALL = 'all';

export function ModelsPage({ subject }: PageProps) {
  const models = useModels();
  const [words, setWords] = useState('');
  const [state, setState] = useState(ALL);
  const [adding, setAdding] = useState(false);
  const [order, setOrder] = useState<Order>(BY_NAME);
  const { chosen, choose, chooseNone } = useChosen();
  const shown = models.filter((model) => matches(model, words) && (state === ALL || model.state === state));
  const states = [...new Set(models.map((model) => model.state))].sort();
  // In the middle of the empty page, or in its head.
  const addButton = useRef<HTMLButtonElement>(null);
  const add = (
    <Button icon="plus" ref={addButton} variant="primary" onClick={() => setAdding(true)}>
      {texts.common.addModel}
    </Button>
  );
  return (
    <Page actions={models.length > 0 && add} sentence={sentenceOf(models)} title={texts.window.titles.models}>
      <FoundModels known={models.length} />
      {models.length === 0 ? (
        <Panel>
          <NothingYet add={add} next={addButton} />
        </Panel>
      ) : (
        <>
          <FetchingSample />
          <div className={styles.filters}>
            <TextField
              hideLabel
              label={texts.models.find}
              onChange={setWords}
              placeholder={texts.models.findPlaceholder}
              type="search"
              value={words}
            />
            <ChoiceField
              choices={[{ value: ALL, label: texts.models.everyState }, ...states.map((each) => ({ value: each, label: stateWord(each) }))]}
              hideLabel
              label={texts.models.state}
              onChange={setState}
              value={states.some((each) => each === state) ? state : ALL}
            />
          </div>
          <ChosenBar models={models.filter(({ id }) => chosen.has(id))} onDone={chooseNone} />
          <ModelTable chosen={chosen} models={shown} onChoose={choose} onOrder={setOrder} order={order} />
          {shown.length === 0 && <p className={styles.none}>{texts.models.noMatch(models.length)}</p>}
        </>
      )}
      <ModelDrawer id={subject} onClose={() => go('models')} />
      <AddModel onClose={() => setAdding(false)} open={adding} opener={addButton} />
    </Page>
  );
}

/**
 * A browser tells no page where a dropped file lies: what is true in the app would be a lie there.
 */
function NothingYet({ add, next }: { readonly add: React.ReactNode; readonly next: RefObject<HTMLElement | null> }) {
  const ways = usePassedFocus<HTMLDivElement>(next);
  const folders = useWindow((state) => state.snapshot?.watchFolders) ?? [];
  const hint = bridge === null ? texts.models.hintInBrowser : texts.models.hintInApp;
  return (
    <Empty
      action={
        <div ref={ways}>
          <div className={styles.ways}>
            {add}
            <GetSample />
          </div>
          {folders.length > 0 && (
            <div className={styles.folders}>
              <p>{texts.models.orCopy}</p>
              {folders.map(({ path }) => (
                <div className={styles.folder} key={path}>
                  <code>{path}</code>
                  <CopyButton label={texts.common.copy} name={texts.models.copyPath(path)} text={() => path} />
                  {bridge !== null && (
                    <Button aria-label={texts.models.openFolder(path)} icon="folder" onClick={() => bridge?.openFolder(path)} small>
                      {texts.models.open}
                    </Button>
                  )}
                </div>
              ))}
            </div>
          )}
        </div>
      }
      icon="drop"
      title={bridge === null ? texts.common.addModel : texts.models.dropHere}
    >
      {texts.models.servedInPlace(hint)}
    </Empty>
  );
}

/**
 * Which rows are chosen; the same functions from one drawing to the next, so that rows that did not
 * change are not drawn again.
 */
function useChosen() {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const choose = useCallback((id: string, isChosen: boolean) => {
    setChosen((before) => new Set(isChosen ? [...before, id] : [...before].filter((each) => each !== id)));
  }, []);
  const chooseNone = useCallback(() => setChosen(new Set()), []);
  return { chosen, choose, chooseNone };
}

function matches({ id, aliases, path, profile }: ModelView, words: string): boolean {
  const text = [id, ...aliases, path, profile?.kind, profile?.architecture, profile?.quantization].join(' ').toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function sentenceOf(all: readonly ModelView[]): string {
  const models = all.filter((model) => !isNoModel(model));
  if (models.length === 0) return texts.models.nothingServed;
  const ready = models.filter(({ state }) => state === 'ready').length;
  const moving = models.filter(({ state }) => LOADED_STATES.has(state) && state !== 'ready').length;
  return texts.models.sentence(models.length, ready, moving);
}
