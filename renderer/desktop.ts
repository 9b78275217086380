/**
 * What the desktop is told where the page runs in the app: the tray's line, and a notification when
 * something ends that a person waits for while the window is out of sight. Does nothing in a
 * browser.
 */
import type { TrayState } from '../shared/bridge.ts';
import type { StateName } from '../shared/model.ts';
import type { ModelView, Snapshot } from '../shared/snapshot.ts';
import { bridge } from './bridge.ts';
import { useDrops } from './drop/drops.ts';
import { onOpening, onSnapshot } from './link.ts';
import { useWindow } from './store.ts';
import { onUnsaved, unsavedCount } from './unsaved.ts';

/** From now on tray and notifications are kept up. */
export function tellDesktop(): void {
  if (bridge === null) return;
  const { showInTray, notify } = bridge;
  let told = '';
  let before = new Map<string, StateName>();
  // The shell showed that the engine was away: it must hear again how things stand.
  onOpening(() => {
    told = '';
  });
  const tell = (state: TrayState): void => {
    const text = JSON.stringify(state);
    if (text !== told) showInTray(state);
    told = text;
  };
  onUnsaved(() => {
    const { snapshot } = useWindow.getState();
    if (snapshot !== null) tell(trayState(snapshot));
  });
  onSnapshot((snapshot) => {
    tell(trayState(snapshot));
    for (const model of snapshot.models) {
      const words = news(before.get(model.id), model);
      if (words !== null && (document.hidden || !document.hasFocus()))
        notify({ title: `${model.id} ${words}`, body: model.message, page: 'models' });
    }
    before = new Map(snapshot.models.map(({ id, state: name }) => [id, name]));
  });
}

export function trayState({ models }: Pick<Snapshot, 'models'>): TrayState {
  const count = (...states: readonly StateName[]): number => models.filter(({ state }) => states.includes(state)).length;
  const loadedCount = count('ready', 'asleep');
  const loading = count('loading', 'preparing');
  const failed = count('failed');
  const parts = [
    loadedCount === 0 ? 'No model is loaded' : `${loadedCount} ${loadedCount === 1 ? 'model' : 'models'} loaded`,
    ...(loading > 0 ? [`${loading} loading`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  const inFlight = models.reduce((sum, model) => sum + model.inFlight, 0);
  return { sentence: parts.join(', '), loadedCount, inFlight, unsavedCount: unsavedCount() };
}

/**
 * `is ready`: what a person waits for. What was dropped here in whatever way it ends; anything else
 * when it fails.
 */
function news(before: StateName | undefined, { id, state }: ModelView): string | null {
  if (before === undefined || before === state) return null;
  if (state === 'failed') return 'failed to load';
  const isDropped = useDrops.getState().drops.some(({ modelId }) => modelId === id);
  if (!isDropped) return null;
  if (state === 'ready') return 'is ready';
  return state === 'blocked' ? 'cannot be served' : null;
}
