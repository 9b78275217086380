/**
 * Handles a verb given to the packaged binary (`modelium serve`): runs the command line with the
 * binary itself as plain Node.
 */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { nodeProgram, outsideArchive } from '../packaged.ts';

/**
 * Never returns. It must happen in the first turn, synchronously: without a display Electron ends
 * the process in the next one, and `serve` on a machine without a screen is what this is for.
 */
export function becomeCommandLine(args: readonly string[]): never {
  const { command, env } = nodeProgram();
  const program = [outsideArchive(join(__dirname, '..', 'cli.js')), ...args];
  const environment = { ...process.env, ...env };
  // The same process under another name: signals and the exit code are the command line's own.
  if (process.execve !== undefined) process.execve(command, [command, ...program], environment);
  const { status, signal, error } = spawnSync(command, program, { stdio: 'inherit', env: environment });
  if (error !== undefined) process.stderr.write(`modelium: ${command} cannot be started: ${error.message}\n`);
  process.exit(status ?? 128 + (signal === null ? 0 : constants.signals[signal]));
}
