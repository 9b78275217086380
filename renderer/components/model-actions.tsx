/**
 * What can be done to a model in its state: one button that is always in the same place, and the
 * rest behind it.
 */
import { useState } from 'react';
import type { ModelView } from '../../shared/snapshot.ts';
import { forget, load, pin, unload } from '../actions.ts';
import { go } from '../route.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { ActionMenu, type MenuAction } from '../ui/menu.tsx';
import { Question } from '../ui/overlays.tsx';
import styles from './model-actions.module.css';
import { isNoModel, TRANSIENT } from './state-chip.tsx';

export function ModelActions({ model }: { readonly model: ModelView }) {
  const { id, inFlight } = model;
  const [cutting, setCutting] = useState(false);
  return (
    <span className={styles.actions}>
      <MainAction model={model} />
      <ActionMenu
        actions={moreActions(model, () => setCutting(true))}
        trigger={<IconButton icon="more" label={`More for ${id}`} small />}
      />
      <Question
        onClose={() => setCutting(false)}
        onYes={() => void unload(id, true)}
        open={cutting}
        title={`Unload ${id} now?`}
        yes="Cut them and unload"
      >
        {inFlight === 1 ? 'One request runs' : `${inFlight} requests run`} on it and would be cut off in the middle. A plain unload lets
        them end first.
      </Question>
    </span>
  );
}

/** Load, unload or cancel: what the state asks for. Nothing for what is no model. */
export function MainAction({ model }: { readonly model: ModelView }) {
  const { id, state } = model;
  const name = (verb: string): string => `${verb} ${id}`;
  if (TRANSIENT.has(state)) {
    return (
      <Button aria-label={name('Cancel')} icon="close" onClick={() => void unload(id)} small>
        Cancel
      </Button>
    );
  }
  if (state === 'ready' || state === 'asleep') {
    return (
      <Button aria-label={name('Unload')} icon="eject" onClick={() => void unload(id)} small>
        Unload
      </Button>
    );
  }
  if (model.blockedReason === 'needs-trust') {
    return (
      <Button aria-label={name('See code of')} icon="search" onClick={() => go('models', id)} small>
        See code
      </Button>
    );
  }
  if (isNoModel(model)) return null;
  const isResting = state === 'unloaded' || state === 'failed' || state === 'blocked';
  const verb = state === 'failed' || state === 'blocked' ? 'Retry' : 'Load';
  return (
    <Button aria-label={name(verb)} disabled={!isResting} icon={verb === 'Retry' ? 'refresh' : 'play'} onClick={() => void load(id)} small>
      {verb}
    </Button>
  );
}

function moreActions(model: ModelView, cut: () => void): readonly MenuAction[] {
  const { id, pinned, state, inFlight, copy, blockedReason } = model;
  const looksHalf = copy !== null || blockedReason === 'incomplete' || blockedReason === 'damaged';
  return [
    ...(isNoModel(model) ? [] : [{ label: 'Try it', icon: 'playground', onChoose: () => go('playground', id) } as const]),
    { label: 'Details', icon: 'file', onChoose: () => go('models', id) },
    { label: 'Its decisions', icon: 'decisions', onChoose: () => go('decisions', id) },
    { label: 'Its log', icon: 'logs', onChoose: () => go('logs', id) },
    ...(isNoModel(model) && !pinned
      ? []
      : [{ label: pinned ? 'Unpin' : 'Pin: only a person unloads it', icon: 'pin', onChoose: () => void pin(id, !pinned) } as const]),
    ...(state === 'ready' && inFlight > 0
      ? [{ label: 'Unload now, cutting requests', icon: 'eject', onChoose: cut, danger: true } as const]
      : []),
    ...(looksHalf ? [{ label: 'Load though it looks half copied', icon: 'play', onChoose: () => void load(id, true) } as const] : []),
    { label: 'Forget (files stay)', icon: 'trash', onChoose: () => void forget(id), danger: true },
  ];
}
