/** The actions for all selected models. */
import { LOADED_STATES } from '../../../shared/model.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { forget, load, pin, unload } from '../../actions.ts';
import { isNoModel } from '../../components/state-chip.tsx';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import styles from './models-page.module.css';

export function ChosenBar({ models, onDone }: { readonly models: readonly ModelView[]; readonly onDone: () => void }) {
  if (models.length === 0) return null;
  const loadable = models.filter((model) => !LOADED_STATES.has(model.state) && !isNoModel(model));
  const loaded = models.filter(({ state }) => state === 'ready' || state === 'asleep');
  const forgettable = models.filter(({ canForget }) => canForget);
  const each = (of: readonly ModelView[], act: (id: string) => Promise<void>): void => {
    for (const { id } of of) void act(id);
    onDone();
  };
  return (
    <section aria-label={texts.models.chosenModels} className={styles.chosen}>
      <strong>{texts.models.chosen(models.length)}</strong>
      <Button disabled={loadable.length === 0} icon="play" onClick={() => each(loadable, load)} small>
        {texts.models.loadChosen(loadable.length)}
      </Button>
      <Button disabled={loaded.length === 0} icon="eject" onClick={() => each(loaded, unload)} small>
        {texts.models.unloadChosen(loaded.length)}
      </Button>
      <Button icon="pin" onClick={() => each(models, (id) => pin(id, true))} small>
        {texts.common.pin}
      </Button>
      <Button disabled={forgettable.length === 0} icon="trash" onClick={() => each(forgettable, forget)} small>
        {texts.models.forgetChosen(forgettable.length)}
      </Button>
      <Button variant="quiet" onClick={onDone} small>
        {texts.models.chooseNone}
      </Button>
    </section>
  );
}
