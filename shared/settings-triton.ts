/**
 * What modelium.yaml says of Triton: the server itself, and of single models what their files do
 * not tell. What each key does is `main/runtime/triton/`.
 */
import { z } from 'zod';
import { ORIGIN_URL } from './settings-ray.ts';

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

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

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

const origin = z.string().regex(ORIGIN_URL, 'expected an address such as http://box:8000, without a path').nullable().default(null);

/** `triton` */
export const triton = z
  .strictObject({
    enabled: z
      .union([z.boolean(), z.literal('auto')])
      .default('auto')
      .describe('Whether Triton may serve models: true, false, or auto: when it is installed.'),
    url: origin.meta({
      description:
        'Address of a Triton that runs already, in place of one of our own: models are loaded into it where it was started with --model-control-mode=explicit, else its own are offered; null: none.',
      fileOnly: true,
    }),
    key_header: z
      .string()
      .regex(/^[A-Za-z0-9-]{1,64}$/, 'expected the name of a header')
      .nullable()
      .default(null)
      .meta({
        description:
          'The header in which that Triton (its --http-restricted-api) expects its key; null: Authorization, as a proxy in front of it does.',
        fileOnly: true,
      }),
    key_env: z
      .string()
      .regex(VARIABLE, 'expected the name of an environment variable, never the key itself')
      .nullable()
      .default(null)
      .meta({
        description: "The environment variable that holds that Triton's key; null: it wants none, or key_file holds it.",
        fileOnly: true,
      }),
    key_file: z
      .string()
      .nullable()
      .default(null)
      .meta({ description: 'The file that holds that key and nothing else, `~` being your home; null: none.', fileOnly: true }),
    metrics_url: origin.meta({
      description: 'Address of the figures of that Triton; null: port 8002 of the same host.',
      fileOnly: true,
    }),
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
  .refine(({ key_env, key_file }) => key_env === null || key_file === null, 'expected key_env or key_file, not both')
  .prefault({})
  .describe('Triton Inference Server, which serves ONNX, TorchScript, TensorRT, OpenVINO and folders made for it.');
