/**
 * All keyboard shortcuts of the window, in one table: the `?` dialog lists them, and shortcuts.ts
 * handles those that work everywhere.
 */
import { type PageName, TITLES } from '../route.ts';
import * as texts from '../texts.ts';

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
  { keys: ['Ctrl', 'O'], does: texts.shortcuts.openModel },
  { keys: ['Ctrl', ','], does: texts.shortcuts.showSettings },
  { keys: ['Ctrl', 'W'], does: texts.shortcuts.closeWindow },
  { keys: ['Ctrl', 'Q'], does: texts.shortcuts.quit },
];

export interface ShortcutGroup {
  readonly title: string;
  readonly shortcuts: readonly Shortcut[];
}

/** @param isApp the page is in the app, whose menu has keys of its own (main/electron/menu.ts). */
export function shortcutGroups(isApp: boolean): readonly ShortcutGroup[] {
  const pages = Object.entries(PAGE_KEYS).map(([page, key]) => ({
    keys: ['g', key],
    does: texts.shortcuts.goTo(TITLES[page as PageName]),
  }));
  return [
    {
      title: texts.shortcuts.everywhere,
      shortcuts: [
        { keys: ['Ctrl', 'K'], does: texts.shortcuts.find },
        { keys: ['?'], does: texts.shortcuts.showList },
        { keys: ['a'], does: texts.common.addModel },
        { keys: ['/'], does: texts.shortcuts.pageSearch },
        { keys: ['Esc'], does: texts.shortcuts.close },
      ],
    },
    { title: texts.window.pages, shortcuts: pages },
    {
      title: texts.window.titles.playground,
      shortcuts: [
        { keys: ['Enter'], does: texts.shortcuts.send },
        { keys: ['Shift', 'Enter'], does: texts.shortcuts.newLine },
        { keys: ['Esc'], does: texts.shortcuts.stop },
      ],
    },
    { title: texts.window.titles.logs, shortcuts: [{ keys: ['End'], does: texts.shortcuts.follow }] },
    ...(isApp ? [{ title: texts.shortcuts.app, shortcuts: APP }] : []),
  ];
}
