/** One model in detail, in five views: overview, plan, settings, log, history. */
import type { ModelView } from '../../../shared/snapshot.ts';
import { isNoModel, StateChip } from '../../components/state-chip.tsx';
import { useModel } from '../../store.ts';
import * as texts from '../../texts.ts';
import { Overlay } from '../../ui/overlays.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { ModelHistory } from './model-history.tsx';
import { ModelLog } from './model-log.tsx';
import { ModelOverview } from './model-overview.tsx';
import { ModelPlan } from './model-plan.tsx';
import { ModelSettings } from './model-settings.tsx';

interface ModelDrawerProps {
  readonly id: string | null;
  readonly onClose: () => void;
}

export function ModelDrawer({ id, onClose }: ModelDrawerProps) {
  const model = useModel(id);
  return (
    <Overlay
      aside={model !== undefined && <StateChip model={model} />}
      onClose={onClose}
      open={id !== null}
      place="right"
      title={model?.id ?? id ?? ''}
    >
      {model === undefined ? <p>{texts.drawer.noModel}</p> : <Tabs key={model.id} label={model.id} views={viewsOf(model)} />}
    </Overlay>
  );
}

/** What is none has nothing to plan and nothing to set; what lies elsewhere takes nothing here. */
function viewsOf(model: ModelView) {
  const hasPlan = !isNoModel(model) && model.profile !== null && model.remote === undefined;
  return [
    { name: texts.drawer.overview, content: <ModelOverview model={model} /> },
    ...(hasPlan ? [{ name: texts.drawer.plan, content: <ModelPlan model={model} /> }] : []),
    ...(isNoModel(model) ? [] : [{ name: texts.window.titles.settings, content: <ModelSettings model={model} /> }]),
    { name: texts.common.log, content: <ModelLog id={model.id} /> },
    { name: texts.drawer.history, content: <ModelHistory model={model} /> },
  ];
}
