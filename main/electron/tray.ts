/** The icon in the desktop's tray: what the engine does in one line, and three things to do. */
import { join } from 'node:path';
import { Menu, nativeImage, Tray } from 'electron';

export interface TrayActions {
  readonly open: () => void;
  readonly unloadAll: () => void;
  readonly quit: () => void;
}

export interface TrayIcon {
  /** @param loadedCount null: not known, there is no engine. */
  show(sentence: string, loadedCount: number | null): void;
  close(): void;
}

export function createTray({ open, unloadAll, quit }: TrayActions): TrayIcon {
  // `tray@2x.png` beside it is taken on dense screens.
  const tray = new Tray(nativeImage.createFromPath(join(__dirname, 'icons', 'tray.png')));
  let shown = '';
  tray.on('click', open);
  return {
    show(sentence, loadedCount) {
      // A menu that is set anew closes under the hand of who reads it.
      const next = `${sentence}\n${loadedCount}`;
      if (next === shown) return;
      shown = next;
      tray.setToolTip(`Modelium: ${sentence}`);
      tray.setContextMenu(
        Menu.buildFromTemplate([
          { label: sentence, enabled: false },
          { type: 'separator' },
          { label: 'Open Modelium', click: open },
          { label: 'Unload all models', enabled: (loadedCount ?? 0) > 0, click: unloadAll },
          { type: 'separator' },
          { label: 'Quit', click: quit },
        ]),
      );
    },
    close: () => tray.destroy(),
  };
}
