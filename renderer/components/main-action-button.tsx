/** The button of a model's main action: in its row, its card and the playground. */
import { useState } from 'react';
import type { ModelView } from '../../shared/snapshot.ts';
import { unload } from '../actions.ts';
import * as texts from '../texts.ts';
import { Button } from '../ui/button.tsx';
import { Question } from '../ui/overlays.tsx';
import { mainActionOf } from './main-action.ts';
import { MAIN_ACTIONS } from './main-actions.ts';

/** What the state asks for; nothing for what is no model. */
export function MainAction({ model }: { readonly model: ModelView }) {
  const [asks, setAsks] = useState(false);
  const action = mainActionOf(model);
  if (action === null) return null;
  const { label, verb, icon, run } = MAIN_ACTIONS[action];
  return (
    <>
      <Button aria-label={`${verb} ${model.id}`} icon={icon} onClick={() => (action === 'cut' ? setAsks(true) : run(model.id))} small>
        {label}
      </Button>
      <CutQuestion model={model} onClose={() => setAsks(false)} open={asks} />
    </>
  );
}

interface CutQuestionProps {
  readonly model: ModelView;
  readonly open: boolean;
  readonly onClose: () => void;
}

export function CutQuestion({ model: { id, inFlight }, open, onClose }: CutQuestionProps) {
  return (
    <Question
      onClose={onClose}
      onYes={() => void unload(id, true)}
      open={open}
      title={texts.actions.cutQuestion(id)}
      yes={texts.actions.cut}
    >
      {texts.actions.cutMeans(inFlight)}
    </Question>
  );
}
