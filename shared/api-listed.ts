/** How `/v1/models` lists a model. */
import { z } from 'zod';
import { MODEL_KINDS } from './profile.ts';

/** OpenAI's fields, and those that clients ask other servers for. */
export const listedModelSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.number().describe('When its files were last written, in seconds since 1970.'),
  owned_by: z.literal('modelium'),
  context_length: z.number().nullable().describe('In tokens; null: not known, or it has none.'),
  kind: z.enum(MODEL_KINDS),
  aliases: z.array(z.string()).describe('More names that it answers to.'),
  remote: z.string().optional().describe('The server elsewhere that offers it; absent: it is served here.'),
});
export const listedModelsSchema = z.object({ object: z.literal('list'), data: z.array(listedModelSchema) });
