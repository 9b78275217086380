/**
 * The window's menu: hidden until Alt, but its keys always work. Everything about models is in the
 * page.
 */
import { app, Menu, type MenuItemConstructorOptions } from 'electron';

export function setMenu({
  turnTo,
  hide,
  quit,
  developer,
}: {
  /** Shows the window on a route of its page. */
  readonly turnTo: (page: string) => void;
  readonly hide: () => void;
  readonly quit: () => void;
  readonly developer: boolean;
}): void {
  const developers: MenuItemConstructorOptions[] = developer ? [{ type: 'separator' }, { role: 'toggleDevTools' }] : [];
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      {
        label: '&Modelium',
        submenu: [
          { label: 'Open a model ...', accelerator: 'CommandOrControl+O', click: () => turnTo('do/add') },
          { label: 'Settings', accelerator: 'CommandOrControl+,', click: () => turnTo('settings') },
          { type: 'separator' },
          { label: 'Close window', accelerator: 'CommandOrControl+W', click: hide },
          { label: 'Quit', accelerator: 'CommandOrControl+Q', click: quit },
        ],
      },
      {
        label: '&Edit',
        submenu: [
          ...([{ role: 'undo' }, { role: 'redo' }, { type: 'separator' }] as const),
          ...([{ role: 'cut' }, { role: 'copy' }, { role: 'paste' }, { role: 'delete' }, { type: 'separator' }] as const),
          { role: 'selectAll' },
        ],
      },
      {
        label: '&View',
        submenu: [
          ...([{ role: 'resetZoom' }, { role: 'zoomIn' }, { role: 'zoomOut' }, { type: 'separator' }] as const),
          ...([{ role: 'reload' }, { role: 'togglefullscreen' }] as const),
          ...developers,
        ],
      },
      {
        label: '&Help',
        submenu: [
          { label: 'Find and do ...', click: () => turnTo('do/palette') },
          { label: 'Keyboard shortcuts', click: () => turnTo('do/shortcuts') },
          { type: 'separator' },
          { label: 'About Modelium', click: () => app.showAboutPanel() },
        ],
      },
    ]),
  );
}
