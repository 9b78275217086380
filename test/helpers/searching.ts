/** Searches for runtimes on the real file system, on a machine made for the test. */
import { createClock } from '../../main/io/clock.ts';
import { machineFiles } from '../../main/io/files/machine-files.ts';
import { createProcesses } from '../../main/io/processes/processes.ts';
import { nodeProgram } from '../../main/packaged.ts';
import type { MachineFacts } from '../../main/runtime/module.ts';
import { Searcher } from '../../main/runtime/searcher.ts';
import { DEFAULT_SETTINGS } from '../../shared/settings.ts';

const nobody = () => Promise.reject(new Error('nobody is asked'));

export const searcher = new Searcher({
  clock: createClock(),
  machineFiles,
  processes: createProcesses(),
  http: { request: nobody, upload: nobody },
});

/** A machine without GPUs on which nothing is installed. */
export function searchMachine(change: Partial<MachineFacts> = {}): MachineFacts {
  return {
    settings: DEFAULT_SETTINGS,
    settingsFolder: '/nowhere',
    env: {},
    home: '/nowhere',
    user: { uid: 1000, gid: 1000 },
    root: '/nowhere',
    platform: 'linux-x64',
    cpuCores: 2,
    node: nodeProgram(),
    gpu: () => null,
    instance: { owner: 'a-test', run: 'a-run' },
    programs: { embeddedServer: '/nowhere/server', convert: '/nowhere/convert', findGpu: '/nowhere/find-gpu', rayApp: '/nowhere/ray-app' },
    driver: { isPresent: false, why: 'no GPU' },
    ...change,
  };
}
