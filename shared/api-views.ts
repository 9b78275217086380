/**
 * The schemas of what the engine shows: snapshot, models, devices, decisions. The types are in
 * snapshot.ts and decision.ts. A schema with more fields than its type does not compile here; one
 * with fewer does not compile in test/shared/schemas.test.ts. No rules are here.
 */
import { z } from 'zod';
import { launchPlanSchema } from './api-decision.ts';
import { formKindSchema, profileSchema } from './api-profile.ts';
import { reasonSchema } from './api-reason.ts';
import { STATE_NAMES } from './model.ts';
import { MODEL_KINDS } from './profile.ts';
import {
  type DeviceView,
  type FoundModel,
  MODEL_STORES,
  type ModelView,
  type NodeView,
  type RuntimeView,
  type ServedStatistics,
  type ServerView,
  type Snapshot,
  type TrustView,
  type WatchFolderView,
} from './snapshot.ts';

const bytes = z.record(z.string(), z.number());
const runtimeId = z.string();
const count = z.number().nullable();

export const modelViewSchema = z.object({
  id: z.string(),
  aliases: z.array(z.string()),
  path: z.string(),
  remote: z.string().optional(),
  state: z.enum(STATE_NAMES),
  message: z.string(),
  headline: z.string(),
  because: reasonSchema.optional(),
  help: z.string().nullable(),
  blockedReason: z.string().nullable(),
  copy: z.object({ bytesPresent: z.number(), bytesExpected: count, missing: z.array(z.string()) }).nullable(),
  phase: z.string().nullable(),
  progress: count,
  runtime: runtimeId.nullable(),
  devices: z.array(z.string()),
  plan: launchPlanSchema.nullable(),
  predictedBytes: bytes.nullable(),
  measuredBytes: bytes.nullable(),
  pids: z.array(z.number()),
  inFlight: z.number(),
  waiting: z.number(),
  longestWaitMs: z.number(),
  queriesPerSecond: z.number(),
  idleMs: count,
  idleLeftMs: count,
  loadSeconds: count,
  retryInMs: count,
  pinned: z.boolean(),
  canForget: z.boolean(),
  pace: z.object({ requests: z.number(), p50Ms: z.number(), p95Ms: z.number(), firstTokenP50Ms: count, tokensPerSecond: count }).nullable(),
  profile: profileSchema.nullable(),
}) satisfies z.ZodType<ModelView>;

const deviceViewSchema = z.object({
  id: z.string(),
  kind: z.enum(['gpu', 'host']),
  index: count,
  name: z.string(),
  simulated: z.boolean(),
  totalBytes: z.number(),
  usedBytes: z.number(),
  reservedBytes: z.number(),
  promisedBytes: z.number(),
  leakedBytes: z.number(),
  availableBytes: z.number(),
  byModel: bytes,
  othersBytes: z.number(),
  programs: z.array(z.object({ pid: z.number(), name: z.string().nullable(), bytes: z.number() })),
  leaks: z.array(z.object({ modelId: z.string(), pids: z.array(z.number()), bytes: z.number() })),
  utilizationRatio: count,
  powerWatts: count,
  temperatureCelsius: count,
}) satisfies z.ZodType<DeviceView>;

const nodeViewSchema = z.object({
  name: z.string(),
  isAlive: z.boolean(),
  cpus: z.number(),
  memoryBytes: z.number(),
  gpus: z.number(),
  gpuName: z.string().nullable(),
  usedGpus: z.number(),
  usedCpus: z.number(),
}) satisfies z.ZodType<NodeView>;

export const statisticsSchema = z.object({
  requests: z.number(),
  failed: z.number(),
  inferences: z.number(),
  executions: z.number(),
  averageQueueMs: z.number().nullable(),
  averageComputeMs: z.number().nullable(),
  lastAt: z.string().nullable(),
}) satisfies z.ZodType<ServedStatistics>;

const serverViewSchema = z.object({
  state: z.enum(['absent', 'starting', 'up', 'recycling', 'stopping', 'there', 'away']),
  opens: z.string().nullable(),
}) satisfies z.ZodType<ServerView>;

export const runtimeViewSchema = z.object({
  id: runtimeId,
  enabled: z.boolean(),
  found: z.boolean(),
  version: z.string().nullable(),
  message: z.string(),
  isWrong: z.boolean().optional(),
  nodes: z.array(nodeViewSchema).optional(),
  server: serverViewSchema.optional(),
}) satisfies z.ZodType<RuntimeView>;

const watchFolderSchema = z.object({
  path: z.string(),
  ok: z.boolean(),
  message: z.string(),
  polling: z.boolean(),
}) satisfies z.ZodType<WatchFolderView>;

export const snapshotSchema = z.object({
  version: z.string(),
  address: z.string(),
  startedAt: z.string(),
  settingsFile: z.string().nullable(),
  settingsProblem: z.string().nullable(),
  devices: z.array(deviceViewSchema),
  models: z.array(modelViewSchema),
  runtimes: z.array(runtimeViewSchema),
  watchFolders: z.array(watchFolderSchema),
  lastDecisionId: z.number(),
  tokensPerSecond: z.number(),
}) satisfies z.ZodType<Snapshot>;

export const trustSchema = z.object({
  id: z.string(),
  forms: z.array(
    z.object({
      form: formKindSchema,
      hash: z.string(),
      trusted: z.boolean(),
      trustedAt: z.string().nullable(),
      files: z.array(
        z.object({ path: z.string(), bytes: z.number(), why: z.string(), preview: z.string().nullable(), isCut: z.boolean() }),
      ),
    }),
  ),
}) satisfies z.ZodType<TrustView>;

export const foundModelSchema = z.object({
  store: z.enum(MODEL_STORES),
  name: z.string(),
  path: z.string(),
  realPath: z.string(),
  bytes: z.number(),
  kind: z.enum(MODEL_KINDS).nullable(),
  quantization: z.string().nullable(),
  whole: z.boolean(),
  problem: z.string().nullable(),
  registered: z.string().nullable(),
}) satisfies z.ZodType<FoundModel>;
