/** Starts the page: token, theme, link, and the root component. */
import './tokens.css';
import './base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { bridge } from './bridge.ts';
import { followForDesktop } from './desktop.ts';
import { followFreed } from './freed.ts';
import { followDevices } from './history.ts';
import { followParts } from './later.tsx';
import { keepLink, reconnect } from './link.ts';
import { followKeys } from './palette/shortcuts.ts';
import { isAlone, takeToken } from './session.ts';
import { followTheme } from './theme.ts';

takeToken();
// Also where the printed address is pasted into a window that is open already.
addEventListener('hashchange', () => {
  if (takeToken()) reconnect();
});
// While the engine is away, whoever holds its port would be asked for the page. In the app, the
// shell lets nothing load from there.
addEventListener('beforeunload', (event) => {
  if (bridge === null && isAlone()) event.preventDefault();
});
followTheme();
followDevices();
followFreed();
followKeys();
followForDesktop();
followParts();
void keepLink();

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
