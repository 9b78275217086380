/**
 * `modelium check`: shows what is installed, and how to get what is missing. It searches without an
 * engine. If an engine runs, it also shows what that engine found: runtimes, devices and folders.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { toModeliumError } from '../../shared/errors.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../shared/settings.ts';
import type { Snapshot } from '../../shared/snapshot.ts';
import { bytesInWords } from '../../shared/units.ts';
import { connect } from '../client.ts';
import type { RuntimeFinding } from '../core/decide/planner.ts';
import { systemPathProblem } from '../core/notice/models-path.ts';
import { checkRuntimes } from '../engine/check-runtimes.ts';
import { expandHome, modeliumFolders } from '../io/folders.ts';
import { loadSettings } from '../io/settings/settings-file.ts';
import { nameOfDevice } from './devices.ts';
import { paint, printJson, printText, table } from './output.ts';
import type { Shared } from './verb.ts';

export type Finding = RuntimeFinding;

/** A driver that hangs must not hang the check. */
const NVIDIA_SMI_TIMEOUT_MS = 10_000;

export async function check({ stateFolder, json }: Shared, config: string | undefined): Promise<number> {
  const engine = await engineFindings(stateFolder);
  const { findings, settings, file } = await settingsFindings(config, stateFolder);
  const gpu = await gpuFinding(settings);
  const driver = { isPresent: gpu.verdict === 'ok', why: gpu.message };
  const found: Finding[] = [
    { what: 'node', verdict: 'ok', message: `Node ${process.versions.node} at ${process.execPath}` },
    ...findings,
    ...(await folderFindings(stateFolder, settings)),
    gpu,
    // What a running engine has found of them it tells itself.
    ...(engine.running ? [] : await checkRuntimes({ settings: settings ?? DEFAULT_SETTINGS, file }, driver)),
    ...(engine.running ? [] : [await portFinding(settings)]),
    ...engine.findings,
  ];
  if (json) printJson(found);
  else printText(table(['', 'WHAT', 'FOUND'], found.map(row), 'wrap'));
  return found.some(({ verdict }) => verdict === 'wrong') ? 1 : 0;
}

function row({ what, verdict, message }: Finding): readonly string[] {
  const colours = { ok: 'green', missing: 'yellow', wrong: 'red' } as const;
  return [paint(colours[verdict], verdict), what, message];
}

async function settingsFindings(
  config: string | undefined,
  stateFolder: string,
): Promise<{ findings: readonly Finding[]; settings: Settings | null; file: string | null }> {
  try {
    const { file, settings, warnings } = await loadSettings({ config, stateFolder });
    const from = file ?? 'no modelium.yaml: the defaults are in force';
    const findings = [{ what: 'settings', verdict: 'ok', message: from } as const];
    return {
      findings: [...findings, ...warnings.map((message) => ({ what: 'settings', verdict: 'missing', message }) as const)],
      settings,
      file,
    };
  } catch (thrown) {
    return { findings: [{ what: 'settings', verdict: 'wrong', message: toModeliumError(thrown).message }], settings: null, file: null };
  }
}

async function folderFindings(stateFolder: string, settings: Settings | null): Promise<readonly Finding[]> {
  const watched = settings?.orchestration.model_discovery.watch_directories ?? ['~/modelium/incoming'];
  return Promise.all([
    folderFinding('state folder', stateFolder, constants.W_OK),
    folderFinding('cache folder', modeliumFolders().cache, constants.W_OK),
    ...watched.map((folder) => watchFolderFinding(resolve(expandHome(folder)))),
  ]);
}

async function watchFolderFinding(path: string): Promise<Finding> {
  const what = 'watch folder';
  const problem = systemPathProblem(path, await realpath(path).catch(() => path));
  return problem === null ? folderFinding(what, path, constants.R_OK) : { what, verdict: 'wrong', message: problem };
}

async function folderFinding(what: string, path: string, mode: number): Promise<Finding> {
  const found = await stat(path).catch(() => null);
  if (found === null) return { what, verdict: 'missing', message: `${path} does not exist yet` };
  if (!found.isDirectory()) return { what, verdict: 'wrong', message: `${path} is not a folder` };
  const allowed = await access(path, mode | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (allowed) return { what, verdict: 'ok', message: path };
  return { what, verdict: 'wrong', message: `${path} cannot be ${mode === constants.W_OK ? 'written' : 'read'} by this user` };
}

async function gpuFinding(settings: Settings | null): Promise<Finding> {
  const what = 'gpu';
  const command = settings?.gpus.nvidia_smi ?? 'nvidia-smi';
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'];
  try {
    const { stdout } = await promisify(execFile)(command, query, { timeout: NVIDIA_SMI_TIMEOUT_MS });
    return { what, verdict: 'ok', message: stdout.trim().replaceAll('\n', '; ') };
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? `${command} is not installed` : (message.trim().split('\n').at(-1) ?? message);
    return { what, verdict: 'missing', message: `no visible NVIDIA GPU (${why}): models run on the processor` };
  }
}

async function portFinding(settings: Settings | null): Promise<Finding> {
  const { host, port } = settings?.api ?? { host: '127.0.0.1', port: 8000 };
  if (await isPortFree(port, host)) return { what: 'port', verdict: 'ok', message: `${host}:${port} is free for the API` };
  return { what: 'port', verdict: 'wrong', message: `${host}:${port} is taken by another program: set api.port to a free one` };
}

/** Whether one could listen there now. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

async function engineFindings(stateFolder: string): Promise<{ running: boolean; findings: readonly Finding[] }> {
  try {
    const engine = await connect(stateFolder);
    const snapshot = await engine.get<'snapshot'>('/control/snapshot');
    return { running: true, findings: [{ what: 'engine', verdict: 'ok', message: `runs at ${engine.address}` }, ...toFindings(snapshot)] };
  } catch (thrown) {
    return { running: false, findings: [{ what: 'engine', verdict: 'missing', message: toModeliumError(thrown).message }] };
  }
}

/** What the running engine found out: nothing that we could look up faster. */
export function toFindings({ devices, runtimes, watchFolders, settingsProblem }: Snapshot): readonly Finding[] {
  return [
    ...devices.map((device): Finding => {
      const message = `${device.name}${device.simulated ? ' (simulated)' : ''}: ${bytesInWords(device.availableBytes)} of ${bytesInWords(device.totalBytes)} available`;
      return { what: nameOfDevice(device.id, devices), verdict: 'ok', message };
    }),
    ...runtimes.map(
      (runtime): Finding => ({
        what: `runtime ${runtime.id}`,
        verdict: !runtime.enabled ? 'ok' : runtime.isWrong === true ? 'wrong' : runtime.found ? 'ok' : 'missing',
        message: `${runtime.enabled ? '' : 'off in the settings. '}${runtime.message}`,
      }),
    ),
    ...watchFolders.map(
      ({ path, ok, message }): Finding => ({ what: 'watched', verdict: ok ? 'ok' : 'wrong', message: ok ? path : message }),
    ),
    ...(settingsProblem === null ? [] : [{ what: 'settings', verdict: 'wrong', message: settingsProblem } as const]),
  ];
}
