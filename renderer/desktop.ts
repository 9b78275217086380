/**
 * Tells the desktop, if the page runs in the app: the tray's line, and notifications for a user who
 * waits while the window is out of sight. Does nothing in a browser.
 */
import type { Bridge, TrayState } from '../shared/bridge.ts';
import type { StateName } from '../shared/model.ts';
import type { ModelView, Snapshot } from '../shared/snapshot.ts';
import { ask } from './api.ts';
import { bridge } from './bridge.ts';
import { useDrops } from './drop/drops.ts';
import { FailureStreaks } from './failure-streaks.ts';
import { onOpening, onSnapshot } from './link.ts';
import { evictedNotice, hasLeft, noticeOf } from './notices.ts';
import { useWindow } from './store.ts';
import * as texts from './texts.ts';
import { onUnsaved, unsavedCount } from './unsaved.ts';

/** From now on tray and notifications are kept up. */
export function followForDesktop(): void {
  if (bridge === null) return;
  const { showInTray, notify } = bridge;
  let shownText = '';
  let before = new Map<string, ModelView>();
  const streaks = new FailureStreaks();
  // The shell showed that the engine was away: it must hear again how things stand.
  onOpening(() => {
    shownText = '';
  });
  const tell = (state: TrayState): void => {
    const text = JSON.stringify(state);
    if (text !== shownText) showInTray(state);
    shownText = text;
  };
  onUnsaved(() => {
    const { snapshot } = useWindow.getState();
    if (snapshot !== null) tell(trayState(snapshot));
  });
  onSnapshot((snapshot) => {
    tell(trayState(snapshot));
    const isOutOfSight = document.hidden || !document.hasFocus();
    for (const model of snapshot.models) {
      const was = before.get(model.id);
      const isAgain = streaks.isRepeated(model.id, was?.state, model.state);
      if (!isOutOfSight || isAgain) continue;
      const notice = noticeOf(was, model, isDropped(model.id));
      if (notice !== null) notify(notice);
      if (hasLeft(was?.state, model.state)) void notifyWhyItLeft(model.id, notify);
    }
    before = new Map(snapshot.models.map((model) => [model.id, model]));
  });
}

export function trayState({ models }: Pick<Snapshot, 'models'>): TrayState {
  const count = (...states: readonly StateName[]): number => models.filter(({ state }) => states.includes(state)).length;
  const loadedCount = count('ready', 'asleep');
  const loading = count('loading', 'preparing');
  const failed = count('failed');
  const parts = [
    loadedCount === 0 ? texts.notices.noModelLoaded : texts.notices.modelsLoaded(loadedCount),
    ...(loading > 0 ? [texts.notices.loading(loading)] : []),
    ...(failed > 0 ? [texts.notices.failed(failed)] : []),
  ];
  const inFlight = models.reduce((sum, model) => sum + model.inFlight, 0);
  return { sentence: parts.join(', '), loadedCount, inFlight, unsavedCount: unsavedCount() };
}

function isDropped(id: string): boolean {
  return useDrops.getState().drops.some(({ modelId }) => modelId === id);
}

/** For another model: nobody here asked for that. */
async function notifyWhyItLeft(id: string, notify: Bridge['notify']): Promise<void> {
  const query = new URLSearchParams({ model: id, limit: '5' });
  // Where the engine does not answer, the window says so by itself.
  const answer = await ask<'decisions'>('GET', `/control/decisions?${query}`).catch(() => null);
  const notice = evictedNotice(id, answer?.decisions ?? []);
  if (notice !== null) notify(notice);
}
