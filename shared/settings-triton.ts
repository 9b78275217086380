/**
 * What modelium.yaml says of Triton: the server itself, and of single models what their files do
 * not tell. What each key does is `main/runtime/triton/`.
 */
import { z } from 'zod';

const TYPE = /^(?:TYPE_)?(?:BOOL|U?INT(?:8|16|32|64)|B?FP?16|FP(?:16|32|64)|STRING|BYTES)$/i;

const tensor = z.strictObject({
  name: z
    .string()
    .min(1)
    .describe('Its name; of TorchScript INPUT__0, INPUT__1 ... and OUTPUT__0 ..., or the names of the arguments of forward().'),
  type: z
    .string()
    .regex(TYPE, 'expected a type such as FP32, INT64, BOOL or STRING')
    .describe('The type of its values, such as FP32, INT64 or STRING.'),
  shape: z.array(z.number().int().min(-1)).max(16).describe('Its sizes; -1 where the size is chosen by whoever asks.'),
});

const tensors = (what: string, name: string) =>
  z
    .array(tensor)
    .max(256)
    .default([])
    .meta({
      description: `${what}, where its files do not tell; empty: as the files say.`,
      examples: [[{ name, type: 'FP32', shape: [-1, 3, 224, 224] }]],
    });

/** `models.NAME.triton` */
export const tritonModel = z
  .strictObject({
    inputs: tensors('The tensors that the model takes', 'INPUT__0'),
    outputs: tensors('The tensors that it answers with', 'OUTPUT__0'),
    max_batch_size: z
      .number()
      .int()
      .nonnegative()
      .max(65_536)
      .optional()
      .meta({
        description:
          'Requests that are computed as one at most, the first size of each tensor being theirs; 0: none; left out: 32 where all tensors begin with the same free size.',
        examples: [8],
      }),
  })
  .optional()
  .meta({ description: 'What Triton has to know of it and its files do not tell.' });

/** `triton` */
export const triton = z
  .strictObject({
    enabled: z
      .union([z.boolean(), z.literal('auto')])
      .default('auto')
      .describe('Whether Triton may serve models: true, false, or auto: when it is installed.'),
    command: z.string().nullable().default(null).meta({
      description: 'Path or name of the tritonserver program; null: looked for on the PATH and in /opt/tritonserver.',
      fileOnly: true,
    }),
    backends: z.string().nullable().default(null).meta({
      description: 'Folder of its backends; null: the folder `backends` beside the folder of the program.',
      fileOnly: true,
    }),
    args: z.array(z.string()).default([]).meta({ description: 'Arguments added to its command line.', fileOnly: true }),
    env: z.record(z.string(), z.string()).default({}).meta({ description: 'Variables added to its environment.', fileOnly: true }),
  })
  .prefault({})
  .describe('Triton Inference Server, which serves ONNX, TorchScript, TensorRT, OpenVINO and folders made for it.');
