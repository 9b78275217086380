/**
 * `remotes` of modelium.yaml: servers that run elsewhere, and where their API keys are. The
 * settings never contain an API key.
 */
import { z } from 'zod';
import { VARIABLE } from './settings-ray.ts';

/** It stands in names of models and in sentences. */
const remoteName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, 'expected a name of at most 32 letters, digits, dots and dashes');

/**
 * Scheme, host (a name, or an address) and port, and a path; nothing of a user, a query or a
 * fragment.
 */
const SERVER_URL = /^https?:\/\/(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:\/[^\s?#]*)?$/i;

export const remote = z
  .strictObject({
    url: z
      .string()
      .regex(SERVER_URL, 'expected an address such as https://box.example/v1, without a user, a query or a fragment')
      .meta({
        description: 'Its address, with the prefix of its routes; most addresses end in /v1.',
        examples: ['http://10.0.0.5:8000/v1'],
        fileOnly: true,
      }),
    key_env: z
      .string()
      .regex(VARIABLE, 'expected the name of an environment variable, never the key itself')
      .optional()
      .meta({
        description: 'The environment variable that holds its key; left out: it needs no key, or key_file holds it.',
        examples: ['LAB_KEY'],
        fileOnly: true,
      }),
    key_file: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: 'The file that holds its key and nothing else, `~` being your home; left out: none.',
        examples: ['~/.lab-key'],
        fileOnly: true,
      }),
    models: z
      .union([z.literal('all'), z.array(z.string().min(1).max(200)).max(200)])
      .default('all')
      .describe('Which of its models are listed here: all, or their names.'),
    prefix: z
      .string()
      .max(64)
      .regex(/^[A-Za-z0-9._/-]*$/, 'expected letters, digits, dots, dashes and slashes')
      .default('')
      .describe('The prefix of their names here, such as lab/.'),
  })
  .refine(({ key_env, key_file }) => key_env === undefined || key_file === undefined, 'expected key_env or key_file, not both');

export const remotes = z
  .record(remoteName, remote)
  .default({})
  .describe('OpenAI-compatible servers elsewhere, each under a name of your choice; Modelium passes requests on to their models.');

export type RemoteSettings = z.output<typeof remote>;
