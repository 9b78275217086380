/**
 * The entry point of the window's process: runs the command line if a verb was given, allows one
 * window for each state folder, and starts the shell. It also makes the settings that Electron
 * needs before it is ready.
 */
import { join } from 'node:path';
import { app } from 'electron';
import { makePrivateFolder } from '../io/engine-file.ts';
import { modeliumFolders } from '../io/folders.ts';
import { readFlags } from './flags.ts';
import { startShell } from './shell.ts';
import { askAfterFailure } from './trouble.ts';
import { becomeCommandLine } from './verb.ts';

const flags = readFlags(process.argv.slice(1), app.isPackaged, process.cwd());
const stateFolder = flags.stateFolder ?? modeliumFolders().state;
if (flags.verb !== null) becomeCommandLine(flags.verb);
if (process.platform === 'linux' && (process.env['DISPLAY'] ?? '') === '' && (process.env['WAYLAND_DISPLAY'] ?? '') === '') {
  process.stderr.write(
    'There is no display (DISPLAY and WAYLAND_DISPLAY are not set): serving without a window, as `modelium serve` does.\n',
  );
  becomeCommandLine(['--state-folder', stateFolder, 'serve', ...(flags.config === null ? [] : ['--config', flags.config])]);
}
void open();

async function open(): Promise<void> {
  // The window must not take memory of a GPU that is there for models.
  app.disableHardwareAcceleration();
  // Who reads our words may go before we do.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  let trouble: unknown = null;
  try {
    makePrivateFolder(stateFolder);
    // Two state folders are two engines, each with a window of its own; Electron's lock goes by
    // this folder.
    const profile = join(stateFolder, 'window');
    makePrivateFolder(profile);
    if (!app.commandLine.hasSwitch('user-data-dir')) app.setPath('userData', profile);
  } catch (thrown) {
    trouble = thrown;
  }
  if (trouble === null && !app.requestSingleInstanceLock()) return app.exit(0);
  await app.whenReady();
  if (trouble === null) return startShell({ stateFolder, config: flags.config }, flags);
  if (!(await askAfterFailure(trouble))) return app.exit(1);
  app.relaunch();
  app.exit(0);
}
