/** What can be done to all chosen models at once. */
import type { ModelView } from '../../../shared/snapshot.ts';
import { forget, load, pin, unload } from '../../actions.ts';
import { isNoModel, ON_DEVICE } from '../../components/state-chip.tsx';
import { Button } from '../../ui/button.tsx';
import styles from './models-page.module.css';

export function ChosenBar({ models, onDone }: { readonly models: readonly ModelView[]; readonly onDone: () => void }) {
  if (models.length === 0) return null;
  const loadable = models.filter((model) => !ON_DEVICE.has(model.state) && !isNoModel(model));
  const loaded = models.filter(({ state }) => state === 'ready' || state === 'asleep');
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
      <Button icon="trash" onClick={() => each(models, forget)} small>
        Forget (files stay)
      </Button>
      <Button look="quiet" onClick={onDone} small>
        Choose none
      </Button>
    </section>
  );
}
