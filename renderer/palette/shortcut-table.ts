/**
 * All keyboard shortcuts of the window, in one table: the `?` dialog lists them, and shortcuts.ts
 * handles those that work everywhere.
 */
import { type PageName, TITLES } from '../route.ts';

export const PAGE_KEYS = {
  box: 'b',
  models: 'm',
  decisions: 'd',
  activity: 'y',
  playground: 'p',
  logs: 'l',
  settings: 's',
} as const satisfies Partial<Record<PageName, string>>;

export interface Shortcut {
  /** As on the keys, one after the other. */
  readonly keys: readonly string[];
  readonly does: string;
}

const APP: readonly Shortcut[] = [
  { keys: ['Ctrl', 'O'], does: 'Open a model' },
  { keys: ['Ctrl', ','], does: 'Show the settings' },
  { keys: ['Ctrl', 'W'], does: 'Close the window; the engine goes on' },
  { keys: ['Ctrl', 'Q'], does: 'Quit' },
];

export interface ShortcutGroup {
  readonly title: string;
  readonly shortcuts: readonly Shortcut[];
}

/** @param isApp the page is in the app, whose menu has keys of its own (main/electron/menu.ts). */
export function shortcutGroups(isApp: boolean): readonly ShortcutGroup[] {
  const pages = Object.entries(PAGE_KEYS).map(([page, key]) => ({ keys: ['g', key], does: `Go to ${TITLES[page as PageName]}` }));
  return [
    {
      title: 'Everywhere',
      shortcuts: [
        { keys: ['Ctrl', 'K'], does: 'Find a page, a model, a setting or an action' },
        { keys: ['?'], does: 'Show this list' },
        { keys: ['a'], does: 'Add a model' },
        { keys: ['/'], does: "Go to the page's search" },
        { keys: ['Esc'], does: 'Close the dialog or panel' },
      ],
    },
    { title: 'Pages', shortcuts: pages },
    {
      title: 'Playground',
      shortcuts: [
        { keys: ['Enter'], does: 'Send the message' },
        { keys: ['Shift', 'Enter'], does: 'Begin another line' },
        { keys: ['Esc'], does: 'Stop the answer, or cancel editing a question' },
      ],
    },
    { title: 'Logs', shortcuts: [{ keys: ['End'], does: 'Follow the newest line, in the list of lines' }] },
    ...(isApp ? [{ title: 'The app', shortcuts: APP }] : []),
  ];
}
