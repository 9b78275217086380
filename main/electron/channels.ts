/** The names under which preload and main process speak: three, and nothing generic. */
export const CHANNELS = { choose: 'modelium:choose', notify: 'modelium:notify', showInTray: 'modelium:show-in-tray' } as const;
