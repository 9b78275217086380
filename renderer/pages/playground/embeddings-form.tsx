/** Texts into vectors: what a model for embeddings is asked here. */
import type { ModelView } from '../../../shared/snapshot.ts';
import { AreaField } from '../../ui/area-field.tsx';
import { Button } from '../../ui/button.tsx';
import { Empty, Note, Panel } from '../../ui/panel.tsx';
import { cancelEmbedding, embed, useEmbedding } from './embedding.ts';
import { EmbeddingsResult } from './embeddings-result.tsx';
import { FailureView } from './failure-view.tsx';
import styles from './playground.module.css';
import { isServable, textsOf } from './request.ts';
import { WaitingView } from './waiting-view.tsx';

export function EmbeddingsForm({ model }: { readonly model: ModelView }) {
  const state = useEmbedding();
  const isMine = state.modelId === model.id;
  const isUnderWay = isMine && state.underWay !== null;
  const canEmbed = textsOf(state.typed).length > 0 && isServable(model) && !isUnderWay;
  return (
    <div className={styles.embeddings}>
      <form
        className={styles.fields}
        onSubmit={(event) => {
          event.preventDefault();
          if (canEmbed) void embed(model.id);
        }}
      >
        <AreaField
          help="One text a line. Two or more are compared with each other."
          label="Texts to embed"
          lines={4}
          onChange={(typed) => useEmbedding.setState({ typed })}
          value={state.typed}
        />
        {!isServable(model) && (
          <Note tone="warn">
            {model.id} cannot be asked now: {model.message} {model.help}
          </Note>
        )}
        <div>
          <Button disabled={!canEmbed} look="primary" submit>
            Embed
          </Button>
        </div>
      </form>
      <p className="visually-hidden" role="status">
        {isUnderWay ? 'Embedding' : isMine && state.result !== null ? 'Complete' : ''}
      </p>
      {isUnderWay && <WaitingView modelId={model.id} onCancel={cancelEmbedding} why={null} />}
      {isMine && state.failure !== null && <FailureView error={state.failure} />}
      {isMine && state.result !== null ? (
        <EmbeddingsResult {...state.result} />
      ) : (
        !isUnderWay && (
          <Panel>
            <Empty icon="playground" title="No vector yet">
              This model turns a text into a list of numbers. Texts that mean the same lie near each other.
            </Empty>
          </Panel>
        )
      )}
    </div>
  );
}
