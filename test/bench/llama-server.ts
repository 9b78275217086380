/**
 * llama.cpp's own server of the very release that node-llama-cpp carries, built from the source
 * bundle inside that package: what the embedded server is measured against. Built once, into a
 * cache outside the project; takes minutes, cmake and a C++ compiler.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'modelium-tests', 'llama-server');
const OPTIONS = [
  'CMAKE_BUILD_TYPE=Release',
  'LLAMA_OPENSSL=OFF',
  'LLAMA_BUILD_TESTS=OFF',
  'LLAMA_BUILD_EXAMPLES=OFF',
  'BUILD_SHARED_LIBS=OFF',
];

/** @returns the path of the program. @throws Error with what is missing. */
export function llamaServer(): string {
  const packed = join(dirname(fileURLToPath(import.meta.resolve('node-llama-cpp'))), '..', 'llama');
  const { release } = JSON.parse(readFileSync(join(packed, 'binariesGithubRelease.json'), 'utf8')) as { release: string };
  const folder = join(CACHE, release);
  const program = join(folder, 'build', 'bin', 'llama-server');
  if (existsSync(program)) return program;
  console.log(`Building llama-server ${release} into ${folder} (minutes) ...`);
  mkdirSync(folder, { recursive: true });
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  if (!existsSync(join(folder, 'source')))
    run('git', '-c', 'advice.detachedHead=false', 'clone', '-q', join(packed, 'gitRelease.bundle'), 'source');
  run('cmake', '-S', 'source', '-B', 'build', ...OPTIONS.map((option) => `-D${option}`));
  run('cmake', '--build', 'build', '--target', 'llama-server', '-j', '1');
  return program;
}
