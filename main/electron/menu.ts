/**
 * The window's menu: hidden until Alt is pressed; its shortcuts always work. Actions on models are
 * in the page, not here.
 */
import { app, Menu, type MenuItemConstructorOptions } from 'electron';
import type { Login } from './login.ts';

export function setMenu({
  turnTo,
  hide,
  quit,
  login,
  developer,
}: {
  /** Shows the window on a route of its page. */
  readonly turnTo: (page: string) => void;
  readonly hide: () => void;
  readonly quit: () => void;
  readonly login: Login;
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
          { label: 'Start at login', type: 'checkbox', checked: login.isOn(), click: () => login.set(!login.isOn()) },
          { type: 'separator' },
          { label: 'Close window', accelerator: 'CommandOrControl+W', click: hide },
          { label: 'Quit', accelerator: 'CommandOrControl+Q', click: quit },
        ],
      },
      {
        label: '&Edit',
        submenu: [
          { role: 'undo' },
          { role: 'redo' },
          { type: 'separator' },
          { role: 'cut' },
          { role: 'copy' },
          { role: 'paste' },
          { role: 'delete' },
          { type: 'separator' },
          { role: 'selectAll' },
        ],
      },
      {
        label: '&View',
        submenu: [
          { role: 'resetZoom' },
          { role: 'zoomIn' },
          { role: 'zoomOut' },
          { type: 'separator' },
          { role: 'reload' },
          { role: 'togglefullscreen' },
          ...developers,
        ],
      },
      {
        label: '&Help',
        submenu: [
          { label: 'Search and commands ...', click: () => turnTo('do/palette') },
          { label: 'Keyboard shortcuts', click: () => turnTo('do/shortcuts') },
          { type: 'separator' },
          { label: 'About Modelium', click: () => app.showAboutPanel() },
        ],
      },
    ]),
  );
}
