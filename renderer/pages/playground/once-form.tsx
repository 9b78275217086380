/**
 * The frame of each form whose answer arrives as a whole: fields, button, progress or error, and
 * result.
 */
import type { ReactNode } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, Note, Panel } from '../../ui/panel.tsx';
import { FailureView } from './failure-view.tsx';
import type { Once } from './once.ts';
import styles from './playground.module.css';
import { isServable } from './request.ts';
import { WaitingView } from './waiting-view.tsx';

interface OnceFormProps<Result> {
  readonly model: ModelView;
  readonly state: Once<Result>;
  /** What the button says, and what readers hear while it is done. */
  readonly verb: string;
  /** The fields hold something to ask for. */
  readonly isFilled: boolean;
  readonly onAsk: () => void;
  readonly onCancel: () => void;
  /** The fields. */
  readonly children: ReactNode;
  readonly show: (result: Result) => ReactNode;
  /** What this kind of model does, while it was asked nothing. */
  readonly empty: { readonly title: string; readonly sentence: string };
}

export function OnceForm<Result>({ model, state, verb, isFilled, onAsk, onCancel, children, show, empty }: OnceFormProps<Result>) {
  const { underWay, result, failure } = state;
  const canAsk = isFilled && isServable(model) && underWay === null;
  return (
    <div className={styles.form}>
      <form
        className={styles.fields}
        onSubmit={(event) => {
          event.preventDefault();
          if (canAsk) onAsk();
        }}
      >
        {children}
        {!isServable(model) && (
          <Note tone="warn">
            {texts.playground.cannotBeAsked(model.id, model.message)} {model.help}
          </Note>
        )}
        <div>
          <Button disabled={!canAsk} variant="primary" submit>
            {verb}
          </Button>
        </div>
      </form>
      <p className="visually-hidden" role="status">
        {underWay !== null
          ? texts.forms.working
          : result !== null
            ? texts.playground.complete
            : failure !== null
              ? texts.forms.failed(failure.message)
              : ''}
      </p>
      {underWay !== null && <WaitingView modelId={model.id} onCancel={onCancel} then={texts.waiting.answer} why={null} />}
      {failure !== null && <FailureView error={failure} />}
      {result !== null && show(result)}
      {result === null && underWay === null && failure === null && (
        <Panel>
          <Empty action="none" icon="playground" title={empty.title}>
            {empty.sentence}
          </Empty>
        </Panel>
      )}
    </div>
  );
}
