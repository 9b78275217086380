/**
 * The HTTP contract: every route that Modelium serves, with the schema of what it takes and of what
 * it answers. The server checks requests by it, the command line and the page read answers by it,
 * and /openapi.json is generated from it. Routes that are not here do not exist, but for
 * `/upstream/{model}/...`, where what follows is the model's server's own
 * (`main/http/as-it-is.ts`).
 */

import { z } from 'zod';
import { decisionRowSchema, decisionSchema, launchWishSchema, ownLaunchSchema } from './api-decision.ts';
import { LIBRARY_API } from './api-library.ts';
import { listedModelSchema, listedModelsSchema } from './api-listed.ts';
import { LOAD_TEST_API } from './api-load-test.ts';
import { OPENAI_API } from './api-openai.ts';
import { activitySchema, historySchema } from './api-past.ts';
import {
  predictEmbeddingsSchema,
  predictLabelsSchema,
  predictRequestSchema,
  predictTensorsSchema,
  predictTextSchema,
} from './api-predict.ts';
import { profileSchema } from './api-profile.ts';
import { editedSettingsSchema, settingsEditSchema, settingsViewSchema } from './api-settings.ts';
import { TENSORS_API } from './api-tensors.ts';
import { TOKENS_API } from './api-tokens.ts';
import { modelViewSchema, runtimeViewSchema, snapshotSchema } from './api-views.ts';

export interface Contract {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** As OpenAPI writes it: `/control/models/{id}/load`. */
  readonly path: string;
  readonly summary: string;
  /**
   * `token`: needs a proof of the control token (shared/proofs.ts), or the token itself:
   * `Authorization: Bearer CONTROL-TOKEN`.
   */
  readonly access: 'open' | 'token';
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** A schema for JSON, or the content type of what is not JSON. */
  readonly answer: z.ZodType | 'text/plain' | 'text/event-stream' | 'application/octet-stream';
  /** Also answers server-sent events when asked to. */
  readonly streams?: boolean;
}

const force = z.strictObject({ force: z.boolean().default(false) });
const oneModel = z.object({ model: modelViewSchema });
const logLinesSchema = z.object({ lines: z.array(z.string()) });

