/** The way of asking that fits a model's kind, and beside it what belongs to that: parameters, the same as a request. */
import type { ModelView } from '../../../shared/snapshot.ts';
import { isTextModel } from '../../../shared/tensors.ts';
import { Empty, Panel } from '../../ui/panel.tsx';
import { useAsked } from '../../use-asked.ts';
import { Chat } from './chat.tsx';
import { ClassesForm, ClassesRequest } from './classes-form.tsx';
import { EmbeddingsForm, EmbeddingsRequest } from './embeddings-form.tsx';
import { ParametersPanel } from './parameters-panel.tsx';
import { RankForm, RankRequest } from './rank-form.tsx';
import type { Way } from './request.ts';
import { ChatRequestPanel } from './request-panel.tsx';
import { TensorForm, TensorRequest } from './tensor-form.tsx';
import { TranscriptForm, TranscriptRequest } from './transcript-form.tsx';

interface AskingProps {
  readonly model: ModelView;
  readonly way: Way;
}

export function Asking({ model, way }: AskingProps) {
  switch (way) {
    case 'chat':
    case 'text':
      return <Chat model={model} way={way} />;
    case 'embeddings':
      return <EmbeddingsForm model={model} />;
    case 'ranking':
      return <RankForm model={model} />;
    case 'classes':
    case 'images':
      return <ClassesForm isOfImages={way === 'images'} model={model} />;
    case 'speech':
      return <TranscriptForm model={model} />;
    case 'tensors':
      return <Tensors model={model} />;
  }
}

/** What it takes is told by its files, or by its server once it is loaded. */
function Tensors({ model }: { readonly model: ModelView }) {
  const { answer, trouble } = useAsked<'tensorsOfModel'>(`/v2/models/${encodeURIComponent(model.id)}`, [model.state]);
  if (answer !== null) return isTextModel(answer) ? <Chat model={model} way="text" /> : <TensorForm inputs={answer.inputs} model={model} />;
  if (trouble === null) return null;
  return (
    <Panel>
      <Empty icon="playground" title="Its tensors are not known yet">
        {trouble} Once it is loaded, the form is here.
      </Empty>
    </Panel>
  );
}

export function Side({ model, way }: AskingProps) {
  switch (way) {
    case 'chat':
    case 'text':
      return (
        <>
          <ParametersPanel advice={model.profile?.sampling} context={model.profile?.contextLength ?? null} of={model.id} way={way} />
          <ChatRequestPanel modelId={model.id} way={way} />
        </>
      );
    case 'embeddings':
      return <EmbeddingsRequest modelId={model.id} />;
    case 'ranking':
      return <RankRequest modelId={model.id} />;
    case 'classes':
    case 'images':
      return <ClassesRequest isOfImages={way === 'images'} modelId={model.id} />;
    case 'speech':
      return <TranscriptRequest modelId={model.id} />;
    case 'tensors':
      return <TensorRequest modelId={model.id} />;
  }
}
