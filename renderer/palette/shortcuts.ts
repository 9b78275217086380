/**
 * Handles the keyboard shortcuts that work everywhere, and knows which panel is open over the page.
 * Shortcuts of one place (the playground's composer, dialogs) are handled there.
 */
import { create } from 'zustand';
import { go, PAGES, type PageName } from '../route.ts';
import { PAGE_KEYS } from './shortcut-table.ts';

/** What lies over the page, opened by a key, a menu or the palette. */
export type Panel = 'palette' | 'shortcuts' | 'add' | null;

interface PanelState {
  readonly shown: Panel;
  /** Keys without Ctrl or Command work: who dictates or has a tremor can switch them off. */
  readonly singleKeys: boolean;
}

const KEY = 'modelium-single-keys';
/** The second key of `g b` comes within this time. */
const SEQUENCE_MS = 1_500;

export const usePanels = create<PanelState>(() => ({ shown: null, singleKeys: localStorage.getItem(KEY) !== 'off' }));

export function showPanel(shown: Panel): void {
  usePanels.setState({ shown });
}

export function allowSingleKeys(singleKeys: boolean): void {
  localStorage.setItem(KEY, singleKeys ? 'on' : 'off');
  usePanels.setState({ singleKeys });
}

const PANELS: readonly Panel[] = ['palette', 'shortcuts', 'add'];

/**
 * The app's menu opens what lies over the page by an address, `#/do/add`: it stays no address, so
 * that Back and a reload do not open it again.
 */
function followMenu(): void {
  let before = location.hash;
  const follow = (): void => {
    const [, name] = /^#\/do\/(\w+)$/.exec(location.hash) ?? [];
    if (name === undefined) {
      before = location.hash;
      return;
    }
    history.replaceState(null, '', before.startsWith('#/do/') || before === '' ? '#/box' : before);
    // Whoever follows the address heard of the other one.
    dispatchEvent(new HashChangeEvent('hashchange'));
    showPanel(PANELS.find((panel) => panel === name) ?? null);
  };
  follow();
  addEventListener('hashchange', follow);
}

/** From now on the keys that work everywhere do. */
export function followKeys(): void {
  followMenu();
  let sequenceMs = Number.NEGATIVE_INFINITY;
  addEventListener('keydown', (event) => {
    if (event.isComposing || event.defaultPrevented) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      showPanel(usePanels.getState().shown === 'palette' ? null : 'palette');
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !usePanels.getState().singleKeys || isBusy(event.target)) return;
    const goes = performance.now() - sequenceMs < SEQUENCE_MS;
    sequenceMs = Number.NEGATIVE_INFINITY;
    const page = goes ? PAGES.find((name) => (PAGE_KEYS as Partial<Record<PageName, string>>)[name] === event.key) : undefined;
    if (page !== undefined) go(page);
    else if (event.key === 'g') sequenceMs = performance.now();
    else if (event.key === '?') showPanel('shortcuts');
    else if (event.key === 'a') showPanel('add');
    else if (event.key !== '/' || !focusSearch()) return;
    event.preventDefault();
  });
}

/** Somebody writes there, or something lies over the page that has keys of its own. */
function isBusy(target: EventTarget | null): boolean {
  const element = target instanceof HTMLElement ? target : null;
  const writes =
    element?.closest('input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable=true], [role=combobox]') !== null;
  return (element !== null && writes) || document.querySelector('[role=dialog], [role=alertdialog], [role=menu], [role=listbox]') !== null;
}

function focusSearch(): boolean {
  const field = document.querySelector<HTMLInputElement>('#main input[type=search]');
  field?.focus();
  return field !== null;
}
