/**
 * What `modelium check` says of the runtimes without an engine: each is looked for as the engine
 * would.
 */
import type { Settings } from '../../shared/settings.ts';
import type { RuntimeFinding } from '../core/decide/planner.ts';
import { createClock } from '../io/clock.ts';
import { machineFiles } from '../io/files/machine-files.ts';
import { createUpstreams } from '../io/http-client.ts';
import { createProcesses } from '../io/processes/processes.ts';
import { runtimesOf } from '../runtime/adapters.ts';
import type { NodeProgram } from '../runtime/module.ts';
import { Searcher } from '../runtime/searcher.ts';
import { runtimeWorld } from './runtimes.ts';

/** @param file modelium.yaml; null: there is none. @param driver does it show GPUs? */
export async function checkRuntimes(
  { settings, file }: { readonly settings: Settings; readonly file: string | null },
  driver: { readonly isPresent: boolean; readonly why: string },
): Promise<readonly RuntimeFinding[]> {
  const http = createUpstreams();
  const searcher = new Searcher({ clock: createClock(), machineFiles, processes: createProcesses(), http });
  const node: NodeProgram = { command: process.execPath, args: [], env: {} };
  const world = runtimeWorld({ settings, file }, { node, driver, gpu: () => null });
  const found: RuntimeFinding[] = [];
  for (const { check } of runtimesOf(world.settings)) found.push(...(await searcher.search(check(world))));
  await http.close();
  return found;
}
