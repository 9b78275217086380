/** The vLLM runtime: serves Hugging Face folders, with one process group for each. */
import type { FormKind, ModelKind } from '../../../shared/profile.ts';
import { MIB } from '../../../shared/units.ts';
import type { RuntimeFinding } from '../../core/decide/planner.ts';
import { type MachineFacts, type RuntimeModule, TEXT_KINDS } from '../module.ts';
import type { Steps } from '../step.ts';
import { vllmAdapter } from './adapter.ts';
import type { VllmSearch } from './architectures.ts';
import { findVllm } from './install.ts';

const NOT_FOUND: VllmSearch = { install: { found: false, message: 'vLLM has not been searched for yet.' }, about: '' };

function preference(kind: ModelKind, form: FormKind): number | null {
  if (form === 'mistral' || form === 'adapter') return 0;
  if (form === 'transformers') return TEXT_KINDS.has(kind) ? 0 : 1;
  return form === 'gguf' ? 1 : null;
}

function* check(machine: MachineFacts): Steps<readonly RuntimeFinding[]> {
  const what = 'vllm runtime';
  if (machine.settings.vllm.enabled === false) return [{ what, verdict: 'ok', message: 'off in the settings' }];
  const { install: found } = yield* findVllm(machine, NOT_FOUND);
  if (!found.found) return [{ what, verdict: 'missing', message: found.message.replace(/\.$/, '') }];
  const build = found.isCpuBuild ? ', built for processors' : '';
  return [{ what, verdict: 'ok', message: `vLLM ${found.version ?? '(version unknown)'}${build}: ${found.command}` }];
}

export const vllm: RuntimeModule<VllmSearch> = {
  id: 'vllm',
  name: 'vLLM',
  unit: 'process',
  isEnabled: (settings) => settings.vllm.enabled !== false,
  notFound: NOT_FOUND,
  find: findVllm,
  adapter: ({ settings, driver, gpu, cpuCores }, { install }) =>
    vllmAdapter({
      settings: settings.vllm,
      install,
      gpus: driver,
      gpu,
      cpuCores,
      sleeps: settings.orchestration.policies.sleep_after_idle_seconds !== null,
      reserveBytes: settings.gpus.reserve_mb * MIB,
    }),
  preference,
  check,
  words: { metrics: 'vllm:' },
};
