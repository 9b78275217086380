/**
 * `modelium service`: manages the user's systemd unit, which runs `modelium serve` from login on.
 * The window finds that engine and attaches to it.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ModeliumError } from '../../shared/errors.ts';
import { homeFolder } from '../io/folders.ts';
import { nodeProgram } from '../packaged.ts';
import { print, printAside, printJson } from './output.ts';
import type { Shared } from './verb.ts';

const WRONG_USE = 2;
const UNIT = 'modelium.service';

export interface ServiceOptions {
  readonly config: string | undefined;
  /** Enabled and started once it is written. */
  readonly isStarted: boolean;
}

export async function service({ stateFolder, json }: Shared, action: string, { config, isStarted }: ServiceOptions): Promise<number> {
  const file = join(process.env['XDG_CONFIG_HOME'] || join(homeFolder(), '.config'), 'systemd', 'user', UNIT);
  switch (action) {
    case 'install': {
      if (config !== undefined && !existsSync(config)) throw new ModeliumError('path-invalid', `There is no settings file ${config}.`);
      const { command: node, args, env } = nodeProgram();
      const command = [node, ...args, resolve(process.argv[1] ?? ''), '--state-folder', stateFolder, 'serve'];
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, unitText([...command, ...(config === undefined ? [] : ['--config', resolve(config)])], env));
      const trouble = isStarted ? ((await systemctl('daemon-reload')) ?? (await systemctl('enable', '--now', UNIT))) : null;
      if (json) printJson({ file, started: isStarted && trouble === null });
      else print(`Wrote ${file}.${isStarted && trouble === null ? ' It runs, and starts with your login.' : ''}`);
      if (!isStarted) print(`Start it: systemctl --user daemon-reload && systemctl --user enable --now ${UNIT}`);
      if (trouble !== null) return reportRefusal(trouble);
      if (isStarted && !json) print(`Its log: journalctl --user -u modelium -f. Before login too: loginctl enable-linger`);
      return 0;
    }
    case 'uninstall': {
      if (!existsSync(file)) throw new ModeliumError('path-invalid', `There is no service: ${file} is not there.`);
      await systemctl('disable', '--now', UNIT);
      await rm(file);
      await systemctl('daemon-reload');
      if (json) printJson({ file });
      else print(`Removed ${file}.`);
      return 0;
    }
    case 'status': {
      const trouble = existsSync(file) ? await systemctl('is-active', '--quiet', UNIT) : 'it is not installed';
      if (json) printJson({ file, active: trouble === null });
      else print(trouble === null ? `The service runs (${file}).` : `The service does not run: ${trouble}.`);
      return trouble === null ? 0 : 1;
    }
    default:
      printAside(`error: unknown action ${action}: use install, uninstall or status`);
      return WRONG_USE;
  }
}

function reportRefusal(trouble: string): number {
  printAside(`systemd did not take it: ${trouble}. Start it by hand: systemctl --user enable --now ${UNIT}`);
  return 1;
}

/** @param command each word is quoted as systemd reads it: a `%` or a `$` means something there. */
export function unitText(command: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const words = command.map(
    (word) => `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`,
  );
  return `[Unit]
Description=Modelium: serves models on this machine
After=network.target

[Service]
${Object.entries(env)
  .map(([name, value]) => `Environment=${name}=${value}\n`)
  .join('')}ExecStart=${words.join(' ')}
Restart=on-failure
RestartSec=5
# Models in use are drained before the engine ends.
TimeoutStopSec=120
KillMode=mixed

[Install]
WantedBy=default.target
`;
}

/** Null: it went well; else why not. */
async function systemctl(...words: readonly string[]): Promise<string | null> {
  try {
    await promisify(execFile)('systemctl', ['--user', ...words], { timeout: 60_000 });
    return null;
  } catch (thrown) {
    const { code, stderr = '', message } = thrown as Error & { readonly code?: number | string; readonly stderr?: string };
    if (code === 'ENOENT') return 'there is no systemctl here';
    return stderr.trim().split('\n')[0] || (typeof code === 'number' ? `systemctl ended with ${code}` : message);
  }
}
