/**
 * Opens external links: shows the address first, then opens it in the desktop's browser. Models can
 * write links and a page could open one by itself, so each link needs a click on a button that the
 * page cannot reach.
 */
import { dialog, shell } from 'electron';

const SHOWN_LIMIT = 500;

let isAsking = false;

/**
 * One question at a time; what is asked for meanwhile is dropped. Anything but a web address is
 * refused in silence.
 */
export async function offerOutside(url: string): Promise<void> {
  if (isAsking || !isWebAddress(url)) return;
  isAsking = true;
  try {
    const { response } = await dialog.showMessageBox({
      type: 'question',
      title: 'Modelium',
      message: 'Open this address in your browser?',
      detail: url.length > SHOWN_LIMIT ? `${url.slice(0, SHOWN_LIMIT)} ... (${url.length} characters)` : url,
      buttons: ['Open', 'Cancel'],
      defaultId: 1,
      cancelId: 1,
      noLink: true,
    });
    if (response === 0) await shell.openExternal(url).catch(() => undefined);
  } finally {
    isAsking = false;
  }
}

function isWebAddress(url: string): boolean {
  try {
    const { protocol, username, password } = new URL(url);
    return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '';
  } catch {
    return false;
  }
}
