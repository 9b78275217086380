/**
 * The Ray Serve keys of modelium.yaml: for the cluster, and for single models. `main/runtime/ray/`
 * implements them.
 */
import { z } from 'zod';

/** Scheme, host and port; nothing of a user, a path, a query or a fragment. */
export const ORIGIN_URL = /^https?:\/\/(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?\/?$/i;
/** The name of an environment variable. */
export const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SOURCE = /^(?:\/|[a-z][a-z0-9+.-]*:\/\/)\S+$/;
const replicas = z.number().int().min(1).max(1000);

/** `models.NAME.ray` */
export const rayModel = z
  .strictObject({
    gpus: z
      .number()
      .min(0)
      .max(64)
      .optional()
      .meta({
        description: 'GPUs of each replica as the cluster counts them, such as 0.5; left out: 1 where a cluster elsewhere has any.',
        examples: [0.5],
      }),
    devices: z
      .array(z.string().regex(/^[A-Za-z0-9-]+$/, 'expected an index such as "0", or the UUID of a GPU'))
      .max(16)
      .optional()
      .meta({
        description:
          'Exact GPUs of each replica, by index or UUID on its node; the cluster does not reserve them; left out: the cluster chooses.',
        examples: [['0']],
      }),
    cpus: z
      .number()
      .min(0)
      .max(1024)
      .optional()
      .meta({
        description:
          'Processors that the cluster reserves for each replica (a replica may use more); left out: 1, or 0 on a cluster that Modelium starts.',
        examples: [2],
      }),
    resources: z
      .record(z.string().min(1).max(100), z.number().positive())
      .default({})
      .meta({
        description: 'Other resources that its node must have, by their names in the cluster; empty: none.',
        examples: [{ fast_disk: 0.1 }],
      }),
    replicas: replicas.default(1).describe('How many copies of it run at once.'),
    autoscaling: z
      .strictObject({
        min: z.number().int().min(1).max(1000).default(1).describe('Copies that always run.'),
        max: replicas.default(2).describe('Copies that run at most.'),
        target: z.number().positive().default(2).describe('Requests per copy at which another copy is started.'),
        up_after_seconds: z
          .number()
          .nonnegative()
          .max(86_400)
          .default(30)
          .describe('Seconds with so many requests before a copy is added.'),
        down_after_seconds: z
          .number()
          .nonnegative()
          .max(86_400)
          .default(600)
          .describe('Seconds with fewer requests before a copy is ended.'),
      })
      .refine(({ min, max }) => min <= max, 'expected min not above max')
      .optional()
      .meta({
        description: 'Scales the copies with the number of requests, in place of `replicas`; left out: `replicas` copies.',
        examples: [{ min: 1, max: 4 }],
      }),
    source: z
      .string()
      .regex(SOURCE, 'expected a path on the cluster such as /mnt/models/x, or an address such as hf://owner/name or s3://bucket/x.zip')
      .optional()
      .meta({
        description:
          "Where the cluster finds the model's files: a path on its nodes or an address; left out: the path here, mapped by ray_serve.path_map.",
        examples: ['s3://bucket/model.zip'],
        fileOnly: true,
      }),
    llm: z.boolean().default(false).describe('Whether vLLM computes it, through ray.serve.llm; the cluster needs ray[llm] for that.'),
  })
  .optional()
  .meta({ description: 'How it runs on Ray Serve.' });

/** The keys of `ray_serve` beside those of each runtime that starts processes here. */
export const rayKeys = {
  enabled: z
    .union([z.boolean(), z.literal('auto')])
    .default('auto')
    .describe('Whether Ray Serve may serve models: true, false, or auto: when a cluster is named or Ray is installed.'),
  url: z
    .string()
    .regex(ORIGIN_URL, 'expected the address of a dashboard such as http://head:8265, without a path')
    .nullable()
    .default(null)
    .meta({
      description:
        'Address of the dashboard of a cluster that runs already; null: Modelium starts one of its own on this machine when it is needed.',
      fileOnly: true,
    }),
  token_env: z
    .string()
    .regex(VARIABLE, 'expected the name of an environment variable, never the token itself')
    .nullable()
    .default(null)
    .meta({
      description: "The environment variable that holds that cluster's token; null: it needs no token, or token_file holds it.",
      fileOnly: true,
    }),
  token_file: z
    .string()
    .nullable()
    .default(null)
    .meta({ description: 'The file that holds that token and nothing else, `~` being your home; null: none.', fileOnly: true }),
  path_map: z
    .record(z.string().regex(/^\//, 'expected an absolute path'), z.string().regex(/^\//, 'expected an absolute path'))
    .default({})
    .meta({
      description: 'Folders of this machine, each with its path on the nodes of that cluster; empty: no shared folders.',
      examples: [{ '/models': '/mnt/models' }],
      fileOnly: true,
    }),
  http_port: z
    .number()
    .int()
    .min(1)
    .max(65_535)
    .default(8000)
    .describe('The port for Serve if Serve does not run on that cluster yet; otherwise the present port of Serve is used.'),
  command: z.string().nullable().default(null).meta({
    description:
      'Path or name of the ray program for a cluster that Modelium starts; null: searched on the PATH, in .venv beside this file and ~/.venv.',
    fileOnly: true,
  }),
  object_store_mb: z
    .number()
    .int()
    .min(80)
    .default(200)
    .describe('MiB of shared memory (the object store of Ray) of a cluster that Modelium starts.'),
};

/** Its token comes from one place. */
export function hasOneToken({ token_env, token_file }: { readonly token_env: string | null; readonly token_file: string | null }): boolean {
  return token_env === null || token_file === null;
}
