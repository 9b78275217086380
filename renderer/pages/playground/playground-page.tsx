/**
 * The page Playground: the choice of a model, its state, the form that fits its kind, and the same
 * request as code.
 */
import { useEffect, useState } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { bridge } from '../../bridge.ts';
import { MainAction } from '../../components/main-action-button.tsx';
import { StateChip, stateWord } from '../../components/state-chip.tsx';
import { go, type PageProps } from '../../route.ts';
import { useModels } from '../../store.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { ChoiceField } from '../../ui/fields.tsx';
import { Empty, Note, Page, Panel } from '../../ui/panel.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { Asking, Side } from './asking-view.tsx';
import { ChatList } from './chat-list.tsx';
import { CompareView } from './compare-view.tsx';
import { COMPARED, setMode, startAnew, usePlayground, useTurns } from './conversation.ts';
import type { Mode } from './kept-state.ts';
import { LoadTestView } from './load-test-view.tsx';
import { ParametersPanel } from './parameters-panel.tsx';
import styles from './playground.module.css';
import { chosenModel, groupOf, isServable, KIND_GROUPS, type KindGroup, requestKindOf } from './request.ts';
import { useRequestKind } from './use-request-kind.ts';

/**
 * Where the parameters stand beside the chat and not below it; playground.module.css has the same.
 */
const WIDE = '(min-width: 1180px)';
const MODE_CHOICES = [
  { value: 'ask', label: texts.playground.ask },
  { value: 'compare', label: texts.playground.compare },
  { value: 'load-test', label: texts.loadTest.title },
] as const satisfies readonly { readonly value: Mode; readonly label: string }[];

export function PlaygroundPage({ subject }: PageProps) {
  const models = useModels();
  const before = usePlayground((state) => state.chosen);
  const model = chosenModel(models, subject, before);
  const id = model?.id ?? null;
  const group = model === null ? null : groupOf(requestKindOf(model));
  // The one that is looked at stays, also when another becomes ready meanwhile.
  useEffect(() => {
    if (id === null || group === null) return;
    usePlayground.setState(({ chosenByKind }) => ({ chosen: id, chosenByKind: { ...chosenByKind, [group]: id } }));
  }, [id, group]);
  if (models.length === 0) {
    return (
      <Page title={texts.window.titles.playground}>
        <Panel>
          <Empty
            action={
              <Button variant="primary" onClick={() => go('models')}>
                {texts.common.openModelsPage}
              </Button>
            }
            icon="playground"
            title={bridge === null ? texts.playground.addFirst : texts.playground.dropFirst}
          >
            {texts.playground.whereToAdd(bridge === null)}
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
  const known = useRequestKind(model);
  const isComparing = mode === 'compare';
  const isTesting = mode === 'load-test';
  const hasParameters = isComparing || known?.requestKind === 'chat' || known?.requestKind === 'text';
  return (
    <Page
      actions={
        <>
          <Segmented choices={MODE_CHOICES} label={texts.playground.mode} onChange={setMode} value={mode} />
          {mode === 'ask' && hasParameters && <ChatList />}
          {mode === 'ask' && hasParameters && model !== null && <NewChat modelId={model.id} />}
          {!isTesting && (
            <Button aria-controls="playground-side" aria-expanded={isOpen} icon="settings" onClick={() => setIsOpen(!isOpen)}>
              {hasParameters ? texts.playground.parameters : texts.playground.request}
            </Button>
          )}
        </>
      }
      fills
      sentence={texts.playground.sentence}
      title={texts.window.titles.playground}
    >
      {!isComparing && <Choosing model={model} models={models} />}
      <div className={styles.columns}>
        {isComparing ? (
          <CompareView first={model} />
        ) : model === null || known === null ? (
          <Note tone="warn">{texts.playground.noModel(subject ?? '')}</Note>
        ) : isTesting ? (
          <LoadTestView key={model.id} model={model} />
        ) : (
          <Asking key={model.id} known={known} model={model} />
        )}
        {isOpen && !isTesting && (
          <div className={styles.side} id="playground-side">
            {isComparing ? (
              <ParametersPanel of={COMPARED} requestKind="chat" />
            ) : (
              model !== null && known !== null && <Side key={model.id} known={known} model={model} />
            )}
          </div>
        )}
      </div>
    </Page>
  );
}

function Choosing({ models, model }: Pick<PlaygroundProps, 'models' | 'model'>) {
  const chosenByKind = usePlayground((state) => state.chosenByKind);
  const shown = model === null ? null : groupOf(requestKindOf(model));
  const groups = (Object.keys(KIND_GROUPS) as KindGroup[]).filter((group) => models.some((each) => groupOf(requestKindOf(each)) === group));
  const turnTo = (group: KindGroup): void => {
    const all = models.filter((each) => groupOf(requestKindOf(each)) === group);
    const next = all.find(({ id }) => id === chosenByKind[group]) ?? all.find(isServable) ?? all[0];
    if (next !== undefined) go('playground', next.id);
  };
  const choices = models
    .filter((each) => shown === null || groupOf(requestKindOf(each)) === shown)
    .map(({ id, state }) => ({ value: id, label: `${id} (${stateWord(state).toLowerCase()})` }));
  return (
    <div className={styles.head}>
      {groups.length > 1 && (
        <Segmented
          choices={groups.map((group) => ({ value: group, label: KIND_GROUPS[group] }))}
          label={texts.playground.kindOfModel}
          onChange={turnTo}
          value={shown}
        />
      )}
      <div className={styles.chosen}>
        <ChoiceField
          choices={choices}
          hideLabel
          label={texts.common.model}
          onChange={(id) => go('playground', id)}
          value={model?.id ?? null}
        />
      </div>
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
      {texts.common.newChat}
    </Button>
  );
}
