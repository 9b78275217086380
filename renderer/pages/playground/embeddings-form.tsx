/** The form for embedding models: turns texts into vectors. */
import { predictPath } from '../../../shared/api-predict.ts';
import { ModeliumError } from '../../../shared/errors.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { ask } from '../../api.ts';
import * as texts from '../../texts.ts';
import { AreaField } from '../../ui/area-field.tsx';
import { type Embedded, EmbeddingsResult } from './embeddings-result.tsx';
import { oncePerModel, useTyped } from './once.ts';
import { OnceForm } from './once-form.tsx';
import { textsOf } from './request.ts';
import { RequestPanel } from './request-panel.tsx';

const EMPTY = {
  title: texts.embeddings.empty.title,
  sentence: texts.embeddings.empty.sentence,
};
const embedding = oncePerModel<Embedded>();

export function EmbeddingsRequest({ modelId }: { readonly modelId: string }) {
  const [typed] = useTyped('texts-to-embed');
  return <RequestPanel shown={{ kind: 'embeddings', path: '/v1/embeddings', body: { model: modelId, input: textsOf(typed) } }} />;
}

export function EmbeddingsForm({ model }: { readonly model: ModelView }) {
  const [typed, setTyped] = useTyped('texts-to-embed');
  const input = textsOf(typed);
  const embed = async (signal: AbortSignal): Promise<Embedded> => {
    const answer = await ask<'predict'>('POST', predictPath(model.id), { body: { input }, signal });
    if ('embeddings' in answer) return { texts: input, answer };
    throw new ModeliumError('upstream-failed', texts.embeddings.noVectors(model.id));
  };
  return (
    <OnceForm
      empty={EMPTY}
      isFilled={input.length > 0}
      model={model}
      onAsk={() => void embedding.ask(model.id, embed)}
      onCancel={() => embedding.cancel(model.id)}
      show={(result) => <EmbeddingsResult {...result} />}
      state={embedding.use(model.id)}
      verb={texts.embeddings.embed}
    >
      <AreaField help={texts.embeddings.textsHelp} label={texts.embeddings.texts} lines={4} onChange={setTyped} value={typed} />
    </OnceForm>
  );
}
