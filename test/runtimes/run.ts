/**
 * `npm run test:runtimes -- [--full] [arguments of Vitest]`: with `--full` the failures that are
 * recorded are lived through again, ten minutes more.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const FULL = '--full';
const args = process.argv.slice(2);
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const own = ['run', '--config', 'test/runtimes/vitest.config.ts', ...args.filter((argument) => argument !== FULL)];
const env = { ...process.env, ...(args.includes(FULL) ? { MODELIUM_LIVE: '1' } : {}) };
spawn(process.execPath, [vitest, ...own], { stdio: 'inherit', env }).on('exit', (code) => process.exit(code ?? 1));
