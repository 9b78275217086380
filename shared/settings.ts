/**
 * modelium.yaml: the schema and its defaults. The names of the keys are a promise to users and never change.
 * Reading the file, keeping its comments and finding lines and columns is `main/io/settings-file.ts`.
 */
import { z } from 'zod';
import { nearestNames } from './nearest.ts';

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
  port_range: z
    .tuple([port.min(1), port.min(1)])
    .refine(([first, last]) => first <= last, 'expected the lower port first')
    .default([8100, 8999]),
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

export type SettingsPath = readonly (string | number)[];

/** What is wrong with a settings value, and where. `key` names the offending key of the section at `path`; null: the value itself. */
export interface SettingsProblem {
  readonly path: SettingsPath;
  readonly key: string | null;
  /** Without its place, which only the reader of the file knows. */
  readonly sentence: string;
}

export type CheckedSettings = { readonly settings: Settings } | { readonly problems: readonly SettingsProblem[] };

/** Checks what a settings file holds, as plain data. An empty section (`metrics:` with nothing below) means its defaults. */
export function checkSettings(value: unknown): CheckedSettings {
  const checked = settingsSchema.safeParse(withoutEmptySections(value ?? {}, []));
  if (checked.success) return { settings: checked.data };
  return { problems: checked.error.issues.flatMap(toProblems) };
}

/** A sentence for each runtime that the settings demand and this version lacks. */
export function settingsWarnings(settings: Settings): readonly string[] {
  return RUNTIMES_NOT_YET.filter((name) => settings[name].enabled === true).map(
    (name) => `${name}.enabled is true, but this version of Modelium cannot run ${name} yet: only the llama runtime serves models.`,
  );
}

/** The keys that a section may have; null when the path leads to a value, to free names, or nowhere. */
export function sectionKeys(path: SettingsPath): readonly string[] | null {
  let at: z.core.$ZodType | undefined = settingsSchema;
  for (const step of path) {
    at = unwrapped(at);
    if (at instanceof z.ZodObject) at = ownValue(at.shape as Record<string, z.core.$ZodType>, String(step));
    else if (at instanceof z.ZodRecord) at = at.valueType;
    else return null;
    if (at === undefined) return null;
  }
  at = unwrapped(at);
  return at instanceof z.ZodObject ? Object.keys(at.shape) : null;
}

function ownValue<Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  const wraps = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional;
  return wraps ? unwrapped(schema.unwrap()) : schema;
}

function withoutEmptySections(value: unknown, path: SettingsPath): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const kept = Object.entries(value).filter(([key, inner]) => inner !== null || !isSection([...path, key]));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutEmptySections(inner, [...path, key])]));
}

function isSection(path: SettingsPath): boolean {
  return sectionKeys(path) !== null || (path.length === 1 && path[0] === 'models');
}

function toProblems(issue: z.core.$ZodIssue): readonly SettingsProblem[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code !== 'unrecognized_keys') {
    return [{ path, key: null, sentence: `${path.join('.') || 'the file'}: ${expectation(issue)}.` }];
  }
  const known = sectionKeys(path) ?? [];
  return issue.keys.map((key) => {
    const [nearest] = nearestNames(key, known, 1);
    const hint = nearest === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean "${nearest}"?`;
    return { path, key, sentence: `unknown key "${[...path, key].join('.')}". ${hint}` };
  });
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union') {
    const choices = issue.errors.flat().map((inner) => expectation(inner).replace(/^expected /, ''));
    return `expected ${[...new Set(choices)].join(' or ')}`;
  }
  if (issue.code === 'invalid_value') return `expected ${issue.values.map((choice) => JSON.stringify(choice)).join(' or ')}`;
  if (issue.code === 'invalid_type') return `expected ${KINDS[issue.expected] ?? issue.expected}`;
  if (issue.code === 'too_small') return `expected ${amount(issue.origin)} of at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `expected ${amount(issue.origin)} of at most ${issue.maximum}`;
  return issue.message;
}

function amount(origin: string): string {
  return origin === 'array' ? 'a list with a length' : 'a number';
}

const KINDS: Readonly<Record<string, string>> = {
  object: 'a section with keys of its own',
  record: 'a section with keys of its own',
  array: 'a list',
  tuple: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};
