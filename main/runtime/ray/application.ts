/**
 * The application that Ray Serve is given for a model: its name, its code, its files and its
 * options. Pure but for the packing that it asks for.
 */
import type { LoadTarget } from '../adapter.ts';
import type { RuntimeWorld } from '../module.ts';
import type { Steps } from '../step.ts';
import { type Package, packageOf, uriOf } from './cluster.ts';
import { MOST_UPLOAD_BYTES, mapped, type Planned } from './plan.ts';
import type { AppConfig } from './state.ts';

/** What nobody trusted is not even sent: code, and what unpickles. */
const UNTRUSTED = ['.py', '.pyc', '.so', '.bin', '.pt', '.pth', '.pkl', '.pickle', '.ckpt', '.joblib', '.h5', '.msgpack', '.onnx', '.gguf'];

/** All of ours begin so: it tells them from those of others, and of another Modelium. */
export const prefixOf = ({ instance }: RuntimeWorld): string => `modelium-${instance.owner}-`;

/** As Ray takes it in names and addresses; two models never have one. */
export function nameOf(world: RuntimeWorld, modelId: string): string {
  return `${prefixOf(world)}${modelId.replace(/[^A-Za-z0-9.-]/gu, (character) => `_${character.codePointAt(0)?.toString(16)}_`)}`;
}

/** One of an earlier run, which ended without taking it away. */
export function isLeftover(world: RuntimeWorld, { name, args }: AppConfig): boolean {
  return name.startsWith(prefixOf(world)) && args?.['run'] !== world.instance.run;
}

export interface Packages {
  readonly code: Package;
  readonly model?: Package;
}

export function* packagesOf(world: RuntimeWorld, { path }: LoadTarget, { source, trusted }: Planned): Steps<Packages> {
  const code = yield* packageOf(world.programs.rayApp);
  if (source !== 'upload') return { code };
  // Below a folder of its own: what lies beside the code could be imported in place of it.
  const packing = { below: 'modelium_model', mostBytes: MOST_UPLOAD_BYTES, without: trusted ? [] : UNTRUSTED };
  return { code, model: yield* packageOf(path, packing) };
}

export function applicationOf(
  world: RuntimeWorld,
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
  return {
    name,
    route_prefix: `/${name}`,
    import_path: 'modelium_serve:build',
    args: {
      ...{ model: modelId, task, trusted, run: world.instance.run },
      source:
        packages.model !== undefined
          ? { package: sha1Of(packages.model) }
          : isAddress
            ? { uri: given }
            : { path: given ?? placeOf(world, path, source) },
      deployment: { ...others, ray_actor_options: { ...(options as object), num_gpus: gpus } },
      ...(llm === null ? {} : { llm }),
    },
    runtime_env: {
      working_dir: uriOf(packages.code),
      ...(zip === null ? {} : { py_modules: [zip] }),
      env_vars: {
        ...{ MODELIUM_KEY: secret, TOKENIZERS_PARALLELISM: 'false', ...planned.env },
        // Names of models are looked up only where a person wrote one.
        ...(given?.startsWith('hf://') === true ? {} : { HF_HUB_OFFLINE: '1' }),
      },
    },
  };
}

const sha1Of = ({ name }: Package): string => name.slice('_ray_pkg_'.length, -'.zip'.length);

function placeOf({ settings }: RuntimeWorld, path: string, source: Planned['source']): string {
  return source === 'mapped' ? (mapped(path, settings.ray_serve.path_map) ?? path) : path;
}
