/**
 * Builds the Ray Serve application of a model: name, code, files and options. Pure; it yields a
 * step for the packing.
 */
import type { LoadTarget } from '../adapter.ts';
import type { MachineFacts } from '../module.ts';
import type { Steps } from '../step.ts';
import { type Package, packageOf, uriOf } from './cluster.ts';
import { llmOptions } from './llm.ts';
import { mapped } from './path-map.ts';
import { MOST_UPLOAD_BYTES, type Planned } from './plan.ts';
import type { AppConfig } from './state.ts';

/** What nobody trusted is not even sent: code, and what unpickles. */
const UNTRUSTED = ['.py', '.pyc', '.so', '.bin', '.pt', '.pth', '.pkl', '.pickle', '.ckpt', '.joblib', '.h5', '.msgpack', '.onnx', '.gguf'];

/** All of ours begin so: it tells them from those of others, and of another Modelium. */
export const prefixOf = ({ instance }: MachineFacts): string => `modelium-${instance.owner}-`;

/** As Ray takes it in names and addresses; two models never have one. */
export function nameOf(machine: MachineFacts, modelId: string): string {
  return `${prefixOf(machine)}${modelId.replace(/[^A-Za-z0-9.-]/gu, (character) => `_${character.codePointAt(0)?.toString(16)}_`)}`;
}

/** One of an earlier run, which ended without taking it away. */
export function isLeftover(machine: MachineFacts, { name, args }: AppConfig): boolean {
  return name.startsWith(prefixOf(machine)) && args?.['run'] !== machine.instance.run;
}

export interface Packages {
  readonly code: Package;
  readonly model?: Package;
}

export function* packagesOf(machine: MachineFacts, { path }: LoadTarget, { source, trusted }: Planned): Steps<Packages> {
  const code = yield* packageOf(machine.programs.rayApp);
  if (source !== 'upload') return { code };
  // Below a folder of its own: what lies beside the code could be imported in place of it.
  const packing = { below: 'modelium_model', mostBytes: MOST_UPLOAD_BYTES, without: trusted ? [] : UNTRUSTED };
  return { code, model: yield* packageOf(path, packing) };
}

export function applicationOf(
  machine: MachineFacts,
  { modelId, path }: LoadTarget,
  made: {
    readonly name: string;
    readonly secret: string;
    readonly packages: Packages;
    readonly planned: Planned;
    readonly gpus: number;
  },
): AppConfig {
  const { name, secret, packages, planned, gpus } = made;
  const { source, deployment, task, trusted, llm } = planned;
  const { ray_actor_options: options, ...others } = deployment;
  const given = typeof source === 'object' ? source.at : null;
  const isAddress = given?.includes('://') === true;
  const zip = packages.model === undefined ? (isAddress && given?.startsWith('hf://') === false ? given : null) : uriOf(packages.model);
  const runtimeEnv: Record<string, unknown> = { working_dir: uriOf(packages.code), env_vars: variablesOf(planned, secret, given) };
  if (zip !== null) runtimeEnv['py_modules'] = [zip];
  const args: Record<string, unknown> = {
    model: modelId,
    task,
    trusted,
    run: machine.instance.run,
    source:
      packages.model !== undefined
        ? { package: sha1Of(packages.model) }
        : isAddress
          ? { uri: given }
          : { path: given ?? placeOf(machine, path, source) },
    deployment: { ...others, ray_actor_options: { ...(options as object), num_gpus: llm === null ? gpus : 0 } },
  };
  if (llm !== null) args['llm'] = llmOptions(llm, planned, gpus);
  return {
    name,
    route_prefix: `/${name}`,
    import_path: 'modelium_serve:build',
    args,
    runtime_env: runtimeEnv,
  };
}

/**
 * Names of models are looked up only where a person wrote one. @param given of
 * `models.NAME.ray.source`.
 */
function variablesOf({ env, llm }: Planned, secret: string, given: string | null): Readonly<Record<string, string>> {
  const ofLlm = llm === null ? {} : { VLLM_NO_USAGE_STATS: '1', VLLM_LOGGING_COLOR: '0' };
  const variables = { MODELIUM_KEY: secret, TOKENIZERS_PARALLELISM: 'false', ...ofLlm, ...env };
  return given?.startsWith('hf://') === true ? variables : { ...variables, HF_HUB_OFFLINE: '1' };
}

const sha1Of = ({ name }: Package): string => name.slice('_ray_pkg_'.length, -'.zip'.length);

function placeOf({ settings }: MachineFacts, path: string, source: Planned['source']): string {
  return source === 'mapped' ? (mapped(path, settings.ray_serve.path_map) ?? path) : path;
}
