/** The icon in the desktop's tray: what the engine does in one line, and four things to do. */
import { join } from 'node:path';
import { Menu, nativeImage, Tray } from 'electron';
import type { Login } from './login.ts';

export interface TrayActions {
  readonly open: () => void;
  readonly unloadAll: () => void;
  readonly quit: () => void;
  readonly login: Login;
}

export interface TrayIcon {
  /** @param loadedCount null: not known, there is no engine. */
  show(sentence: string, loadedCount: number | null): void;
  /** The login was changed in another menu. */
  redraw(): void;
  close(): void;
}

export function createTray({ open, unloadAll, quit, login }: TrayActions): TrayIcon {
  // `tray@2x.png` beside it is taken on dense screens.
  const tray = new Tray(nativeImage.createFromPath(join(__dirname, 'icons', 'tray.png')));
  let shown = { sentence: '', loadedCount: null as number | null };
  tray.on('click', open);
  const redraw = (): void => {
    const { sentence, loadedCount } = shown;
    tray.setToolTip(`Modelium: ${sentence}`);
    tray.setContextMenu(
      Menu.buildFromTemplate([
        { label: sentence, enabled: false },
        { type: 'separator' },
        { label: 'Open Modelium', click: open },
        { label: 'Unload all models', enabled: (loadedCount ?? 0) > 0, click: unloadAll },
        { type: 'separator' },
        { label: 'Start at login', type: 'checkbox', checked: login.isOn(), click: () => login.set(!login.isOn()) },
        { label: 'Quit', click: quit },
      ]),
    );
  };
  return {
    show(sentence, loadedCount) {
      // A menu that is set again closes under the hand of who reads it.
      if (sentence === shown.sentence && loadedCount === shown.loadedCount) return;
      shown = { sentence, loadedCount };
      redraw();
    },
    redraw,
    close: () => tray.destroy(),
  };
}
