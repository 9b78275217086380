/** The names under which preload and main process speak: a few, and nothing generic. */
export const CHANNELS = {
  choose: 'modelium:choose',
  notify: 'modelium:notify',
  showInTray: 'modelium:show-in-tray',
  openSettings: 'modelium:open-settings',
  openFolder: 'modelium:open-folder',
} as const;
