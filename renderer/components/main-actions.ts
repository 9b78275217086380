/** The labels and effects of the main actions. */
import { forget, load, unload } from '../actions.ts';
import { go } from '../route.ts';
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
  cancel: { label: 'Cancel', verb: 'Cancel', icon: 'close', run: (id) => void unload(id) },
  unload: { label: 'Unload', verb: 'Unload', icon: 'eject', run: (id) => void unload(id) },
  cut: { label: 'Unload now', verb: 'Unload now', icon: 'eject', run: (id) => void unload(id, true) },
  load: { label: 'Load', verb: 'Load', icon: 'play', run: (id) => void load(id) },
  'load-again': { label: 'Load again', verb: 'Load again', icon: 'refresh', run: (id) => void load(id) },
  retry: { label: 'Retry', verb: 'Retry', icon: 'refresh', run: (id) => void load(id) },
  forget: { label: 'Forget', verb: 'Forget', icon: 'trash', run: (id) => void forget(id) },
  'see-code': { label: 'See code', verb: 'See code of', icon: 'search', run: (id) => go('models', id) },
};
