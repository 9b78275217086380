/**
 * The llama.cpp runtime: serves GGUF files and convertible folders, with one process for each
 * model.
 */
import type { Placement } from '../../../shared/decision.ts';
import type { FormKind, ModelKind } from '../../../shared/profile.ts';
import type { RuntimeFinding } from '../../core/decide/planner.ts';
import { type MachineFacts, type RuntimeModule, TEXT_KINDS } from '../module.ts';
import { packageFolder, type Steps, stats } from '../step.ts';
import { llamaAdapter } from './adapter.ts';
import { findCudaRuntime } from './cuda.ts';
import type { LlamaGpu } from './facts.ts';
import { findGpu } from './gpu.ts';
import { findAmx } from './repacked.ts';

interface Found {
  readonly gpu: LlamaGpu;
  readonly hasAmx: boolean;
  /**
   * What the search rests on: asking llama.cpp takes a second, so it is asked again only when this
   * is another.
   */
  readonly about: string;
}

const NOT_FOUND: Found = { gpu: { usable: false, why: 'no GPU was found', libraryPath: null, isPresent: false }, hasAmx: false, about: '' };

function* find(machine: MachineFacts, before: Found): Steps<Found> {
  const about = JSON.stringify([machine.driver, machine.settings.llama.command]);
  return about === before.about ? before : { gpu: yield* findGpu(machine), hasAmx: yield* findAmx(machine.root), about };
}

/**
 * Without a GPU it comes first: it starts in a second where vLLM takes half a minute and 2 GB more,
 * and is no slower.
 */
function preference(kind: ModelKind, form: FormKind, placement: Placement['kind']): number | null {
  if (form === 'gguf') return 0;
  if (form !== 'transformers' || !TEXT_KINDS.has(kind)) return null;
  return placement === 'cpu' ? -1 : 1;
}

/**
 * Only that its package and the binary for this machine lie there: loading it would take longer
 * than all the rest.
 */
function* check(machine: MachineFacts): Steps<readonly RuntimeFinding[]> {
  const what = 'llama runtime';
  const name = 'node-llama-cpp';
  const binary = `@${name}/${machine.platform.replace('darwin', 'mac').replace('win32', 'win')}`;
  const names = machine.platform === 'darwin-arm64' ? `${binary}-metal` : binary;
  const folder = yield* packageFolder(name);
  const [there] = folder === null ? [null] : yield* stats([`${folder.slice(0, -name.length)}${names}/package.json`]);
  const embedded: RuntimeFinding =
    there == null
      ? { what, verdict: 'wrong', message: `${binary} is not installed: run npm ci in Modelium's folder, with optional packages` }
      : { what, verdict: 'ok', message: `the embedded llama.cpp (${names})` };
  if (!machine.driver.isPresent) return [embedded];
  const { major, message } = yield* findCudaRuntime(machine);
  const cuda = {
    what: 'cuda',
    verdict: major === null ? 'missing' : 'ok',
    message: `${major === null ? 'GPU present, ' : ''}${message}`,
  } as const;
  return [embedded, cuda];
}

export const llama: RuntimeModule<Found> = {
  id: 'llama',
  name: 'llama.cpp',
  unit: 'process',
  isEnabled: (settings) => settings.llama.enabled,
  notFound: NOT_FOUND,
  find,
  adapter: ({ settings, node, programs, cpuCores }, { gpu, hasAmx }) =>
    llamaAdapter({
      settings: settings.llama,
      node,
      serverProgram: programs.embeddedServer,
      convertProgram: programs.convert,
      gpu,
      cpuCores,
      hasAmx,
    }),
  preference,
  check,
  words: { metrics: null },
};
