/**
 * Every key of the window, in one table: the `?` dialog lists it, and shortcuts.ts carries out
 * those that work everywhere.
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

export interface ShortcutGroup {
  readonly title: string;
  readonly shortcuts: readonly Shortcut[];
}

export function shortcutGroups(): readonly ShortcutGroup[] {
  const pages = Object.entries(PAGE_KEYS).map(([page, key]) => ({ keys: ['g', key], does: `Go to ${TITLES[page as PageName]}` }));
  return [
    {
      title: 'Everywhere',
      shortcuts: [
        { keys: ['Ctrl', 'K'], does: 'Find a page, a model, a setting or an action' },
        { keys: ['?'], does: 'Show this list' },
        { keys: ['a'], does: 'Add a model' },
        { keys: ['/'], does: "Go to the page's search" },
        { keys: ['Esc'], does: 'Close what lies over the page' },
      ],
    },
    { title: 'Pages', shortcuts: pages },
    {
      title: 'Playground',
      shortcuts: [
        { keys: ['Enter'], does: 'Send the message' },
        { keys: ['Shift', 'Enter'], does: 'Begin another line' },
        { keys: ['Esc'], does: 'Stop the answer' },
      ],
    },
  ];
}
