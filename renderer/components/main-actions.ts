/** The labels and effects of the main actions. */
import { forget, load, unload } from '../actions.ts';
import { go } from '../route.ts';
import * as texts from '../texts.ts';
import type { IconName } from '../ui/icon.tsx';
import type { MainActionName } from './main-action.ts';

interface MainAction {
  readonly label: string;
  /** In front of the model's name, for readers and in the palette. */
  readonly verb: string;
  readonly icon: IconName;
  run(id: string): void;
}

export const MAIN_ACTIONS: Readonly<Record<MainActionName, MainAction>> = {
  cancel: { label: texts.common.cancel, verb: texts.common.cancel, icon: 'close', run: (id) => void unload(id) },
  unload: { label: texts.actions.unload, verb: texts.actions.unload, icon: 'eject', run: (id) => void unload(id) },
  cut: { label: texts.actions.unloadNow, verb: texts.actions.unloadNow, icon: 'eject', run: (id) => void unload(id, true) },
  load: { label: texts.actions.load, verb: texts.actions.load, icon: 'play', run: (id) => void load(id) },
  'load-again': { label: texts.actions.loadAgain, verb: texts.actions.loadAgain, icon: 'refresh', run: (id) => void load(id) },
  retry: { label: texts.actions.retry, verb: texts.actions.retry, icon: 'refresh', run: (id) => void load(id) },
  forget: { label: texts.common.forget, verb: texts.common.forget, icon: 'trash', run: (id) => void forget(id) },
  'see-code': { label: texts.actions.seeCode, verb: texts.actions.seeCodeOf, icon: 'search', run: (id) => go('models', id) },
};
