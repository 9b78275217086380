/**
 * Shows what a request waits for: the load of the model, with its phase and a bar, or the first
 * token.
 */

import { progressOf } from '../../components/state-chip.tsx';
import { useModel } from '../../store.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import styles from './chat.module.css';

interface WaitingProps {
  readonly modelId: string;
  /**
   * The engine's words in the stream: known only after a while, and used where the model's own
   * state says nothing.
   */
  readonly why: string | null;
  readonly onCancel: () => void;
  /** What comes once the model is ready. */
  readonly then?: string;
}

export function WaitingView({ modelId, why, onCancel, then = texts.waiting.firstWord }: WaitingProps) {
  const model = useModel(modelId);
  const ratio = model === undefined ? null : progressOf(model);
  const isReady = model?.state === 'ready';
  const sentence = isReady ? texts.waiting.waitingFor(then) : (model?.message ?? why ?? texts.waiting.waitingForEngine);
  return (
    <div className={styles.waiting}>
      <span>{`${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`}</span>
      {ratio !== null && (
        <span className={styles.bar}>
          <span style={{ transform: `scaleX(${ratio})` }} />
        </span>
      )}
      <Button icon="close" variant="quiet" onClick={onCancel} small>
        {texts.common.cancel}
      </Button>
    </div>
  );
}
