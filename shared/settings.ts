/**
 * modelium.yaml: the schema, its defaults, and the meaning of each key. The names of the keys are a
 * promise to users and never change. The check of a file, the form of the window and the comments
 * of `modelium init` are all made from it. `settings-check.ts` has the error sentences;
 * `main/io/settings/settings-file.ts` reads the file, with comments, lines and columns.
 */
import { z } from 'zod';
import type { RuntimeId } from './decision.ts';
import { isHostPattern, isOriginPattern } from './origins.ts';
import { runtimeName } from './runtime-names.ts';
import { gpuNames, model } from './settings-model.ts';
import { hasOneToken, rayKeys } from './settings-ray.ts';
import { remotes } from './settings-remotes.ts';
import { ownRuntime } from './settings-runtimes.ts';
import { triton } from './settings-triton.ts';

/** What a key carries beside its type; the form gets it as JSON schema. */
declare module 'zod' {
  interface GlobalMeta {
    /** Read at the start only: an edit takes effect when Modelium is started again. */
    needsRestart?: boolean;
    /**
     * It names a program to start, or what a program is started with: only the file itself can
     * change it, nobody over HTTP.
     */
    fileOnly?: boolean;
    /** As in JSON schema. */
    examples?: readonly unknown[];
  }
}

const seconds = z.number().nonnegative();
const port = z.number().int().min(0).max(65535);
const enabled = z.union([z.boolean(), z.literal('auto')]);

/** Of each runtime that is a process for every model. */
const ofProcesses = {
  env: z
    .record(z.string(), z.string())
    .default({})
    .meta({ description: "Variables added to the environment of each model's process.", fileOnly: true }),
  port_range: z
    .tuple([port.min(1), port.min(1)])
    .refine(([first, last]) => first <= last, 'expected the lower port first')
    .default([8100, 8999])
    .describe("The lowest and the highest loopback port for the models' processes."),
};

const llama = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether llama.cpp may serve models.'),
  command: z.string().nullable().default(null).meta({
    description: "Path of another server with llama-server's flags, used in place of the embedded one; null: the embedded one.",
    fileOnly: true,
  }),
  args: z
    .array(z.string())
    .default([])
    .meta({ description: "Arguments added to that server's command line, for every model.", fileOnly: true }),
  ...ofProcesses,
});

const vllm = z.strictObject({
  enabled: enabled.default('auto').describe('Whether vLLM may serve models: true, false, or auto: when it is installed.'),
  command: z.string().nullable().default(null).meta({
    description:
      'Path or name of the vllm program; null: searched on the PATH, in .venv beside this file, ~/.venv and the folders of uv, pipx and conda.',
    fileOnly: true,
  }),
  args: z
    .array(z.string())
    .default([])
    .meta({ description: 'Arguments added to `vllm serve`, for every model; they override those of Modelium.', fileOnly: true }),
  ...ofProcesses,
});

const discovery = z.strictObject({
  watch_directories: z
    .array(z.string())
    .nullable()
    .default(null)
    .describe('Folders that contain models (`~` is your home); null: ~/modelium/incoming, and /models/incoming where it exists.'),
  scan_interval_seconds: z
    .number()
    .positive()
    .default(30)
    .describe('Seconds between two scans of these folders when the file system sends no events.'),
});

const policies = z.strictObject({
  evict_after_idle_seconds: z
    .union([seconds, z.literal('auto')])
    .default(300)
    .describe(
      'A model idle for longer than this many seconds is unloaded; auto: chosen from its load time and the usual gaps between requests.',
    ),
  load: z
    .enum(['on_drop', 'on_request'])
    .default('on_drop')
    .describe('on_drop: a new model is loaded at once where there is room; on_request: only when someone asks for it.'),
  always_loaded: z.array(z.string()).default([]).describe('Names of models that are loaded at the start and never unloaded for idleness.'),
  max_queue: z
    .number()
    .int()
    .positive()
    .default(512)
    .describe('Requests that may wait for one model, for its load or for a free slot; further requests get status 429.'),
  queue_timeout_seconds: seconds
    .default(600)
    .describe('The longest that a request waits, in seconds; then it is answered with status 503.'),
  drain_seconds: seconds.default(30).describe('Seconds that requests in flight get when their model must leave.'),
  min_residency_seconds: seconds
    .default(10)
    .describe('A model that became ready less than this many seconds ago is not evicted for another model.'),
  fairness_max_wait_seconds: seconds
    .default(60)
    .describe('When a request has waited this many seconds, even a busy model is evicted for it.'),
  sleep_after_idle_seconds: seconds
    .nullable()
    .default(null)
    .describe('A vLLM model on a GPU that is idle for longer than this many seconds sleeps: its weights wait in main memory; null: never.'),
  load_stall_seconds: seconds.default(180).describe('A load without any sign of progress for this many seconds fails.'),
  load_max_seconds: seconds.default(3600).describe('A load that takes longer than this many seconds fails.'),
});

const metrics = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .meta({ description: 'Whether the metrics for Prometheus have a port of their own, on loopback.', needsRestart: true }),
  include_runtime: z
    .boolean()
    .default(false)
    .describe("Whether the metrics include what vLLM and Triton count of each loaded model, under the model's name."),
  port: port.default(9090).meta({ description: 'The port of the metrics for Prometheus; 0: any free one.', needsRestart: true }),
});

