/** The form for rerankers: orders documents by how well they answer a query. */
import type { ModelView } from '../../../shared/snapshot.ts';
import { ask } from '../../api.ts';
import * as texts from '../../texts.ts';
import { AreaField } from '../../ui/area-field.tsx';
import { TextField } from '../../ui/fields.tsx';
import { Panel } from '../../ui/panel.tsx';
import { oncePerModel, useTyped } from './once.ts';
import { OnceForm } from './once-form.tsx';
import { type RankedDocument, rankedDocuments } from './read-answers.ts';
import { type Body, textsOf } from './request.ts';
import { RequestPanel } from './request-panel.tsx';
import { Table } from './table.tsx';

const EMPTY = {
  title: texts.ranking.empty.title,
  sentence: texts.ranking.empty.sentence,
};
const ranking = oncePerModel<readonly RankedDocument[]>();

export function RankRequest({ modelId }: { readonly modelId: string }) {
  return <RequestPanel shown={{ kind: 'json', path: '/v1/rerank', body: useRankBody(modelId) }} />;
}

function useRankBody(modelId: string): Body {
  const [query] = useTyped('query');
  const [typed] = useTyped('documents');
  return { model: modelId, query, documents: textsOf(typed) };
}

export function RankForm({ model }: { readonly model: ModelView }) {
  const [query, setQuery] = useTyped('query');
  const [typed, setTyped] = useTyped('documents');
  const documents = textsOf(typed);
  const body = useRankBody(model.id);
  const rank = async (signal: AbortSignal) => rankedDocuments(await ask<'rerank'>('POST', '/v1/rerank', { body, signal }), documents);
  return (
    <OnceForm
      empty={EMPTY}
      isFilled={query.trim() !== '' && documents.length > 0}
      model={model}
      onAsk={() => void ranking.ask(model.id, rank)}
      onCancel={() => ranking.cancel(model.id)}
      show={(ranked) => (
        <Panel title={texts.ranking.ranking}>
          <Table
            head={[texts.ranking.document, texts.playground.score]}
            label={texts.ranking.ranking}
            numbersFrom={1}
            rows={ranked.map(({ index, text, score }, at) => ({ key: index, cells: [`${at + 1}. ${text}`, score.toFixed(4)] }))}
          />
        </Panel>
      )}
      state={ranking.use(model.id)}
      verb={texts.ranking.rank}
    >
      <TextField label={texts.ranking.query} onChange={setQuery} value={query} />
      <AreaField help={texts.ranking.documentsHelp} label={texts.ranking.documents} lines={4} onChange={setTyped} value={typed} />
    </OnceForm>
  );
}
