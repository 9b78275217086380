/** The actions for all selected models. */
import { LOADED_STATES } from '../../../shared/model.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { forget, load, pin, unload } from '../../actions.ts';
import { isNoModel } from '../../components/state-chip.tsx';
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
    <section aria-label="Chosen models" className={styles.chosen}>
      <strong>{models.length} chosen</strong>
      <Button disabled={loadable.length === 0} icon="play" onClick={() => each(loadable, load)} small>
        Load {loadable.length}
      </Button>
      <Button disabled={loaded.length === 0} icon="eject" onClick={() => each(loaded, unload)} small>
        Unload {loaded.length}
      </Button>
      <Button icon="pin" onClick={() => each(models, (id) => pin(id, true))} small>
        Pin
      </Button>
      <Button disabled={forgettable.length === 0} icon="trash" onClick={() => each(forgettable, forget)} small>
        Forget {forgettable.length} (files stay)
      </Button>
      <Button variant="quiet" onClick={onDone} small>
        Choose none
      </Button>
    </section>
  );
}
