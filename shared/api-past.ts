/**
 * The schemas of history: the charts of the devices, and finished requests. The types are in
 * snapshot.ts; a schema that differs from its type does not compile.
 */
import { z } from 'zod';
import type { ActivityView, DeviceHistory, History } from './snapshot.ts';

const count = z.number().nullable();
const column = z.array(count);
const deviceHistorySchema = z.object({
  usedBytes: column,
  othersBytes: column,
  promisedBytes: column,
  leakedBytes: column,
  utilizationRatio: column,
  powerWatts: column,
  temperatureCelsius: column,
  byModel: z.record(z.string(), z.array(z.number())),
}) satisfies z.ZodType<DeviceHistory>;

export const historySchema = z.object({
  stepMs: z.number(),
  nowMs: z.number(),
  atMs: z.array(z.number()),
  devices: z.record(z.string(), deviceHistorySchema),
}) satisfies z.ZodType<History>;

export const activitySchema = z.object({
  nowMs: z.number(),
  requests: z.array(
    z.object({
      id: z.number(),
      atMs: z.number(),
      model: z.string(),
      runtime: z.string().nullable(),
      status: z.number(),
      totalMs: z.number(),
      queueMs: z.number(),
      firstTokenMs: count,
      promptTokens: count,
      completionTokens: count,
      tokensPerSecond: count,
    }),
  ),
  matching: z.number(),
  total: z.number(),
}) satisfies z.ZodType<ActivityView>;
