/**
 * A model's actions in its present state: the main one as a button in a fixed place, the others in
 * a menu.
 */
import { useState } from 'react';
import type { ModelView } from '../../shared/snapshot.ts';
import { forget, load, pin } from '../actions.ts';
import { go } from '../route.ts';
import * as texts from '../texts.ts';
import { IconButton } from '../ui/button.tsx';
import { ActionMenu, type MenuAction } from '../ui/menu.tsx';
import { CutQuestion, MainAction } from './main-action-button.tsx';
import styles from './model-actions.module.css';
import { isNoModel } from './state-chip.tsx';

export function ModelActions({ model }: { readonly model: ModelView }) {
  const { id } = model;
  const [cutting, setCutting] = useState(false);
  return (
    <span className={styles.actions}>
      <MainAction model={model} />
      <ActionMenu
        actions={moreActions(model, () => setCutting(true))}
        trigger={<IconButton icon="more" label={texts.actions.more(id)} small />}
      />
      <CutQuestion model={model} onClose={() => setCutting(false)} open={cutting} />
    </span>
  );
}

function moreActions(model: ModelView, cut: () => void): readonly MenuAction[] {
  const { id, pinned, state, inFlight, copy, blockedReason, canForget } = model;
  const seemsIncomplete = copy !== null || blockedReason === 'incomplete' || blockedReason === 'damaged';
  return [
    ...(isNoModel(model) ? [] : [{ label: texts.common.tryIt, icon: 'playground', onChoose: () => go('playground', id) } as const]),
    { label: texts.common.details, icon: 'file', onChoose: () => go('models', id) },
    { label: texts.actions.decisions, icon: 'decisions', onChoose: () => go('decisions', id) },
    { label: texts.actions.log, icon: 'logs', onChoose: () => go('logs', id) },
    ...(isNoModel(model) && !pinned
      ? []
      : [{ label: pinned ? texts.common.unpin : texts.actions.pin, icon: 'pin', onChoose: () => void pin(id, !pinned) } as const]),
    ...(state === 'ready' && inFlight > 0
      ? [{ label: texts.actions.unloadNowCutting, icon: 'eject', onChoose: cut, danger: true } as const]
      : []),
    ...(seemsIncomplete ? [{ label: texts.actions.loadIncomplete, icon: 'play', onChoose: () => void load(id, true) } as const] : []),
    ...(canForget ? [{ label: texts.actions.forgetOnly, icon: 'trash', onChoose: () => void forget(id), danger: true } as const] : []),
  ];
}
