/**
 * Starts Modelium, hidden in the tray, when the user logs in: by an autostart file on Linux,
 * through Electron elsewhere. The system holds the present state, because users may change it by
 * hand.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { app, Notification } from 'electron';
import { homeFolder } from '../io/folders.ts';
import { autostartEntry, type Start } from './autostart-entry.ts';
import type { Wanted } from './hosting.ts';
import { errorOf } from './trouble.ts';

export interface Login {
  isOn(): boolean;
  /** What keeps it from being set is told to the person. */
  set(isOn: boolean): void;
}

/** @param changed the menus show it. */
export function loginOf(start: Start, changed: () => void): Login {
  if (process.platform !== 'linux') {
    const settings = { path: start.program, args: [...start.args] };
    return {
      isOn: () => app.getLoginItemSettings(settings).openAtLogin,
      set(isOn) {
        app.setLoginItemSettings({ ...settings, openAtLogin: isOn });
        changed();
      },
    };
  }
  const folder = join(process.env['XDG_CONFIG_HOME'] || join(homeFolder(), '.config'), 'autostart');
  const file = join(folder, 'modelium.desktop');
  return {
    isOn: () => existsSync(file),
    set(isOn) {
      try {
        if (isOn) {
          mkdirSync(folder, { recursive: true });
          writeFileSync(file, autostartEntry(start));
        } else rmSync(file, { force: true });
      } catch (thrown) {
        new Notification({ title: 'Start at login was not changed', body: errorOf(thrown).message }).show();
      }
      changed();
    },
  };
}

/**
 * This program as it runs now; an AppImage is where the person put it, not where it is unpacked.
 */
export function thisStart({ stateFolder, config }: Wanted): Start {
  const program = process.env['APPIMAGE'] ?? process.execPath;
  const own = app.isPackaged ? [] : [app.getAppPath()];
  return { program, args: [...own, '--state-folder', stateFolder, ...(config === null ? [] : ['--config', config]), '--hidden'] };
}
