/**
 * The schemas of a model's profile, for the types of profile.ts. test/shared/schemas.test.ts checks
 * that both match.
 */
import { z } from 'zod';
import { type FileProblem, FORM_KINDS, type KvCost, MODEL_KINDS, type ModelForm, type ModelProfile } from './profile.ts';

const bytes = z.record(z.string(), z.number());
const count = z.number().nullable();
export const formKindSchema = z.enum(FORM_KINDS);

const tensorSpec = z.object({ name: z.string(), type: z.string(), shape: z.array(z.union([z.number(), z.string()])) });
/** What differs between quantisations of one model. */
const weights = {
  quantization: z.string().nullable(),
  parameters: count,
  feedForwardLength: count,
  weightBytes: z.number(),
  weightBytesByType: bytes,
  layerBytes: z.array(z.number()),
  inputBytes: z.number(),
  outputBytes: z.number(),
};
const modelFormSchema = z.object({
  kind: formKindSchema,
  files: z.array(z.string()),
  codeFiles: z.array(z.string()),
  assumedClass: z.string().exactOptional(),
  preTokenizer: z.string().exactOptional(),
  unloadable: z.string().exactOptional(),
  companions: z.array(z.object({ role: z.enum(['projector', 'draft', 'adapter']), file: z.string() })).exactOptional(),
  adapter: z
    .object({
      method: z.string(),
      rank: count,
      task: z.string().nullable(),
      asks: z.array(z.object({ key: z.string(), what: z.string() })).exactOptional(),
    })
    .exactOptional(),
  inputs: z.array(tensorSpec).exactOptional(),
  outputs: z.array(tensorSpec).exactOptional(),
  conversion: z
    .union([
      z.object({ architecture: z.string(), contextTokens: count, isCut: z.boolean(), why: z.null() }),
      z.object({ architecture: z.null(), contextTokens: z.null(), why: z.string() }),
    ])
    .exactOptional(),
  weights: z.object(weights).exactOptional(),
  server: z.string().exactOptional(),
  detail: z.string().exactOptional(),
}) satisfies z.ZodType<ModelForm>;

const kvSchema = z.object({
  bytesPerToken: z.number(),
  bytesPerSequence: z.number(),
  exact: z.boolean(),
  groups: z.array(
    z.object({
      kind: z.enum(['full', 'sliding', 'chunked', 'latent', 'recurrent', 'cross']),
      layers: z.number(),
      bytesPerToken: z.number(),
      bytesPerSequence: z.number(),
      windowTokens: count,
    }),
  ),
}) satisfies z.ZodType<KvCost>;

const problemSchema = z.object({
  file: z.string(),
  kind: z.enum(['missing', 'truncated', 'partial-download', 'lfs-pointer', 'empty', 'stale-index', 'ends-in-zeros', 'damaged']),
  presentBytes: z.number(),
  expectedBytes: count,
  message: z.string(),
}) satisfies z.ZodType<FileProblem>;

export const profileSchema = z.object({
  ...weights,
  kind: z.enum(MODEL_KINDS),
  architecture: z.string(),
  name: z.string().nullable(),
  contextLength: count,
  layers: count,
  embeddingLength: count,
  heads: count,
  kvHeads: count,
  experts: z.object({ count: z.number(), used: count }).nullable(),
  vocabularySize: count,
  kv: kvSchema.nullable(),
  tokenizer: z.string().nullable(),
  hasChatTemplate: z.boolean(),
  sampling: z.object({ temperature: count, topP: count }).exactOptional(),
  pooling: z.string().nullable(),
  licence: z.string().nullable(),
  tags: z.array(z.string()),
  base: z.string().nullable(),
  forms: z.array(modelFormSchema),
  problems: z.array(problemSchema),
  completenessPercent: z.number(),
  notes: z.array(z.string()),
}) satisfies z.ZodType<ModelProfile>;
