/**
 * The entries of the palette: pages, models with their actions, settings, and general actions.
 * Pure, except for the effect of choosing an entry.
 */

import type { ModelView } from '../../shared/snapshot.ts';
import { forget, pin, rescanRuntimes, unload } from '../actions.ts';
import { type MainActionName, mainActionOf } from '../components/main-action.ts';
import { MAIN_ACTIONS } from '../components/main-actions.ts';
import { isNoModel, stateWord } from '../components/state-chip.tsx';
import { getSample } from '../pages/models/get-sample.tsx';
import { startAnew, usePlayground } from '../pages/playground/conversation.ts';
import { go, PAGES, TITLES } from '../route.ts';
import * as texts from '../texts.ts';
import { chooseTheme, THEMES } from '../theme.ts';
import type { IconName } from '../ui/icon.tsx';
import { showPanel } from './shortcuts.ts';

export interface Command {
  readonly id: string;
  readonly label: string;
  /** What kind of thing it is, or its state: beside the label. */
  readonly hint: string;
  readonly icon: IconName;
  /** Found by these words too. */
  readonly words: string;
  run(): void;
}

/** A key of the settings, as modelium.yaml has it. */
export interface SettingKey {
  readonly name: string;
  readonly section: string;
  readonly description: string;
}

const SHOWN = 40;
/** An action is found by these words too. */
const MORE_WORDS: Readonly<Partial<Record<MainActionName, string>>> = texts.palette.searchWords;

export function commandsOf(models: readonly ModelView[], settings: readonly SettingKey[]): readonly Command[] {
  return [
    ...PAGES.map(
      (page): Command => ({
        id: `page ${page}`,
        label: TITLES[page],
        hint: texts.palette.page,
        icon: page,
        words: texts.palette.searchWords.page,
        run: () => go(page),
      }),
    ),
    ...models.flatMap(commandsOfModel),
    ...GENERAL,
    ...loadedCommand(models),
    ...settings.map(({ name, section, description }): Command => {
      return {
        id: `setting ${name}`,
        label: name,
        hint: texts.common.setting,
        icon: 'settings',
        words: description,
        run: () => go('settings', section),
      };
    }),
  ];
}

const GENERAL: readonly Command[] = [
  {
    id: 'add',
    label: texts.common.addModel,
    hint: texts.common.action,
    icon: 'plus',
    words: texts.palette.searchWords.addModel,
    run: () => showPanel('add'),
  },
  {
    id: 'sample',
    label: texts.palette.getSample,
    hint: texts.common.action,
    icon: 'drop',
    words: texts.palette.searchWords.getSample,
    run: fetchSample,
  },
  {
    id: 'new chat',
    label: texts.common.newChat,
    hint: texts.common.action,
    icon: 'playground',
    words: texts.palette.searchWords.newChat,
    run: beginChat,
  },
  {
    id: 'rescan',
    label: texts.common.rescanRuntimes,
    hint: texts.common.action,
    icon: 'refresh',
    words: texts.palette.searchWords.rescanRuntimes,
    run: () => void rescanRuntimes(),
  },
  {
    id: 'shortcuts',
    label: texts.shortcuts.title,
    hint: texts.common.action,
    icon: 'more',
    words: texts.palette.searchWords.shortcuts,
    run: () => showPanel('shortcuts'),
  },
  ...THEMES.map((theme): Command => {
    return {
      id: `theme ${theme}`,
      label: texts.palette.theme(texts.window.themes[theme]),
      hint: texts.common.action,
      icon: theme === 'dark' ? 'moon' : theme === 'light' ? 'sun' : 'screen',
      words: texts.palette.searchWords.theme,
      run: () => chooseTheme(theme),
    };
  }),
];

/** Where it is followed. */
function fetchSample(): void {
  getSample();
  go('models');
}

/** With the model that was asked last. */
function beginChat(): void {
  const { chosen } = usePlayground.getState();
  if (chosen !== null) startAnew(chosen);
  go('playground', chosen);
}

function loadedCommand(models: readonly ModelView[]): readonly Command[] {
  const idle = models.filter(({ state, inFlight, pinned }) => (state === 'ready' || state === 'asleep') && inFlight === 0 && !pinned);
  if (idle.length === 0) return [];
  const run = (): void => {
    for (const { id } of idle) void unload(id);
  };
  return [
    {
      id: 'unload all',
      label: texts.palette.unloadIdle(idle.length),
      hint: texts.common.action,
      icon: 'eject',
      words: texts.palette.searchWords.unloadIdle,
      run,
    },
  ];
}

function commandsOfModel(model: ModelView): readonly Command[] {
  const { id, state, pinned, aliases, canForget } = model;
  const words = aliases.join(' ');
  const of = (verb: string, icon: IconName, run: () => void, more = ''): Command => {
    return { id: `${verb} ${id}`, label: `${verb} ${id}`, hint: texts.common.action, icon, words: `${words} ${more}`, run };
  };
  const own: Command = {
    id: `model ${id}`,
    label: id,
    hint: texts.palette.model(stateWord(state).toLowerCase()),
    icon: 'models',
    words,
    run: () => go('models', id),
  };
  if (isNoModel(model)) return [own];
  const main = mainActionOf(model);
  // What would cut requests is asked first, in the model's row.
  const action = main === null || main === 'cut' ? null : MAIN_ACTIONS[main];
  return [
    own,
    ...(action === null ? [] : [of(action.verb, action.icon, () => action.run(id), main === null ? '' : MORE_WORDS[main])]),
    of(texts.palette.try, 'playground', () => go('playground', id), texts.palette.searchWords.try),
    of(texts.palette.logOf, 'logs', () => go('logs', id)),
    of(texts.palette.decisionsOn, 'decisions', () => go('decisions', id), texts.palette.searchWords.decisionsOn),
    of(pinned ? texts.common.unpin : texts.common.pin, 'pin', () => void pin(id, !pinned)),
    ...(canForget && main !== 'forget' ? [of(texts.common.forget, 'trash', () => void forget(id), texts.palette.searchWords.forget)] : []),
  ];
}

/**
 * Those with every typed word, labels that begin with them first; without a word, in the list's
 * order.
 */
export function found(commands: readonly Command[], typed: string): readonly Command[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const ranked = commands.flatMap((command) => {
    const rank = rankOf(command, words);
    return rank === null ? [] : [{ command, rank }];
  });
  // The sort is stable: equals stay in the list's order.
  return ranked
    .sort((first, second) => first.rank - second.rank)
    .slice(0, SHOWN)
    .map(({ command }) => command);
}

/** The smaller the better; null: a word is nowhere. */
function rankOf({ label, hint, words: more }: Command, words: readonly string[]): number | null {
  const name = label.toLowerCase();
  const all = `${name} ${hint.toLowerCase()} ${more.toLowerCase()}`;
  if (!words.every((word) => all.includes(word))) return null;
  const [first = ''] = words;
  if (name === words.join(' ')) return 0;
  if (name.startsWith(first)) return 1;
  return words.every((word) => name.includes(word)) ? 2 : 3;
}
