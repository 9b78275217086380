/**
 * modelium.yaml: the schema and its defaults. The names of the keys are a promise to users and never change.
 * Reading the file, keeping its comments and finding lines and columns is `main/io/settings-file.ts`.
 */
import { z } from 'zod';

const seconds = z.number().nonnegative();
const port = z.number().int().min(0).max(65535);
const enabled = z.union([z.boolean(), z.literal('auto')]);
const environment = z.record(z.string(), z.string());

const otherRuntime = z.strictObject({ enabled: enabled.default('auto') });

const llama = z.strictObject({
  enabled: z.boolean().default(true),
  /** Another server with llama-server's flags in place of the embedded one. */
  command: z.string().nullable().default(null),
  args: z.array(z.string()).default([]),
  env: environment.default({}),
  port_range: z.tuple([port, port]).default([8100, 8999]),
});

const policies = z.strictObject({
  evict_after_idle_seconds: z.union([seconds, z.literal('auto')]).default(300),
  load: z.enum(['on_drop', 'on_request']).default('on_drop'),
  always_loaded: z.array(z.string()).default([]),
  max_queue: z.number().int().positive().default(64),
  queue_timeout_seconds: seconds.default(600),
  drain_seconds: seconds.default(30),
  min_residency_seconds: seconds.default(10),
  fairness_max_wait_seconds: seconds.default(60),
  load_stall_seconds: seconds.default(180),
  load_max_seconds: seconds.default(3600),
});

const model = z.strictObject({
  pin: z.boolean().optional(),
  gpus: z.array(z.union([z.number().int().nonnegative(), z.string()])).optional(),
  context: z.number().int().positive().optional(),
  evict_after_idle_seconds: seconds.optional(),
  aliases: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
});

export const settingsSchema = z.strictObject({
  vllm: otherRuntime.prefault({}),
  triton: otherRuntime.prefault({}),
  ray_serve: otherRuntime.prefault({}),
  llama: llama.prefault({}),
  orchestration: z
    .strictObject({
      model_discovery: z
        .strictObject({
          /** `~` is the user's home. Null: ~/modelium/incoming, and /models/incoming where it exists. */
          watch_directories: z.array(z.string()).nullable().default(null),
          scan_interval_seconds: z.number().positive().default(30),
        })
        .prefault({}),
      policies: policies.prefault({}),
    })
    .prefault({}),
  metrics: z.strictObject({ enabled: z.boolean().default(true), port: port.default(9090) }).prefault({}),
  api: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: port.default(8000),
      cors_origins: z.array(z.string()).default([]),
      allowed_hosts: z.array(z.string()).default([]),
      max_body_mb: z.number().positive().default(64),
    })
    .prefault({}),
  gpus: z
    .strictObject({
      /** GPUs that Modelium may use, by index or UUID; `all`, or `none` for CPU only. */
      use: z.union([z.literal('all'), z.literal('none'), z.array(z.union([z.number().int().nonnegative(), z.string()]))]).default('all'),
      /** Kept free on each GPU. */
      reserve_mb: z.number().int().nonnegative().default(512),
      /** Path of nvidia-smi; null: on the PATH. */
      nvidia_smi: z.string().nullable().default(null),
    })
    .prefault({}),
  host: z
    .strictObject({
      /** Main memory kept free for everything else. */
      reserve_mb: z.number().int().nonnegative().default(1024),
      /** All that models may take together; null: what the machine has. */
      memory_limit_mb: z.number().int().positive().nullable().default(null),
    })
    .prefault({}),
  models: z.record(z.string(), model).default({}),
});

export type Settings = z.output<typeof settingsSchema>;
export type ModelSettings = z.output<typeof model>;
export type Policies = Settings['orchestration']['policies'];

export const DEFAULT_SETTINGS: Settings = settingsSchema.parse({});

/** Rules for reading files that name keys this version lacks: what stays accepted for ever, and is answered with a sentence. */
export const RUNTIMES_NOT_YET = ['vllm', 'triton', 'ray_serve'] as const;
