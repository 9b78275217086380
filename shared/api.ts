/**
 * The HTTP contract: every route of Modelium, with the schemas of its input and its answer. The
 * server checks requests by it, the command line and the page read answers by it, and /openapi.json
 * is generated from it. A route that is not here does not exist, except below `/upstream/{model}/`,
 * where the model's own server defines the routes (`main/http/as-it-is.ts`).
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
import { modelViewSchema, runtimeViewSchema, snapshotSchema, statisticsSchema } from './api-views.ts';

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
  /** The body is a file, whatever it calls itself. */
  readonly takesFile?: true;
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
    summary: 'Asks a model: a prompt, chat messages, texts to embed or to classify, or tensors. Loads the model if needed.',
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
    summary: 'Everything at a glance: devices, models, runtimes, folders, and the request counts of tensor servers.',
    access: 'open',
    answer: snapshotSchema.extend({ statistics: z.record(z.string(), statisticsSchema) }),
  },
  models: {
    method: 'GET',
    path: '/models',
    summary: 'Every model with its state; also the list of /v1/models, for clients whose base URL lacks /v1.',
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
    summary: 'Proves that this engine knows the control token, without revealing the token, and says where the engine listens.',
    access: 'open',
    body: z.strictObject({ nonce: z.string().min(16).max(256) }),
    answer: z.object({
      run: z.string().describe('Identifies this run of the engine.'),
      timeMs: z.number().describe('The clock of the engine, in milliseconds since 1970.'),
      listens: z.string().describe('Host and port: those of the Host header where they are its own.'),
      hmac: z.string().describe('HMAC-SHA256 in hexadecimal; shared/proofs.ts says what is signed.'),
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
    query: z.strictObject({
      limit: z.coerce.number().int().min(1).max(1_000).default(200),
      model: z.string().optional(),
      outcome: z.enum(['answered', 'failed']).optional(),
    }),
    answer: activitySchema,
  },
  plan: {
    method: 'POST',
    path: '/control/plan',
    summary:
      'A dry run: what would happen to a model or a path, and why; `with`: under other settings of the model; `after`: once these models are loaded and busy. Changes nothing.',
    access: 'token',
    body: z.strictObject({ target: z.string().min(1), with: launchWishSchema.optional(), after: z.array(z.string()).max(16).optional() }),
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
    summary: 'Requests the load of a model; answers at once. force: loads it even if its copy looks incomplete, and ends a back-off.',
    access: 'token',
    body: force,
    answer: oneModel,
  },
  unload: {
    method: 'POST',
    path: '/control/models/{id}/unload',
    summary: 'Unloads a model; answers when its memory is measured free. force: cuts requests in flight.',
    access: 'token',
    body: force,
    answer: oneModel,
  },
  pin: {
    method: 'POST',
    path: '/control/models/{id}/pin',
    summary: 'Pins a model, so that only a person unloads it; or unpins it.',
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
    summary: "The last log lines of a model's runtime, or of the engine; follow: new lines too, as events.",
    access: 'token',
    query: z.strictObject({ model: z.string().optional(), follow: z.stringbool().default(false) }),
    answer: logLinesSchema,
    streams: true,
  },
  settings: {
    method: 'GET',
    path: '/control/settings',
    summary: 'The settings in force, the content of their file, its problems, and the meaning of each key.',
    access: 'token',
    answer: settingsViewSchema,
  },
  editSettings: {
    method: 'POST',
    path: '/control/settings',
    summary: 'Edits the settings file and keeps its comments; answers when the changes are in force. Applies all of the changes, or none.',
    access: 'token',
    body: settingsEditSchema,
    answer: editedSettingsSchema,
  },
  rescan: {
    method: 'POST',
    path: '/control/runtimes/rescan',
    summary: 'Searches again for installed runtimes.',
    access: 'token',
    answer: z.object({ runtimes: z.array(runtimeViewSchema) }),
  },
} as const satisfies Record<string, Contract>;

/** What a route answers, as a client reads it. */
export type Answer<C extends Contract> = C['answer'] extends z.ZodType ? z.output<C['answer']> : string;
export type Body<C extends Contract> = C extends { readonly body: z.ZodType } ? z.output<C['body']> : undefined;
export type Query<C extends Contract> = C extends { readonly query: z.ZodType } ? z.output<C['query']> : undefined;
