/**
 * The names of the IPC channels between preload and main process: a few specific ones, no generic
 * one.
 */
export const CHANNELS = {
  choose: 'modelium:choose',
  notify: 'modelium:notify',
  showInTray: 'modelium:show-in-tray',
  openSettings: 'modelium:open-settings',
  openFolder: 'modelium:open-folder',
  startAtLogin: 'modelium:start-at-login',
} as const;
