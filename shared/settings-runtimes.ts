/**
 * `runtimes.NAME` of modelium.yaml: custom servers, each started by a command.
 * `main/runtime/custom/` implements the keys.
 */
import { z } from 'zod';
import { MODEL_KINDS } from './profile.ts';

/** What a server may take, as people call it; what Modelium calls it where that is another word. */
export const RUNTIME_FORMATS = {
  gguf: 'gguf',
  safetensors: 'transformers',
  transformers: 'transformers',
  mistral: 'mistral',
  diffusers: 'diffusers',
  timm: 'timm',
  onnx: 'onnx',
  openvino: 'openvino',
  tensorrt: 'tensorrt',
  torchscript: 'torchscript',
  'torch-export': 'torch-export',
  pickle: 'pickle',
} as const;

type Format = keyof typeof RUNTIME_FORMATS;

const stop = z.strictObject({
  signal: z
    .enum(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'])
    .default('SIGTERM')
    .describe('The signal by which it is asked to end: SIGTERM, SIGINT, SIGQUIT or SIGHUP.'),
  grace_seconds: z.number().nonnegative().default(10).describe('Seconds that it has to end; then it is killed.'),
});

const FILLED = '{port}, {model} (its path), {name}, {context}, {gpus} (how many) and {cpu_threads} are filled in';

/** @param ofProcesses the keys of each runtime that is a process for every model. */
export function ownRuntime<Shape extends z.ZodRawShape>(ofProcesses: Shape) {
  return z.strictObject({
    command: z
      .string()
      .min(1)
      .meta({
        description: 'Path or name of the server program, `~` being your home; it is started as it is, without a shell.',
        fileOnly: true,
        examples: ['/opt/tools/server'],
      }),
    args: z
      .array(z.string())
      .default([])
      .meta({ description: `Its arguments, in which ${FILLED}.`, fileOnly: true, examples: [['--port', '{port}', '--model', '{model}']] }),
    ...ofProcesses,
    health: z
      .string()
      .regex(/^\/\S*$/, 'expected a path that begins with /')
      .default('/health')
      .describe('The path that answers with status 200 when the server is up; after that, Modelium requests one real answer as a test.'),
    protocol: z
      .enum(['openai', 'v2', 'none'])
      .default('openai')
      .describe(
        'openai: it has the routes of OpenAI; v2: those of KServe and Triton for tensors; none: its routes are unknown; clients reach servers with v2 or none at /upstream/NAME/.',
      ),
    formats: z
      .array(z.enum(Object.keys(RUNTIME_FORMATS) as [Format, ...Format[]]))
      .default([])
      .describe('Formats of models that it serves; empty: only models with models.NAME.runtime set to it, in any format.'),
    kinds: z
      .array(z.enum(MODEL_KINDS).exclude(['unknown']))
      .default([])
      .describe('Kinds of models that it serves, such as chat or embedding; empty: all.'),
    model_name: z
      .string()
      .min(1)
      .default('{name}')
      .describe('The name of the model in requests to the server, if it differs from the name here; {model} and {name} are filled in.'),
    memory_mb: z
      .number()
      .positive()
      .optional()
      .meta({
        description: 'MiB that a model takes, used until the model has been measured; left out: estimated from its files.',
        examples: [6000],
      }),
    stop: stop.prefault({}).describe('How it is asked to end.'),
  });
}
