/**
 * Describes a model's Ray Serve application in lines for users, as `modelium plan` shows it. Pure.
 */
import { mapped } from './path-map.ts';
import type { Planned } from './plan.ts';

/** @param prefix of the names of our applications. @param path the model's folder here. */
export function linesOf(
  { task, source, deployment, gpus, env, llm }: Planned,
  prefix: string,
  path: string | undefined,
  pathMap: Readonly<Record<string, string>>,
): readonly string[] {
  const exact = env['CUDA_VISIBLE_DEVICES'];
  const { num_replicas, autoscaling_config, ray_actor_options } = deployment as {
    readonly num_replicas?: number;
    readonly autoscaling_config?: {
      readonly min_replicas: number;
      readonly max_replicas: number;
      readonly target_ongoing_requests: number;
    };
    readonly ray_actor_options: { readonly num_cpus: number; readonly resources?: Readonly<Record<string, number>> };
  };
  const resources = Object.entries(ray_actor_options.resources ?? {}).map(([name, count]) => `, ${count} of ${name}`);
  return [
    `application: ${prefix}NAME, at the route /${prefix}NAME`,
    `task: ${task}${llm === null ? '' : ', by ray.serve.llm'}`,
    autoscaling_config === undefined
      ? `replicas: ${num_replicas ?? 1}`
      : `replicas: ${autoscaling_config.min_replicas} to ${autoscaling_config.max_replicas}, another one at ${autoscaling_config.target_ongoing_requests} requests each`,
    `each replica: ${gpusOf(gpus, exact)}, ${ray_actor_options.num_cpus} processors set aside${resources.join('')}`,
    `files: ${filesOf(source, path, pathMap)}`,
  ];
}

function gpusOf(gpus: number | null, exact: string | undefined): string {
  if (exact !== undefined) return exact === '' ? 'no GPU' : `GPU ${exact}`;
  if (gpus === null) return '1 GPU where the cluster has any';
  return gpus === 0 ? 'no GPU' : `${gpus} GPU${gpus > 1 ? 's' : ''}`;
}

function filesOf(source: Planned['source'], path: string | undefined, pathMap: Readonly<Record<string, string>>): string {
  if (typeof source === 'object') return source.at;
  if (source === 'upload') return 'uploaded';
  return source === 'mapped' && path !== undefined ? `read as ${mapped(path, pathMap)}` : 'read where they lie';
}
