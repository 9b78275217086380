/**
 * The store of the page Settings: the settings as the engine sent them, and the user's edits over
 * them, which are kept while other pages are shown, saved or discarded. Knows no single setting.
 */
import { create } from 'zustand';
import type { SettingsView } from '../../../shared/api-settings.ts';
import { toModeliumError } from '../../../shared/errors.ts';
import { ask } from '../../api.ts';
import { reportUnsaved } from '../../unsaved.ts';
import { changesOf, type Edit, type Edits, NO_EDITS, rebased, sortedSentences, withEdit } from './draft.ts';

export interface SettingsState {
  /** Null: not read yet. */
  readonly view: SettingsView | null;
  /** Why it cannot be read. */
  readonly trouble: string | null;
  readonly edits: Edits;
  readonly isSaving: boolean;
  /** What the engine said against the last attempt, by edit, and the rest of it. */
  readonly refused: ReadonlyMap<string, string>;
  readonly refusal: readonly string[];
  /** The file was changed by someone else while there were edits. */
  readonly isChanged: boolean;
  /** What the engine said of the last save; null: nothing was saved since the last edit. */
  readonly saved: readonly string[] | null;
}

const NOTHING_REFUSED = { refused: new Map<string, string>(), refusal: [] } as const;

export const useSettings = create<SettingsState>(() => ({
  view: null,
  trouble: null,
  edits: NO_EDITS,
  isSaving: false,
  isChanged: false,
  saved: null,
  ...NOTHING_REFUSED,
}));

const { getState, setState } = useSettings;

/** Reads them again. Edits stay, over what the file says now. */
export async function readSettings(): Promise<void> {
  try {
    const view = await ask<'settings'>('GET', '/control/settings');
    const { view: before, edits, isChanged } = getState();
    const isOther = before !== null && before.revision !== view.revision;
    const left = rebased(edits, view.given ?? {});
    setState({ view, trouble: null, edits: left, isChanged: left.size > 0 && (isChanged || isOther), ...(isOther ? { saved: null } : {}) });
  } catch (thrown) {
    setState({ trouble: toModeliumError(thrown).message });
  }
}

export function edit(change: Edit): void {
  const { view, edits } = getState();
  setState({ edits: withEdit(edits, view?.given ?? {}, change), ...NOTHING_REFUSED, saved: null });
}

export function discard(): void {
  setState({ edits: NO_EDITS, isChanged: false, ...NOTHING_REFUSED });
}

export function dismissSaved(): void {
  setState({ saved: null });
}

/** All of the edits, or none. */
export async function save(): Promise<void> {
  const { view, edits, isSaving } = getState();
  if (view === null || isSaving || [...edits.values()].some(({ problem }) => problem !== null)) return;
  setState({ isSaving: true, ...NOTHING_REFUSED });
  try {
    const body = { changes: changesOf(edits), revision: view.revision };
    const { notes, ...after } = await ask<'editSettings'>('POST', '/control/settings', { body });
    // Whoever went on typing meanwhile keeps that.
    const later = new Map([...getState().edits].filter(([key, each]) => edits.get(key) !== each));
    setState({ view: after, edits: rebased(later, after.given ?? {}), isChanged: false, saved: notes });
  } catch (thrown) {
    const { code, message } = toModeliumError(thrown);
    const { byKey, rest } = sortedSentences(message, edits);
    setState({ refused: byKey, refusal: rest });
    if (code === 'settings-changed') {
      await readSettings();
      setState({ isChanged: getState().edits.size > 0, refusal: [] });
    }
  } finally {
    setState({ isSaving: false });
  }
}

/** A window that goes away would take the edits along: the browser asks first. */
addEventListener('beforeunload', (event) => {
  if (getState().edits.size === 0) return;
  event.preventDefault();
  // What Chromium asked for before its version 119.
  event.returnValue = true;
});

useSettings.subscribe(({ edits }) => reportUnsaved(edits.size));