const api = z.strictObject({
  host: z
    .string()
    .default('127.0.0.1')
    .meta({ description: 'The address that the API listens at; only loopback in this version.', needsRestart: true }),
  port: port.default(8000).meta({ description: 'The port that the API listens at; 0: any free one.', needsRestart: true }),
  cors_origins: z
    .array(
      z.string().refine(isOriginPattern, {
        error: 'expected an origin without a path, such as https://page.example, http://localhost:*, https://*.page.example, app://* or *',
      }),
    )
    .default([])
    .describe('Web pages of these origins may ask, for example https://page.example, http://localhost:* or https://*.page.example.'),
  allowed_hosts: z
    .array(
      z
        .string()
        .refine(isHostPattern, { error: 'expected a host name without scheme, port or path, such as box.example or *.box.example' }),
    )
    .default([])
    .describe('Host names that requests may carry beside those of this machine, for example box.example or *.box.example.'),
  max_buffered_mb: z
    .number()
    .positive()
    .default(256)
    .describe('MiB that the bodies of all requests together may take; small ones do not count; beyond it, status 503.'),
  max_body_mb: z.number().positive().default(64).describe('The largest request, in MiB; a larger one is answered with status 413.'),
});

const gpus = z.strictObject({
  use: z
    .union([z.literal('all'), z.literal('none'), gpuNames])
    .default('all')
    .describe('GPUs that Modelium may use: all, none (processor only), or a list of indexes and UUIDs.'),
  reserve_mb: z.number().int().nonnegative().default(512).describe('MiB of memory kept free on each GPU.'),
  nvidia_smi: z
    .string()
    .nullable()
    .default(null)
    .meta({ description: 'Path of nvidia-smi; null: the one on the PATH.', needsRestart: true, fileOnly: true }),
});

const host = z.strictObject({
  reserve_mb: z.number().int().nonnegative().default(1024).describe('MiB of main memory kept free for everything else.'),
  memory_limit_mb: z
    .number()
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('MiB of main memory that all models may take together; null: what the machine has.'),
});

const cache = z.strictObject({
  folder: z
    .string()
    .nullable()
    .default(null)
    .describe('Folder for GGUF files made of Hugging Face folders, `~` being your home; null: ~/.cache/modelium.'),
  max_gb: z.number().nonnegative().default(200).describe('GB that these files may take together; the least recently used ones go first.'),
});

const sections = z.strictObject({
  llama: llama.prefault({}).describe('llama.cpp, which serves GGUF files.'),
  vllm: vllm.prefault({}).describe('vLLM, which serves Hugging Face folders.'),
  orchestration: z
    .strictObject({
      model_discovery: discovery.prefault({}).describe('Where models are found.'),
      policies: policies.prefault({}).describe('When models are loaded and unloaded, and how long requests wait for them.'),
    })
    .prefault({})
    .describe('Where models are found, and when they are loaded and unloaded.'),
  metrics: metrics.prefault({}).describe('Figures for Prometheus.'),
  api: api.prefault({}).describe('The HTTP API, and who may use it.'),
  gpus: gpus.prefault({}).describe('The GPUs of this machine.'),
  host: host.prefault({}).describe('Main memory.'),
  cache: cache.prefault({}).describe('Converted models, kept for later loads: anything in it may be deleted.'),
  models: z.record(z.string(), model).default({}).describe('Settings of single models, by name.'),
  runtimes: z
    .record(runtimeName, ownRuntime(ofProcesses))
    .default({})
    .describe('Servers of your own, by name: if several accept a model, the first one listed serves it.'),
  remotes,
  triton,
  ray_serve: z
    .strictObject({ ...rayKeys, ...ofProcesses })
    .refine(hasOneToken, 'expected token_env or token_file, not both')
    .prefault({})
    .describe('Ray Serve, which serves Hugging Face folders on a cluster, also beyond this machine.'),
});

/**
 * Names that `models.NAME.runtime` may give: runtimes that serve in this version, and those that
 * the settings themselves name.
 */
export function servingRuntimes({ runtimes }: z.output<typeof sections>): readonly RuntimeId[] {
  return ['llama', 'vllm', 'triton', 'ray', ...Object.keys(runtimes)];
}

export const settingsSchema = sections.superRefine((settings, { addIssue }) => {
  const known = servingRuntimes(settings);
  for (const [name, { runtime }] of Object.entries(settings.models)) {
    if (runtime === undefined || known.includes(runtime)) continue;
    const message = `expected ${known.map((one) => JSON.stringify(one)).join(' or ')}`;
    addIssue({ code: 'custom', path: ['models', name, 'runtime'], message });
  }
});

export type Settings = z.output<typeof settingsSchema>;
export type ModelSettings = z.output<typeof model>;
export type OwnRuntime = Settings['runtimes'][string];
export type Policies = Settings['orchestration']['policies'];

export const DEFAULT_SETTINGS: Settings = settingsSchema.parse({});

export type SettingsPath = readonly (string | number)[];

/**
 * The settings as JSON schema, with descriptions and defaults; `needsRestart` marks what is read at
 * the start only.
 */
export function settingsJsonSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(settingsSchema, { io: 'input' });
}
