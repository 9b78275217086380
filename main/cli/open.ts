/**
 * `modelium open`: prints the window's address with the control token, or opens it in the desktop's
 * browser.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../client.ts';
import { print, printAside, printJson } from './output.ts';
import type { Shared } from './verb.ts';

export async function open({ stateFolder, json }: Shared, inBrowser: boolean): Promise<number> {
  const { address, token } = await connect(stateFolder);
  const url = `${address}/#token=${token}`;
  if (json) printJson({ address, url });
  else print(url);
  return inBrowser && !(await openBrowser(stateFolder, url)) ? 1 : 0;
}

/**
 * Through a private page that leads there: a command line is seen by every user of the machine, and
 * the token must not be.
 */
async function openBrowser(stateFolder: string, url: string): Promise<boolean> {
  const page = join(stateFolder, 'open.html');
  writeFileSync(page, `<!doctype html><meta http-equiv="refresh" content="0;url=${url}"><title>Modelium</title>\n`, { mode: 0o600 });
  const child = spawn('xdg-open', [page], { stdio: 'ignore', detached: true });
  return new Promise((resolve) => {
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
    child.once('error', ({ message }) => {
      printAside(`No browser could be opened (${message}): open the address above yourself.`);
      resolve(false);
    });
  });
}
