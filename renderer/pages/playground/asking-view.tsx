/** The form that fits a model's kind, with its parameters and the same request as code. */
import type { ModelView } from '../../../shared/snapshot.ts';
import { MainAction } from '../../components/main-action-button.tsx';
import * as texts from '../../texts.ts';
import { Empty, Panel } from '../../ui/panel.tsx';
import { Chat } from './chat.tsx';
import { ClassesForm, ClassesRequest } from './classes-form.tsx';
import { EmbeddingsForm, EmbeddingsRequest } from './embeddings-form.tsx';
import { ParametersPanel } from './parameters-panel.tsx';
import { RankForm, RankRequest } from './rank-form.tsx';
import { ChatRequestPanel } from './request-panel.tsx';
import { TensorForm, TensorRequest } from './tensor-form.tsx';
import { TranscriptForm, TranscriptRequest } from './transcript-form.tsx';
import type { KnownRequestKind } from './use-request-kind.ts';

interface AskingProps {
  readonly model: ModelView;
  readonly known: KnownRequestKind;
}

export function Asking({ model, known }: AskingProps) {
  switch (known.requestKind) {
    case 'chat':
    case 'text':
      return <Chat model={model} requestKind={known.requestKind} />;
    case 'embeddings':
      return <EmbeddingsForm model={model} />;
    case 'ranking':
      return <RankForm model={model} />;
    case 'classes':
    case 'images':
      return <ClassesForm isOfImages={known.requestKind === 'images'} model={model} />;
    case 'speech':
      return <TranscriptForm model={model} />;
    case 'tensors':
      if (known.inputs !== null) return <TensorForm inputs={known.inputs} model={model} />;
      return known.trouble === null ? null : <NotKnownYet model={model} trouble={known.trouble} />;
  }
}

function NotKnownYet({ model, trouble }: { readonly model: ModelView; readonly trouble: string }) {
  return (
    <Panel>
      <Empty action={<MainAction model={model} />} icon="playground" title={texts.tensors.notKnownYet}>
        {texts.tensors.formComesWithModel(trouble)}
      </Empty>
    </Panel>
  );
}

export function Side({ model, known }: AskingProps) {
  switch (known.requestKind) {
    case 'chat':
    case 'text':
      return (
        <>
          <ParametersPanel
            advice={model.profile?.sampling}
            context={model.profile?.contextLength ?? null}
            of={model.id}
            requestKind={known.requestKind}
          />
          <ChatRequestPanel modelId={model.id} requestKind={known.requestKind} />
        </>
      );
    case 'embeddings':
      return <EmbeddingsRequest modelId={model.id} />;
    case 'ranking':
      return <RankRequest modelId={model.id} />;
    case 'classes':
    case 'images':
      return <ClassesRequest isOfImages={known.requestKind === 'images'} modelId={model.id} />;
    case 'speech':
      return <TranscriptRequest modelId={model.id} />;
    case 'tensors':
      return <TensorRequest inputs={known.inputs} modelId={model.id} />;
  }
}
