/**
 * Asking a model by hand: which one, what state it is in, the way of asking that fits its kind, and
 * the same as a request for scripts.
 */
import { useEffect, useState } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { MainAction } from '../../components/model-actions.tsx';
import { StateChip, stateWord } from '../../components/state-chip.tsx';
import { go, type PageProps } from '../../route.ts';
import { useModels } from '../../store.ts';
import { Button } from '../../ui/button.tsx';
import { ChoiceField } from '../../ui/fields.tsx';
import { Empty, Note, Page, Panel } from '../../ui/panel.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { Chat } from './chat.tsx';
import { ChatList } from './chat-list.tsx';
import { CompareView } from './compare-view.tsx';
import { COMPARED, setMode, startAnew, usePlayground, useTurns } from './conversation.ts';
import { useEmbedding } from './embedding.ts';
import { EmbeddingsForm } from './embeddings-form.tsx';
import type { Mode } from './kept-state.ts';
import { ParametersPanel } from './parameters-panel.tsx';
import styles from './playground.module.css';
import { chosenModel, textsOf, type Way, wayOf } from './request.ts';
import { ChatRequestPanel, RequestPanel } from './request-panel.tsx';

/**
 * Where the parameters stand beside the chat and not below it; playground.module.css has the same.
 */
const WIDE = '(min-width: 1180px)';
const MODE_CHOICES = [
  { value: 'ask', label: 'Ask' },
  { value: 'compare', label: 'Compare' },
] as const satisfies readonly { readonly value: Mode; readonly label: string }[];

export function PlaygroundPage({ subject }: PageProps) {
  const models = useModels();
  const before = usePlayground((state) => state.chosen);
  const model = chosenModel(models, subject, before);
  const id = model?.id ?? null;
  // The one that is looked at stays, also when another becomes ready meanwhile.
  useEffect(() => {
    if (id !== null) usePlayground.setState({ chosen: id });
  }, [id]);
  if (models.length === 0) {
    return (
      <Page title="Playground">
        <Panel>
          <Empty
            action={
              <Button look="primary" onClick={() => go('models')}>
                Open the Models page
              </Button>
            }
            icon="playground"
            title="Drop a model first"
          >
            Drop a model file or folder anywhere on this window. When it is served, it is asked here.
          </Empty>
        </Panel>
      </Page>
    );
  }
  return <Playground model={model} models={models} subject={subject} />;
}

interface PlaygroundProps {
  readonly models: readonly ModelView[];
  /** Null: the address names one that is not there. */
  readonly model: ModelView | null;
  readonly subject: string | null;
}

function Playground({ models, model, subject }: PlaygroundProps) {
  const [isOpen, setIsOpen] = useState(() => matchMedia(WIDE).matches);
  const mode = usePlayground((state) => state.mode);
  const way = model === null ? 'none' : wayOf(model);
  const isComparing = mode === 'compare';
  const hasSide = isComparing || (way !== 'none' && way !== 'tensors');
  return (
    <Page
      actions={
        <>
          <Segmented choices={MODE_CHOICES} label="Way of asking" onChange={setMode} value={mode} />
          {!isComparing && <ChatList />}
          {!isComparing && model !== null && (way === 'chat' || way === 'text') && <NewChat modelId={model.id} />}
          {hasSide && (
            <Button aria-controls="playground-side" aria-expanded={isOpen} icon="settings" onClick={() => setIsOpen(!isOpen)}>
              {way === 'embeddings' && !isComparing ? 'Request' : 'Parameters'}
            </Button>
          )}
        </>
      }
      fills
      sentence="Ask a model by hand. One that is not loaded is loaded by the question."
      title="Playground"
    >
      {!isComparing && <Choosing model={model} models={models} />}
      <div className={styles.columns}>
        {isComparing ? (
          <CompareView first={model} />
        ) : model === null ? (
          <Note tone="warn">There is no model {subject} here, or not any more. Choose another one.</Note>
        ) : (
          <Asking model={model} way={way} />
        )}
        {hasSide && isOpen && (
          <div className={styles.side} id="playground-side">
            {isComparing ? <ParametersPanel of={COMPARED} way="chat" /> : model !== null && <Side model={model} way={way} />}
          </div>
        )}
      </div>
    </Page>
  );
}

function Choosing({ models, model }: Pick<PlaygroundProps, 'models' | 'model'>) {
  const choices = models.map(({ id, state }) => ({ value: id, label: `${id} (${stateWord(state).toLowerCase()})` }));
  return (
    <div className={styles.head}>
      <ChoiceField choices={choices} hideLabel label="Model" onChange={(id) => go('playground', id)} value={model?.id ?? null} />
      {model !== null && (
        <>
          <StateChip model={model} />
          <MainAction model={model} />
        </>
      )}
    </div>
  );
}

function NewChat({ modelId }: { readonly modelId: string }) {
  const turns = useTurns(modelId);
  return (
    <Button disabled={turns.length === 0} icon="plus" onClick={() => startAnew(modelId)}>
      New chat
    </Button>
  );
}

function Asking({ model, way }: { readonly model: ModelView; readonly way: Way }) {
  if (way === 'embeddings') return <EmbeddingsForm model={model} />;
  if (way === 'chat' || way === 'text') return <Chat key={model.id} model={model} way={way} />;
  return (
    <Panel>
      <Empty icon="playground" title={`${model.id} cannot be asked here`}>
        It is a model of the kind "{model.profile?.kind}". This page asks models that answer in words and models that make embeddings.
      </Empty>
    </Panel>
  );
}

function Side({ model, way }: { readonly model: ModelView; readonly way: Way }) {
  const typed = useEmbedding((state) => state.typed);
  if (way === 'embeddings') return <RequestPanel body={{ input: textsOf(typed) }} isLast={false} modelId={model.id} />;
  if (way !== 'chat' && way !== 'text') return null;
  return (
    <>
      <ParametersPanel context={model.profile?.contextLength ?? null} of={model.id} way={way} />
      <ChatRequestPanel modelId={model.id} way={way} />
    </>
  );
}
