/**
 * The schemas of plans and decisions, for the types of decision.ts. A schema that differs from its
 * type does not compile.
 */
import { z } from 'zod';
import { formKindSchema } from './api-profile.ts';
import { factsSchema, reasonSchema } from './api-reason.ts';
import {
  type Candidate,
  CONVERTED_TYPES,
  type Decision,
  type DecisionRow,
  type LaunchPlan,
  type LaunchWish,
  MEMORY_PARTS,
  type OwnLaunch,
} from './decision.ts';

const bytes = z.record(z.string(), z.number());
const count = z.number().nullable();
const runtimeId = z.string();
const bufferBytes = z.object({ modelBytes: z.number(), kvBytes: z.number(), computeBytes: z.number() });

export const launchPlanSchema = z.object({
  runtime: runtimeId,
  form: formKindSchema,
  placement: z.object({
    kind: z.enum(['cpu', 'gpu', 'split', 'elsewhere']),
    gpus: z.array(z.string()),
    gpuLayers: count,
    where: z.string().optional(),
  }),
  contextTokens: z.number(),
  file: z.string(),
  parallelSequences: z.number(),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  preparation: z.object({ type: z.enum(CONVERTED_TYPES) }).optional(),
  learned: bufferBytes.optional(),
  base: z.string().optional(),
  server: z.string().optional(),
  adapters: z.object({ count: z.number(), maxRank: z.number() }).optional(),
  asked: z.array(z.string()).optional(),
}) satisfies z.ZodType<LaunchPlan>;

const candidateSchema = z.object({
  plan: launchPlanSchema,
  feasible: z.boolean(),
  why: z.string(),
  facts: factsSchema.optional(),
  bytesNeeded: bytes,
  bytesThere: bytes,
  parts: z.partialRecord(z.enum(MEMORY_PARTS), z.number()).optional(),
  victims: z.array(z.string()),
  loadSeconds: count,
  needsTrust: z.boolean(),
}) satisfies z.ZodType<Candidate>;

/** The keys are those of `models.NAME` in the settings. */
const gpuNames = z.array(z.union([z.number().int().nonnegative(), z.string().max(200)])).max(64);
const positive = z.number().int().positive();
export const launchWishSchema = z.strictObject({
  context: positive.nullish(),
  parallel: positive.max(1024).nullish(),
  gpus: gpuNames.nullish(),
  runtime: z.string().max(200).nullish(),
  memory_mb: positive.nullish(),
}) satisfies z.ZodType<LaunchWish>;

export const ownLaunchSchema = z.object({
  name: z.string(),
  context: count,
  parallel: count,
  gpus: gpuNames.nullable(),
  runtime: z.string().nullable(),
  memory_mb: count,
}) satisfies z.ZodType<OwnLaunch>;

const reason = { reason: z.string(), because: reasonSchema };

export const decisionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('place'), candidate: candidateSchema, candidates: z.array(candidateSchema), ...reason }),
  z.object({
    kind: z.literal('wait'),
    devices: z.array(z.string()),
    waitsFor: z.array(z.string()),
    lacksRoom: z.boolean().exactOptional(),
    base: z.string().exactOptional(),
    candidates: z.array(candidateSchema),
    ...reason,
  }),
  z.object({
    kind: z.literal('refuse'),
    base: z.string().exactOptional(),
    refusal: z.enum([
      'no-runtime',
      'needs-trust',
      'too-large',
      'not-servable',
      'no-room',
      'needs-base',
      'needs-input',
      'not-visible-on-cluster',
      'away',
    ]),
    candidates: z.array(candidateSchema),
    ...reason,
    help: z.string(),
  }),
]) satisfies z.ZodType<Decision>;

export const decisionRowSchema = z.object({
  id: z.number(),
  at: z.string(),
  modelId: z.string(),
  action: z.enum(['load', 'refuse', 'wait', 'evict', 'retry', 'sleep', 'rest', 'prepare']),
  reason: z.string(),
  sentence: z.string(),
  because: reasonSchema.optional(),
  inputs: z.unknown(),
  candidates: z.array(candidateSchema),
  outcome: z
    .object({
      ok: z.boolean(),
      message: z.string(),
      predictedBytes: bytes.nullable(),
      measuredBytes: bytes.nullable(),
      seconds: count,
      code: z.string().optional(),
      reportedBytes: z.record(z.string(), bufferBytes).optional(),
      phaseSeconds: z.record(z.string(), z.number()).optional(),
    })
    .nullable(),
}) satisfies z.ZodType<DecisionRow>;
