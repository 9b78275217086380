/** The schemas of the requests and answers of `/predict`, the largest part of the contract. */
import { z } from 'zod';

const SUBJECTS = ['prompt', 'messages', 'input', 'inputs'] as const;

export const predictRequestSchema = z
  .strictObject({
    /** A chat model gets it as one message of the user, others as the text to go on with. */
    prompt: z.string().optional(),
    messages: z
      .array(z.looseObject({ role: z.string() }))
      .min(1)
      .optional(),
    /**
     * Texts to embed or to classify; of models of images, images as `data:image/...;base64,...`.
     */
    input: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
    labels: z
      .array(z.string().min(1))
      .min(1)
      .max(1000)
      .optional()
      .describe('Classes to choose from, for models that take any (zero-shot); with `input`.'),
    /** Tensors by name, as JSON arrays nested as their shapes are; for models that take tensors. */
    inputs: z.record(z.string(), z.unknown()).optional(),
    max_tokens: z
      .union([z.number().int().positive(), z.literal(-1)])
      .default(256)
      .describe('-1: until the model stops, or its context is full.'),
    temperature: z.number().nonnegative().optional(),
    top_p: z.number().positive().max(1).optional(),
    stop: z.union([z.string(), z.array(z.string())]).optional(),
    seed: z.number().int().optional(),
    stream: z.boolean().default(false),
    /**
     * Seconds that the model stays loaded after this request when nobody uses it; 0 unloads it at
     * once.
     */
    /** At most a day: a request may keep a model, but not pin it. */
    keep_alive_seconds: z.number().nonnegative().max(86_400).optional(),
  })
  .superRefine((body, context) => {
    if (body.labels !== undefined && body.input === undefined)
      context.addIssue({ code: 'custom', path: ['labels'], message: 'labels need an input that they can classify.' });
    const given = SUBJECTS.filter((name) => body[name] !== undefined);
    if (given.length === 1) return;
    const found = given.length === 0 ? 'none of them' : given.join(' and ');
    context.addIssue({ code: 'custom', message: `Send exactly one of prompt, messages, input or inputs; this body has ${found}.` });
  });
export type PredictRequest = z.output<typeof predictRequestSchema>;

/** Where a model is asked. */
export function predictPath(modelId: string): string {
  return `/predict/${encodeURIComponent(modelId)}`;
}

const usageSchema = z.object({ prompt_tokens: z.number().nullable(), completion_tokens: z.number().nullable() });
/**
 * Milliseconds count from the request's arrival; load_ms is a part of queue_ms. Null: not known, or
 * nothing of the kind happened.
 */
const timingsSchema = z.object({
  queue_ms: z.number(),
  load_ms: z.number(),
  first_token_ms: z.number().nullable(),
  total_ms: z.number(),
  tokens_per_second: z.number().nullable(),
});
export type Usage = z.output<typeof usageSchema>;
export type Timings = z.output<typeof timingsSchema>;

export const predictTextSchema = z.object({
  model: z.string(),
  runtime: z.string(),
  text: z.string(),
  /** Thoughts in front of the text, of models that think aloud. */
  reasoning: z.string().optional(),
  finish_reason: z.string().nullable(),
  usage: usageSchema,
  timings: timingsSchema,
});
export const predictEmbeddingsSchema = z.object({
  model: z.string(),
  runtime: z.string(),
  embeddings: z.array(z.array(z.number())),
  usage: usageSchema,
  timings: timingsSchema,
});
/**
 * The likeliest class of each text or image; its probability is null where the runtime does not
 * tell.
 */
export const predictLabelsSchema = z.object({
  model: z.string(),
  runtime: z.string(),
  labels: z.array(z.object({ label: z.string(), probability: z.number().nullable() })),
  usage: usageSchema,
  timings: timingsSchema,
});
/** Tensors by name, nested as their shapes are; null for numbers that JSON has no word for. */
export const predictTensorsSchema = z.object({
  model: z.string(),
  runtime: z.string(),
  outputs: z.record(z.string(), z.unknown()),
  timings: timingsSchema,
});
/** The events of `stream: true`: thoughts and texts, then one that is done. */
export const predictEventSchema = z.union([
  z.object({ text: z.string() }),
  z.object({ reasoning: z.string() }),
  predictTextSchema.omit({ text: true, reasoning: true }).extend({ done: z.literal(true) }),
]);
