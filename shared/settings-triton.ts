/**
 * The Triton keys of modelium.yaml: for the server, and for single models whose files lack
 * information. `main/runtime/triton/` implements them.
 */
import { z } from 'zod';
import { ORIGIN_URL, VARIABLE } from './settings-ray.ts';

const TYPE = /^(?:TYPE_)?(?:BOOL|U?INT(?:8|16|32|64)|B?FP?16|FP(?:16|32|64)|STRING|BYTES)$/i;

const tensor = z.strictObject({
  name: z
    .string()
    .min(1)
    .describe('Its name; for TorchScript INPUT__0, INPUT__1 ... and OUTPUT__0 ..., or the argument names of forward().'),
  type: z
    .string()
    .regex(TYPE, 'expected a type such as FP32, INT64, BOOL or STRING')
    .describe('The type of its values, such as FP32, INT64 or STRING.'),
  shape: z.array(z.number().int().min(-1)).max(16).describe('Its sizes; -1 for a size that each request chooses.'),
});

const tensors = (what: string, name: string) =>
  z
    .array(tensor)
    .max(256)
    .default([])
    .meta({
      description: `${what}, if its files do not describe them; empty: as in the files.`,
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
          'The largest batch: how many requests Triton may compute together along the first size of each tensor; 0: no batches; left out: 32 if all tensors begin with the same free size.',
        examples: [8],
      }),
  })
  .optional()
  .meta({ description: 'Information for Triton that the files of the model lack.' });

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
        'Address of a running Triton, used instead of starting one: Modelium loads models into it if it was started with --model-control-mode=explicit, otherwise only offers the models that it has; null: none.',
      fileOnly: true,
    }),
    key_header: z
      .string()
      .regex(/^[A-Za-z0-9-]{1,64}$/, 'expected the name of a header')
      .nullable()
      .default(null)
      .meta({
        description:
          'The header in which that Triton (its --http-restricted-api) expects its key; null: Authorization, which a proxy in front of Triton may expect.',
        fileOnly: true,
      }),
    key_env: z
      .string()
      .regex(VARIABLE, 'expected the name of an environment variable, never the key itself')
      .nullable()
      .default(null)
      .meta({
        description: "The environment variable that holds that Triton's key; null: it needs no key, or key_file holds it.",
        fileOnly: true,
      }),
    key_file: z
      .string()
      .nullable()
      .default(null)
      .meta({ description: 'The file that holds that key and nothing else, `~` being your home; null: none.', fileOnly: true }),
    http_max_input_mb: z.number().int().min(1).max(2048).default(64).meta({
      description:
        'MiB that this Triton accepts in one call, as its --http-max-input-size says; files of a model go with the call that loads it.',
      fileOnly: true,
    }),
    metrics_url: origin.meta({
      description: 'Address of the metrics of that Triton; null: port 8002 of the same host.',
      fileOnly: true,
    }),
    command: z.string().nullable().default(null).meta({
      description: 'Path or name of the tritonserver program; null: searched on the PATH and in /opt/tritonserver.',
      fileOnly: true,
    }),
    backends: z.string().nullable().default(null).meta({
      description: 'Folder of its backends; null: the folder `backends` beside the folder of the program.',
      fileOnly: true,
    }),
    container: z
      .strictObject({
        image: z
          .string()
          .regex(/^[A-Za-z0-9][^\s]*$/, 'expected the name of an image such as nvcr.io/nvidia/tritonserver:26.09-py3')
          .nullable()
          .default(null)
          .meta({
            description:
              'Image of the container in which Triton is started, in place of a program here; the image must already be pulled; null: no container.',
            examples: ['nvcr.io/nvidia/tritonserver:26.09-py3'],
            fileOnly: true,
          }),
        program: z.string().nullable().default(null).meta({
          description: 'Path or name of podman or docker; null: the first of the two on the PATH.',
          fileOnly: true,
        }),
        folders: z.array(z.string()).nullable().default(null).meta({
          description:
            'Folders that the container may read, in which its models lie, `~` being your home; null: the watch folders that the settings name.',
          fileOnly: true,
        }),
        args: z.array(z.string()).default([]).meta({ description: 'Arguments added to `podman run` or `docker run`.', fileOnly: true }),
      })
      .prefault({})
      .meta({ description: 'Triton in a container; off unless an image is named.' }),
    args: z.array(z.string()).default([]).meta({ description: 'Arguments added to its command line.', fileOnly: true }),
    env: z.record(z.string(), z.string()).default({}).meta({ description: 'Variables added to its environment.', fileOnly: true }),
  })
  .refine(({ key_env, key_file }) => key_env === null || key_file === null, 'expected key_env or key_file, not both')
  .prefault({})
  .describe('Triton Inference Server, which serves ONNX, TorchScript, TensorRT, OpenVINO and Triton folders.');
