/** Which models Ray Serve takes, and the application of each. Pure. */
import type { LaunchPlan, Placement } from '../../../shared/decision.ts';
import type { ModelForm, ModelProfile } from '../../../shared/profile.ts';
import type { Settings } from '../../../shared/settings.ts';
import { MIB } from '../../../shared/units.ts';
import type { LaunchSettings, Support } from '../../core/decide/planner.ts';
import type { RayFound } from './find.ts';
import { LLM_DEPLOYMENT, LLM_REQUESTS_PER_REPLICA, type PlannedLlm, planLlm } from './llm.ts';
import { mapped } from './path-map.ts';
import { scaling } from './scaling.ts';

/** Requests that a replica is given at once; it works on one, the others wait beside it. */
const REQUESTS_PER_REPLICA = 4;
/** Of Ray's own bound of 100 MiB for a package. */
export const MOST_UPLOAD_BYTES = 90 * MIB;
/** The tokenizer and whatever lies beside the weights. */
const BESIDE_WEIGHTS_BYTES = 2 * MIB;

export type Task = 'generate' | 'embed' | 'classify' | 'rank' | 'image' | 'zero-shot-image' | 'speech';

/**
 * What the plan's last argument holds as JSON, behind the lines for people of `told.ts`: the
 * application, but for what each load adds (its name, its key, where the files are).
 */
export interface Planned {
  readonly task: Task;
  readonly trusted: boolean;
  /**
   * `here`: the cluster reads the folder where it lies; `mapped`: where ray_serve.path_map says;
   * `upload`: it is given the files.
   */
  readonly source: 'here' | 'mapped' | 'upload' | { readonly at: string };
  /** Options of the deployment, by Ray's names. `num_gpus` null: 1 where the cluster has any. */
  readonly deployment: Readonly<Record<string, unknown>>;
  readonly gpus: number | null;
  readonly env: Readonly<Record<string, string>>;
  /** Null: transformers computes. */
  readonly llm: PlannedLlm | null;
}

export function plannedIn({ args }: LaunchPlan): Planned {
  return JSON.parse(args.at(-1) ?? '{}') as Planned;
}

/** @returns the task, or a sentence why there is none. */
function taskOf({ kind, architecture }: ModelProfile): Task | { readonly why: string } {
  if (/^(?:CLIP|Siglip2?|AltCLIP|ChineseCLIP)Model$/.test(architecture)) return 'zero-shot-image';
  if (kind === 'chat' || kind === 'completion') return 'generate';
  if (kind === 'embedding') return 'embed';
  if (kind === 'reranker') return 'rank';
  if (kind === 'classifier' && /ForSequenceClassification$/.test(architecture)) return 'classify';
  if (kind === 'speech' && /(?:ForSpeechSeq2Seq|ForSpeechToText|ForCTC|^WhisperForConditionalGeneration)$/.test(architecture))
    return 'speech';
  if (kind === 'vision' && /ForImageClassification/.test(architecture)) return 'image';
  return { why: `Modelium's application for Ray has no task for ${architecture} (${kind}).` };
}

export function supports(profile: ModelProfile, form: ModelForm): Support {
  if (form.kind !== 'transformers') return { supported: false, why: `Ray Serve takes Hugging Face folders; this is ${form.kind}` };
  const task = taskOf(profile);
  if (typeof task !== 'string') return { supported: false, why: task.why };
  if (form.unloadable !== undefined) return { supported: false, why: `transformers would refuse it: ${form.unloadable}` };
  return { supported: true, why: `Ray Serve runs it with transformers (task: ${task}).` };
}

export function plan(
  { found, settings, server }: { readonly found: RayFound; readonly settings: Settings['ray_serve']; readonly server: string },
  profile: ModelProfile,
  form: ModelForm,
  placement: Placement,
  launch: LaunchSettings,
): LaunchPlan {
  const { ray, path, context } = launch;
  const isOwn = found.cluster === null;
  const task = taskOf(profile);
  const { replicas = 1, autoscaling, cpus, resources = {}, devices } = ray ?? {};
  const chosen = isOwn ? placement.gpus : devices;
  // With exact devices the cluster is told of none: it would choose others.
  const gpus = chosen !== undefined || isOwn ? 0 : (ray?.gpus ?? null);
  const llm = ray?.llm === true && isText(profile) ? planLlm(profile, launch) : null;
  const requests = requestsPerReplica(llm);
  const planned: Planned = {
    task: typeof task === 'string' ? task : 'generate',
    trusted: form.codeFiles.length > 0,
    source: sourceOf(found, settings, profile, { ray, path }) ?? 'here',
    deployment: {
      ...(autoscaling === undefined ? { num_replicas: replicas } : { autoscaling_config: scaling(autoscaling) }),
      max_ongoing_requests: requests,
      ...(llm === null ? {} : LLM_DEPLOYMENT),
      ray_actor_options: { num_cpus: cpus ?? (isOwn ? 0 : 1), ...(Object.keys(resources).length > 0 ? { resources } : {}) },
    },
    gpus,
    // An empty list hides every GPU.
    env: chosen === undefined ? {} : { CUDA_VISIBLE_DEVICES: chosen.join(','), CUDA_DEVICE_ORDER: 'PCI_BUS_ID' },
    llm,
  };
  return {
    runtime: 'ray',
    form: form.kind,
    file: form.files[0] ?? '',
    placement,
    server,
    args: [JSON.stringify(planned)],
    env: {},
    contextTokens: context ?? profile.contextLength ?? 0,
    parallelSequences: requests * (autoscaling?.max ?? replicas),
  };
}

export const requestsPerReplica = (llm: PlannedLlm | null): number => (llm === null ? REQUESTS_PER_REPLICA : LLM_REQUESTS_PER_REPLICA);
const isText = ({ kind }: ModelProfile): boolean => kind === 'chat' || kind === 'completion';

/** How the cluster gets the files; null: it cannot. */
export function sourceOf(
  { cluster }: RayFound,
  { path_map }: Settings['ray_serve'],
  { weightBytes }: ModelProfile,
  { ray, path }: Pick<LaunchSettings, 'ray' | 'path'>,
): Planned['source'] | null {
  if (ray?.source !== undefined) return { at: ray.source };
  if (cluster === null) return 'here';
  if (path !== undefined && mapped(path, path_map) !== null) return 'mapped';
  if (cluster.isLocal && Object.keys(path_map).length === 0) return 'here';
  return weightBytes + BESIDE_WEIGHTS_BYTES <= MOST_UPLOAD_BYTES ? 'upload' : null;
}

/** A sentence where the cluster could not read the folder. */
export function lacks(found: RayFound, settings: Settings['ray_serve'], ray: LaunchSettings, profile: ModelProfile): string | null {
  if (found.cluster === null || sourceOf(found, settings, profile, ray) !== null) return null;
  const megabytes = Math.round(profile.weightBytes / MIB);
  return `${found.cluster.where} cannot read its folder, and its ${megabytes} MiB are too much to upload (${MOST_UPLOAD_BYTES / MIB} MiB at most): name the folder as the cluster sees it (ray_serve.path_map), or an address of the files (models.NAME.ray.source).`;
}
