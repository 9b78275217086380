/** The page's first lines: token, theme, link, and the root of what is drawn. */
import './tokens.css';
import './base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { takeToken } from './api.ts';
import { App } from './app.tsx';
import { tellDesktop } from './desktop.ts';
import { followDevices } from './history.ts';
import { keepLink, reconnect } from './link.ts';
import { followTheme } from './theme.ts';

takeToken();
// Also where the printed address is pasted into a window that is open already.
addEventListener('hashchange', () => {
  if (takeToken()) reconnect();
});
followTheme();
followDevices();
tellDesktop();
void keepLink();

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
