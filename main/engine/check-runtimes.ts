/** Searches for the runtimes without an engine, as the engine would, for `modelium check`. */
import type { Settings } from '../../shared/settings.ts';
import type { RuntimeFinding } from '../core/decide/planner.ts';
import { createClock } from '../io/clock.ts';
import { machineFiles } from '../io/files/machine-files.ts';
import { createUpstreams } from '../io/http-client.ts';
import { createProcesses } from '../io/processes/processes.ts';
import { nodeProgram } from '../packaged.ts';
import { runtimesOf } from '../runtime/adapters.ts';
import { Searcher } from '../runtime/searcher.ts';
import { machineFacts } from './runtimes.ts';

/** @param file modelium.yaml; null: there is none. @param driver does it show GPUs? */
export async function checkRuntimes(
  { settings, file }: { readonly settings: Settings; readonly file: string | null },
  driver: { readonly isPresent: boolean; readonly why: string },
): Promise<readonly RuntimeFinding[]> {
  const http = createUpstreams();
  const searcher = new Searcher({ clock: createClock(), machineFiles, processes: createProcesses(), http });
  const node = nodeProgram();
  const machine = machineFacts({ settings, file }, { node, driver, gpu: () => null });
  const found: RuntimeFinding[] = [];
  for (const { check } of runtimesOf(machine.settings)) found.push(...(await searcher.search(check(machine))));
  await http.close();
  return found;
}
