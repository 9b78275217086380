/** Counts down to the time at which an idle model is unloaded. */
import type { ModelView } from '../../../shared/snapshot.ts';
import { clockSpan } from '../../../shared/units.ts';
import { sinceReceived, useNow } from '../../now.ts';
import * as texts from '../../texts.ts';
import styles from './model-table.module.css';

export function Countdown({ model }: { readonly model: ModelView }) {
  if (model.idleLeftMs === null || model.inFlight > 0) return null;
  return <Left idleLeftMs={model.idleLeftMs} model={model} />;
}

function Left({ model, idleLeftMs }: { readonly model: ModelView; readonly idleLeftMs: number }) {
  const now = useNow();
  return <p className={styles.left}>{texts.models.unloadsIn(clockSpan(Math.max(0, idleLeftMs - sinceReceived(model, now))))}</p>;
}
