/**
 * Runs sandboxed before the page: exposes the bridge of shared/bridge.ts as `window.modelium`, and
 * nothing else. No part of Electron is exposed: each function sends one message to the main
 * process, which checks the sender.
 */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type { Bridge } from '../../shared/bridge.ts';
import { CHANNELS } from './channels.ts';

const bridge: Bridge = {
  pathsOf: (items) => Array.from(items, pathOf),
  choose: (what) => ipcRenderer.invoke(CHANNELS.choose, what) as Promise<readonly string[]>,
  notify: ({ title, body, page }) => ipcRenderer.send(CHANNELS.notify, { title, body, page }),
  showInTray: ({ sentence, loadedCount, inFlight, unsavedCount }) =>
    ipcRenderer.send(CHANNELS.showInTray, { sentence, loadedCount, inFlight, unsavedCount }),
  openSettings: () => ipcRenderer.send(CHANNELS.openSettings),
  openFolder: (path) => ipcRenderer.send(CHANNELS.openFolder, path),
  startAtLogin: (wish) => ipcRenderer.invoke(CHANNELS.startAtLogin, wish) as Promise<boolean>,
};

/**
 * Electron 32 moved a file's path out of the page's reach, into `webUtils`; before that it lay on
 * the file itself.
 */
function pathOf(item: unknown): string {
  if (!(item instanceof File)) return '';
  const getPathForFile = (webUtils as Partial<typeof webUtils> | undefined)?.getPathForFile;
  const path = getPathForFile === undefined ? (item as { readonly path?: unknown }).path : getPathForFile(item);
  return typeof path === 'string' ? path : '';
}

contextBridge.exposeInMainWorld('modelium', bridge);