export const API = {
  predict: {
    method: 'POST',
    path: '/predict/{model}',
    summary: 'Asks a model: a prompt, chat messages, texts to embed or to classify, or tensors. Loads it when needed.',
    access: 'open',
    body: predictRequestSchema,
    answer: z.union([predictTextSchema, predictEmbeddingsSchema, predictLabelsSchema, predictTensorsSchema]),
    streams: true,
  },
  listModels: {
    method: 'GET',
    path: '/v1/models',
    summary: 'Models that can be served, loaded or not, as OpenAI lists them.',
    access: 'open',
    answer: listedModelsSchema,
  },
  retrieveModel: {
    method: 'GET',
    path: '/v1/models/{model}',
    summary: 'One of them, by its id or alias.',
    access: 'open',
    answer: listedModelSchema,
  },
  ...OPENAI_API,
  ...TENSORS_API,
  ...TOKENS_API,
  health: {
    method: 'GET',
    path: '/health',
    summary: '200 while the engine can serve and load; 503 with the reason otherwise.',
    access: 'open',
    answer: z.object({ status: z.enum(['ok', 'unavailable']), reason: z.string().nullable(), version: z.string() }),
  },
  metrics: { method: 'GET', path: '/metrics', summary: "Prometheus' metrics.", access: 'open', answer: 'text/plain' },
  status: {
    method: 'GET',
    path: '/status',
    summary: 'Everything at a glance: devices, models, runtimes, folders.',
    access: 'open',
    answer: snapshotSchema,
  },
  models: {
    method: 'GET',
    path: '/models',
    summary: 'Every model with its state, in whatever state it is; beside them those of /v1/models, for clients whose base URL lacks /v1.',
    access: 'open',
    answer: listedModelsSchema.extend({ models: z.array(modelViewSchema) }),
  },
  openapi: { method: 'GET', path: '/openapi.json', summary: 'This description.', access: 'open', answer: z.looseObject({}) },
  root: {
    method: 'GET',
    path: '/',
    summary: 'The window for browsers; the routes, as text, for the rest.',
    access: 'open',
    answer: 'text/plain',
  },
  asset: {
    method: 'GET',
    path: '/assets/{file}',
    summary: "The window's scripts, styles and fonts.",
    access: 'open',
    answer: 'application/octet-stream',
  },
  prove: {
    method: 'POST',
    path: '/control/prove',
    summary: 'Proves that this engine knows the control token, without telling it, and says where it listens.',
    access: 'open',
    body: z.strictObject({ nonce: z.string().min(16).max(256) }),
    answer: z.object({
      run: z.string().describe('Tells this run of the engine from every other one.'),
      timeMs: z.number().describe('The clock of the engine, in milliseconds since 1970.'),
      listens: z.string().describe('Host and port: those of the Host header where they are its own.'),
      hmac: z.string().describe('HMAC-SHA256 in hexadecimal; SECURITY.md says of what.'),
    }),
  },
  snapshot: {
    method: 'GET',
    path: '/control/snapshot',
    summary: 'The same as /status, for the window.',
    access: 'token',
    answer: snapshotSchema,
  },
  events: {
    method: 'GET',
    path: '/control/events',
    summary: 'A snapshot, then numbered changes; resumed by Last-Event-ID.',
    access: 'token',
    answer: 'text/event-stream',
  },
  history: {
    method: 'GET',
    path: '/control/history',
    summary: "The devices' past. span: minutes (the last ten, a point a second) or day (24 hours, a point for two minutes).",
    access: 'token',
    query: z.strictObject({ span: z.enum(['minutes', 'day']).default('minutes') }),
    answer: historySchema,
  },
  activity: {
    method: 'GET',
    path: '/control/activity',
    summary: 'Requests that have ended, the newest first: model, status, tokens, times.',
    access: 'token',
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(200), model: z.string().optional() }),
    answer: activitySchema,
  },
  plan: {
    method: 'POST',
    path: '/control/plan',
    summary: 'A dry run: what would happen to a model or a path, and why; `with`: under other settings of the model. Changes nothing.',
    access: 'token',
    body: z.strictObject({ target: z.string().min(1), with: launchWishSchema.optional() }),
    answer: z.object({
      profile: profileSchema.nullable(),
      decision: decisionSchema.nullable(),
      message: z.string(),
      own: ownLaunchSchema.nullable().describe('What the settings say of the model; null for a path.'),
    }),
  },
  model: { method: 'GET', path: '/control/models/{id}', summary: 'One model.', access: 'token', answer: oneModel },
  load: {
    method: 'POST',
    path: '/control/models/{id}/load',
    summary: 'Asks for a model; answers at once. force: loads what looks half copied, and ends a back-off.',
    access: 'token',
    body: force,
    answer: oneModel,
  },
  unload: {
    method: 'POST',
    path: '/control/models/{id}/unload',
    summary: 'Unloads a model; answers when its memory is seen free. force: cuts requests in flight.',
    access: 'token',
    body: force,
    answer: oneModel,
  },
  pin: {
    method: 'POST',
    path: '/control/models/{id}/pin',
    summary: 'Pins a model: nothing but a person unloads it; or lets it go.',
    access: 'token',
    body: z.strictObject({ pinned: z.boolean().default(true) }),
    answer: oneModel,
  },
  ...LOAD_TEST_API,
  ...LIBRARY_API,
  decisions: {
    method: 'GET',
    path: '/control/decisions',
    summary: 'The ledger, newest first. before: older than this id.',
    access: 'token',
    query: z.strictObject({
      model: z.string().optional(),
      before: z.coerce.number().int().positive().optional(),
      limit: z.coerce.number().int().positive().max(500).default(50),
    }),
    answer: z.object({ decisions: z.array(decisionRowSchema) }),
  },
  logs: {
    method: 'GET',
    path: '/control/logs',
    summary: "The last lines of a model's runtime, or of the engine; follow: those that come too, as events.",
    access: 'token',
    query: z.strictObject({ model: z.string().optional(), follow: z.stringbool().default(false) }),
    answer: logLinesSchema,
    streams: true,
  },
  settings: {
    method: 'GET',
    path: '/control/settings',
    summary: 'The settings in force, what their file says, what is wrong with it, and what each key means.',
    access: 'token',
    answer: settingsViewSchema,
  },
  editSettings: {
    method: 'POST',
    path: '/control/settings',
    summary: 'Edits the settings file, its comments kept; answers when that is in force. All of the changes, or none.',
    access: 'token',
    body: settingsEditSchema,
    answer: editedSettingsSchema,
  },
  rescan: {
    method: 'POST',
    path: '/control/runtimes/rescan',
    summary: 'Looks again which runtimes are installed.',
    access: 'token',
    answer: z.object({ runtimes: z.array(runtimeViewSchema) }),
  },
} as const satisfies Record<string, Contract>;

/** What a route answers, as a client reads it. */
export type Answer<C extends Contract> = C['answer'] extends z.ZodType ? z.output<C['answer']> : string;
export type Body<C extends Contract> = C extends { readonly body: z.ZodType } ? z.output<C['body']> : undefined;
export type Query<C extends Contract> = C extends { readonly query: z.ZodType } ? z.output<C['query']> : undefined;
