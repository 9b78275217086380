/** The form for embedding models: turns texts into vectors. */
import { predictPath } from '../../../shared/api-predict.ts';
import { ModeliumError } from '../../../shared/errors.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { ask } from '../../api.ts';
import { AreaField } from '../../ui/area-field.tsx';
import { type Embedded, EmbeddingsResult } from './embeddings-result.tsx';
import { oncePerModel, useTyped } from './once.ts';
import { OnceForm } from './once-form.tsx';
import { textsOf } from './request.ts';
import { RequestPanel } from './request-panel.tsx';

const EMPTY = {
  title: 'No vector yet',
  sentence: 'This model turns a text into a list of numbers. Texts with the same meaning get similar numbers.',
};
const embedding = oncePerModel<Embedded>();

export function EmbeddingsRequest({ modelId }: { readonly modelId: string }) {
  const [typed] = useTyped('texts to embed');
  return <RequestPanel shown={{ kind: 'embeddings', path: '/v1/embeddings', body: { model: modelId, input: textsOf(typed) } }} />;
}

export function EmbeddingsForm({ model }: { readonly model: ModelView }) {
  const [typed, setTyped] = useTyped('texts to embed');
  const texts = textsOf(typed);
  const embed = async (signal: AbortSignal): Promise<Embedded> => {
    const answer = await ask<'predict'>('POST', predictPath(model.id), { body: { input: texts }, signal });
    if ('embeddings' in answer) return { texts, answer };
    throw new ModeliumError('upstream-failed', `${model.id} answered with no vectors.`);
  };
  return (
    <OnceForm
      empty={EMPTY}
      isFilled={texts.length > 0}
      model={model}
      onAsk={() => void embedding.ask(model.id, embed)}
      onCancel={() => embedding.cancel(model.id)}
      show={(result) => <EmbeddingsResult {...result} />}
      state={embedding.use(model.id)}
      verb="Embed"
    >
      <AreaField
        help="One text a line. Two or more are compared with each other."
        label="Texts to embed"
        lines={4}
        onChange={setTyped}
        value={typed}
      />
    </OnceForm>
  );
}
