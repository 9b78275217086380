/** The routes of the Open Inference Protocol, version 2, as KServe and Triton have them. */
import { z } from 'zod';

const tensor = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.number()) });
const input = tensor.extend({
  image: z.literal(true).optional().describe('/predict takes images for it, as the settings of the model say (image_inputs).'),
});
const asInferred = z.looseObject({}).describe('As in the Open Inference Protocol, version 2; tensors may also follow as bytes');

export const TENSORS_API = {
  inferenceServer: {
    method: 'GET',
    path: '/v2',
    summary: 'Describes the server of the Open Inference Protocol; /v2/health/live and /v2/health/ready report its health.',
    access: 'open',
    answer: z.looseObject({ name: z.string(), version: z.string() }),
  },
  tensorsOfModel: {
    method: 'GET',
    path: '/v2/models/{model}',
    summary: 'The tensors that a model takes and answers with, loaded or not; the path with /ready added says whether the model is loaded.',
    access: 'open',
    answer: z.object({
      name: z.string(),
      versions: z.array(z.string()),
      platform: z.string(),
      inputs: z.array(input),
      outputs: z.array(tensor),
    }),
  },
  infer: {
    method: 'POST',
    path: '/v2/models/{model}/infer',
    summary: 'Tensors in, tensors out. Loads the model if needed.',
    access: 'open',
    body: asInferred,
    answer: asInferred,
  },
  generate: {
    method: 'POST',
    path: '/v2/models/{model}/generate',
    summary: 'Text in, text out, for models with a text_input.',
    access: 'open',
    body: asInferred,
    answer: asInferred,
  },
  generateStream: {
    method: 'POST',
    path: '/v2/models/{model}/generate_stream',
    summary: 'The same, streamed in pieces.',
    access: 'open',
    body: asInferred,
    answer: 'text/event-stream',
  },
} as const;
