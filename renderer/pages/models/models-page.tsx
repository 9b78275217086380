/** Every model with its state and what can be done to it; one of them in the drawer when the address names it. */
import { useState } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { isNoModel, ON_DEVICE, stateWord } from '../../components/state-chip.tsx';
import { AddModel } from '../../drop/add-model.tsx';
import { go, type PageProps } from '../../route.ts';
import { useModels } from '../../store.ts';
import { Button } from '../../ui/button.tsx';
import { ChoiceField, TextField } from '../../ui/fields.tsx';
import { Empty, Page, Panel } from '../../ui/panel.tsx';
import { FoundModels } from './found-models.tsx';
import { ModelDrawer } from './model-drawer.tsx';
import { ModelTable } from './model-table.tsx';
import styles from './models-page.module.css';

const ALL = 'all';

export function ModelsPage({ subject }: PageProps) {
  const models = useModels();
  const [words, setWords] = useState('');
  const [state, setState] = useState(ALL);
  const [adding, setAdding] = useState(false);
  const shown = models.filter((model) => matches(model, words) && (state === ALL || model.state === state));
  const states = [...new Set(models.map((model) => model.state))].sort();
  const add = (
    <Button icon="plus" look="primary" onClick={() => setAdding(true)}>
      Add a model
    </Button>
  );
  return (
    <Page actions={models.length > 0 && add} sentence={sentenceOf(models)} title="Models">
      <FoundModels known={models.length} />
      {models.length === 0 ? (
        <Panel>
          <Empty action={add} icon="drop" title="Drop a model here">
            A GGUF file or a model's folder, anywhere on this window. It is served from where it lies, and never changed.
          </Empty>
        </Panel>
      ) : (
        <>
          <div className={styles.filters}>
            <TextField
              hideLabel
              label="Find a model"
              onChange={setWords}
              placeholder="Find by name, kind or path"
              type="search"
              value={words}
            />
            <ChoiceField
              choices={[{ value: ALL, label: 'Every state' }, ...states.map((each) => ({ value: each, label: stateWord(each) }))]}
              hideLabel
              label="State"
              onChange={setState}
              value={states.some((each) => each === state) ? state : ALL}
            />
          </div>
          <ModelTable models={shown} />
          {shown.length === 0 && <p className={styles.none}>No model matches. {models.length} are here in all.</p>}
        </>
      )}
      <ModelDrawer id={subject} onClose={() => go('models')} />
      <AddModel onClose={() => setAdding(false)} open={adding} />
    </Page>
  );
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
  if (models.length === 0) return 'Nothing is served yet.';
  const ready = models.filter(({ state }) => state === 'ready').length;
  const moving = models.filter(({ state }) => ON_DEVICE.has(state) && state !== 'ready').length;
  const known = `${models.length} ${models.length === 1 ? 'model' : 'models'}, ${ready} loaded`;
  return `${known}${moving === 0 ? '' : `, ${moving} coming or going`}. A request to one that is not loaded loads it.`;
}
